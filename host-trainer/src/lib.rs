//! Trains a small dense classifier, quantizes it to integers and writes `model.bin`: begins at pictures, ends at a file.
//!
//! ```text
//!                                    safetensors --import--+
//!                                                          v
//!  IDX files --dataset--> pictures [u8] --train--> float network --calibrate--> largest activations
//!                                                       |                              |
//!                                                       +----------- quantize ---------+
//!                                                                        |
//!                          answers.bin <--evaluate-- model.bin <--export-+
//!                               label <--predict---/
//! ```
//!
//! burn trains, in `f32`. From `quantize` on everything is integers, and the arithmetic is `shared-model`'s, the same
//! code that the device runs.

#![forbid(unsafe_code)]

mod backend;
mod calibrate;
mod compare;
mod dataset;
mod evaluate;
mod export;
mod float;
mod frontier;
mod import;
mod model;
mod model_file;
mod optimizer;
mod picture;
mod pipeline;
mod pixels;
mod plot;
mod quantize;
mod record;
mod reorder;
mod report;
mod softmax;
mod teach;
mod train;

mod bounded;
#[cfg(test)]
mod damage;
mod files;
mod interrupt;
mod progress;
mod range;
mod terminal;
mod wording;

mod cli;

pub use cli::run;
pub use dataset::Places;
