//! Helpers that do not depend on networks: files, progress, interrupts.

#[cfg(test)]
pub mod damage;
pub mod date;
pub mod files;
pub mod format;
pub mod gunzip;
pub mod interrupt;
pub mod progress;
pub mod range;
pub mod tensor_header;

pub use host_support::bounded;
