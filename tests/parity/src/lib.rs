//! Compares devices with the host: every logit, every probability, every class.
//!
//! ```text
//!  answers file --> sweep --> Client == byte stream ==> Device: server on a thread, or board
//!                     |
//!                     v
//!                  ParityRecord: compared, different, accuracy
//! ```
//!
//! The host's answers come from a file of `host-trainer evaluate --answers`; this crate does not
//! infer.

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
pub use device::{Device, DeviceError, Foreign, Lab, Link, Place, Runner, Session};
pub use faults::{Echo, Fault, FaultRow, FaultTest, Faults, Plan, Tally, send_noise};
pub use host_support::parity::{ParityRecord, Target};
pub use memory::{MemoryError, is_too_large, most_memory};
pub use report::{ParityReport, ParitySample, record_path, write_record};
pub use sweep::{SweepError, WINDOW, sweep};
pub use uniform::Uniform;
