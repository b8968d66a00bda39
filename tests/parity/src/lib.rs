//! Holds devices against the host: every logit, every probability, every class.
//!
//! ```text
//!  answers file (host) --> sweep --> Client ==== byte stream ====> loopback: the firmware library on a thread
//!                            |                                     qemu:     the firmware on an emulated board
//!                            v
//!                         ParityRecord: compared, different, accuracy
//! ```
//!
//! What the host computed comes as a file from `host-trainer evaluate --answers`; nothing here
//! infers by itself.

#![forbid(unsafe_code)]

mod client;
mod counting;
pub mod device;
mod faults;
mod logs;
mod memory;
pub mod program;
mod report;
mod sweep;
mod uniform;

pub use client::{
    Answer, Calibration, Client, ClientError, Introduction, Measurement, Retry, StageTicks, Stream, Traffic, Trouble,
};
pub use counting::{Counts, INSTRUCTION_SHIFT, Scale, ScaleError, Unit};
pub use device::{Device, DeviceError, Lab, Link, Runner, Session};
pub use faults::{Echo, Fault, Faults, Ordeal, Plan, Row, Tally, send_noise};
pub use host_support::parity::ParityRecord;
pub use memory::{MemoryError, most_memory};
pub use report::{Report, Sample, new_file, record_path, write_json, write_record};
pub use sweep::{SweepError, WINDOW, sweep};
pub use uniform::Uniform;
