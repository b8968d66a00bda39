//! Functions and types that several host programs share.

#![forbid(unsafe_code)]

pub mod bounded;
#[cfg(feature = "browser")]
pub mod browser;
pub mod errors;
pub mod files;
#[cfg(feature = "style")]
pub mod mark;
pub mod measured;
pub mod numbers;
pub mod page;
pub mod parity;
#[cfg(feature = "playground")]
pub mod playground;
pub mod shell;
pub mod signals;
#[cfg(feature = "style")]
pub mod style;
#[cfg(feature = "style")]
pub mod svg;
pub mod table;
pub mod terminal;
pub mod text;
