//! The folder of a run: small files, each with one subject, that later commands read.
//!
//! ```text
//!  config.json        Configuration   settings, data, versions
//!  history.json       [Epoch]         loss and accuracy of each epoch
//!  result.json        Outcome         the results
//!  evaluation.json    Evaluation      the test split in fixed point: confusion, classes, mistakes
//!  quantization.json  Quantization    ranges and errors of each layer
//!  weights.safetensors                the float network
//!  model.bin                          the integer network
//!  cascade.json       CascadeRecord   of a cascade, which has no training of its own
//!  parity-DEVICE.json ModelParity     comparison with a device, by `cargo xtask parity`
//!  bench.json         [BoardCost]     instructions on boards, from `cargo xtask bench --json`
//!  progress.jsonl     Progress        a training in progress
//!  *.svg                              plots
//! ```

mod bench;
mod cascade;
mod configuration;
mod default_path;
mod describe;
mod finished;
pub mod float;
mod folder;
pub mod model_file;
mod outcome;
mod parity;
pub mod pipeline;
mod progress;
mod records;
mod weights;

pub use bench::{BENCH, BoardCost};
pub use cascade::{Cascade, CascadeNetwork, CascadeRecord, ChosenOn, MakeCascadeError};
pub use configuration::Configuration;
#[cfg(test)]
pub use configuration::DataRecord;
pub use default_path::default_path;
pub use describe::{describe_gap, describe_overfitting, describe_stop, is_overfitted};
pub use folder::{MAX_RECORD_BYTES, RecordError, RunFile, RunFolder, json};
pub use outcome::Outcome;
#[cfg(test)]
pub use progress::ProgressFile;
pub use progress::{PROGRESS, Planned, Progress};
pub use weights::encode as encode_weights;
