//! One HTML page about one run or several: no script, nothing from a network, and every picture inside of it.

mod figure;
mod numbers;
mod page;
mod run;
mod sections;
mod table;

pub use page::page;
pub use run::{Missing, Run, load};
