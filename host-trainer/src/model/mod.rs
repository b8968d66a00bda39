//! Exports, imports, reorders and evaluates models.

mod cost;
pub mod evaluate;
mod evaluation;
pub mod export;
pub mod import;
mod owned;
pub mod reorder;
pub mod softmax;

pub use cost::Cost;
pub use evaluation::{ClassResult, Evaluation, Mistake};

#[cfg(test)]
pub use evaluation::tests;
