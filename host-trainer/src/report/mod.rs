//! One HTML page about one run or several: no script, nothing from a network, and every picture inside of it.

mod figure;
mod numbers;
mod page;
mod run;
mod sections;
mod table;
#[cfg(test)]
mod tests;

pub use page::page;
pub use run::{Missing, Run, load};
