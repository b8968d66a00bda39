//! The frontier: many networks, trained in many ways, and for each what it answers rightly and what it costs.
//!
//! ```text
//!  families --shard--> units (a family and a seed) --runs--> folders --row--> rows --> JSON, page, picture
//!                                                               measured ---^   rivals --------------^
//! ```

mod families;
mod measured;
mod pace;
mod page;
mod rivals;
mod row;
mod runs;
mod unit;

pub use families::{Entry, FAMILIES, Family, REDUCED};
pub use measured::Measured;
pub use pace::Pace;
pub use page::{markdown, splice};
pub use rivals::{RIVALS, SOURCE};
pub use row::Row;
pub use runs::{Found, Runs, Teacher};
pub use unit::{Shard, Unit, choose};
