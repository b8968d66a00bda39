//! Formatting of numbers.

use crate::text::count;

/// Formats a size in bytes and in KiB.
pub fn bytes(size: u64) -> String {
    format!("{} B ({:.1} KiB)", count(size), size as f64 / 1024.0)
}

/// Formats three significant digits, with a power of ten if there would be many zeros.
pub fn significant(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    if !(1e-3..1e6).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = 2 - magnitude.log10().floor() as i32;
    format!("{value:.*}", decimals.max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_bytes_and_kibibytes() {
        assert_eq!(bytes(107_438), "107,438 B (104.9 KiB)");
    }

    #[test]
    fn three_digits_are_significant() {
        let texts = [0.0, 0.00726, 0.0000153, 1.3936, -19.902, 255.4, 12_345.6, 2e9].map(significant);
        assert_eq!(texts, ["0", "0.00726", "1.53e-5", "1.39", "-19.9", "255", "12346", "2.00e9"]);
    }
}
