//! Models: exported from a network, imported from another program, reordered, evaluated.

pub mod evaluate;
pub mod export;
pub mod float;
pub mod import;
pub mod reorder;
mod softmax;
