//! Trains a small classifier on images, quantizes it to integers and writes `model.bin`.
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
//! burn trains in `f32`. After `quantize`, all arithmetic is integers and comes from
//! `prenda`, which also runs on the device.

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
mod search;
mod sweep;
mod watch;

mod cli;

pub use cli::run;
pub use data::Places;
