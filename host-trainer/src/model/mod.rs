//! Exports, imports, combines, reorders and evaluates models.

pub mod cascade;
mod cost;
pub mod evaluate;
mod evaluation;
pub mod export;
pub mod import;
mod owned;
pub mod reorder;
pub mod softmax;

pub use cost::{Cost, multiplications};
pub use evaluation::{ClassResult, Evaluation, Mistake, NetworkResult};

#[cfg(test)]
pub use evaluation::tests;
