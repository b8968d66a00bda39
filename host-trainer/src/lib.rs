//! Trains a small dense classifier, quantizes it to integers and writes `model.bin`: begins at
//! images, ends at a file.
//!
//! ```text
//!                                    safetensors --import--+
//!                                                          v
//!  IDX files --dataset--> images [u8] --train--> float network --calibrate--> largest activations
//!                                                       |                              |
//!                                                       +----------- quantize ---------+
//!                                                                        |
//!                          answers.bin <--evaluate-- model.bin <--export-+
//!                               label <--predict---/
//! ```
//!
//! burn trains, in `f32`. From `quantize` on everything is integers, and the arithmetic is
//! `shared-model`'s, the same code that the device runs.

#![forbid(unsafe_code)]

mod data;
mod limits;
mod model;
mod network;
mod quantize;
mod run;
mod support;
mod text;
mod train;

mod plot;
mod report;
mod sweep;

mod cli;

pub use cli::run;
pub use data::Places;
