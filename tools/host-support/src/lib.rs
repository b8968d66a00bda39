//! Small pieces that several host programs share.

#![forbid(unsafe_code)]

pub mod signals;
