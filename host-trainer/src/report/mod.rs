//! One HTML page about one or several runs, without scripts or external files.

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
