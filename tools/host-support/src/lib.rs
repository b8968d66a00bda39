//! Functions and types that several host programs share.

#![forbid(unsafe_code)]

pub mod files;
pub mod numbers;
pub mod parity;
pub mod shell;
pub mod signals;
