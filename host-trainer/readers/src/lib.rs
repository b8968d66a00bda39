//! Reads arrays (NPZ), tables (CSV) and records (CIFAR-10) of bytes from files of unknown origin.
//!
//! Nothing here knows networks, so that fuzzing compiles quickly. Every reader takes any bytes,
//! returns an error that names what is wrong, and keeps at most the values that it returns, up to a
//! bound, and one row.

#![forbid(unsafe_code)]

pub mod archive;
pub mod cifar;
pub mod npy;
pub mod npz;
pub mod table;

/// Most values that are read: 1 GiB.
pub const MAX_VALUES: usize = 1 << 30;
