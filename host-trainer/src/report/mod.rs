//! One HTML page about one or several runs, without scripts or external files.

mod commands;
mod figure;
mod image;
mod missing;
mod numbers;
mod page;
mod playground;
mod run;
mod sections;
mod table;
#[cfg(test)]
mod tests;

pub use missing::Missing;
pub use page::page;
pub use playground::playground;
pub use run::{Run, load};
