//! Many runs from one list of networks: the lecture's table, and the frontier of accuracy against
//! cost.
//!
//! ```text
//!  TOML list --shard--> units (a network and a seed) --runs--> folders --> the lecture's table
//!                                                                 |
//!                                                         cascades of runs
//!                                                                 |
//!                                                  measured --> rows --> JSON, page, chart
//! ```

mod cascades;
mod figure;
mod list;
mod measured;
mod pace;
mod page;
mod rivals;
mod row;
mod runs;
mod unit;

pub use cascades::{Parts, SweepCascadeError};
pub use figure::Figure;
pub use list::{FRONTIER, LECTURE, LectureFigures, List, ListedCascade, ListedNetwork, REDUCED, parse, read};
pub use measured::Measured;
pub use pace::Pace;
pub use page::markdown;
pub use rivals::{RIVALS, SOURCE};
pub use row::{FrontierRow, LayerSet, RowName, in_percent};
pub use runs::{Found, Place, Runs};
pub use unit::{Shard, Unit, choose};
