//! Dates in UTC.

use time::OffsetDateTime;

/// Returns today's date as `2026-11-30`.
pub fn today() -> String {
    OffsetDateTime::now_utc().date().to_string()
}
