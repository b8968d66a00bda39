//! Cycles of an inference from the operations that it needs, for programs that have a model but
//! neither its board nor an emulator.
//!
//! ```text
//!  model, images --counter--> operations --costs.toml--> estimates for the boards of owned.toml
//! ```
//!
//! `cargo xtask estimate --fit` fits the costs to traces of an emulator.

#![forbid(unsafe_code)]

mod costs;
mod counter;
mod estimate;
mod operation;

pub use costs::{BoardCosts, Costs, CostsError};
pub use counter::Counter;
pub use estimate::Estimate;
pub use operation::{Operation, Operations};
