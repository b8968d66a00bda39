//! What a run leaves behind: a folder of small files, each with one subject, that later commands
//! read again.
//!
//! ```text
//!  config.json        Configuration   what was asked for, on which data, with which versions
//!  history.json       [Epoch]         how training went
//!  result.json        Outcome         what came of it
//!  evaluation.json    Evaluation      the test split in fixed point: confusion, classes, mistakes
//!  quantization.json  Quantization    ranges and error of each layer
//!  weights.safetensors                the float network
//!  model.bin                          the integer network
//!  parity-DEVICE.json ModelParity     what a device made of it; left by `cargo xtask parity`
//!  *.svg                              images of these
//! ```

mod configuration;
mod describe;
mod evaluation;
mod finished;
pub mod float;
mod folder;
mod history;
pub mod model_file;
mod outcome;
mod parity;
pub mod pipeline;
mod quantization;
mod weights;

pub use configuration::Configuration;
pub use describe::{describe_gap, describe_stop};
pub use folder::{MAX_RECORD_BYTES, RecordError, RunFile, RunFolder, json};
pub use outcome::Outcome;
pub use weights::encode as encode_weights;
