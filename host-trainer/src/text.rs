//! Formats numbers, paths and text for the terminal and for reports.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

pub use host_support::numbers::grouped as count;
pub use host_support::text::{is_control, printable};
use serde::{Serialize, Serializer};

/// Formats a share, 0 to 1, in percent.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Formats a share, or a difference of shares, in percentage points.
pub fn points(share: f64) -> String {
    format!("{:.2} points", 100.0 * share)
}

/// A path for display and for JSON. Bytes that are not UTF-8 become U+FFFD.
#[derive(Clone, Copy, Debug)]
pub struct Shown<P>(pub P);

impl<P: AsRef<Path>> Display for Shown<P> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&printable(&self.0.as_ref().display().to_string()))
    }
}

impl<P: AsRef<Path>> Serialize for Shown<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.as_ref().display())
    }
}
