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

/// Formats a time in seconds, to a second, or in larger units.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.clamp(0.0, 1e15).round() as u64;
    let (minutes, rest) = (whole / 60, whole % 60);
    match minutes {
        0 => format!("{rest} s"),
        1..10 => format!("{minutes} min {rest} s"),
        10..60 => format!("{minutes} min"),
        _ => format!("{} h {} min", count(minutes / 60), minutes % 60),
    }
}

/// Returns `word` with an upper-case first letter.
pub fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        let texts = [f64::NAN, 0.4, 59.6, 125.0, 3000.0, 4000.0, 1e9].map(duration);
        assert_eq!(texts, ["0 s", "0 s", "1 min 0 s", "2 min 5 s", "50 min", "1 h 6 min", "277,777 h 46 min"]);
    }
}
