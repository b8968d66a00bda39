//! Formats and parses numbers.

use std::fmt::Display;
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;

/// Returns the decimal digits in groups of three: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

/// Returns a number with three significant digits.
pub fn rounded(number: f64) -> String {
    let decimals = match number.abs() {
        large if large >= 99.5 => 0,
        tens if tens >= 9.95 => 1,
        ones if ones >= 0.995 => 2,
        _ => 3,
    };
    format!("{number:.decimals$}")
}

/// Returns a parser of whole numbers in `range`, for an option of a program.
pub fn whole<T: FromStr + PartialOrd + Display + Copy>(
    range: impl RangeBounds<T> + Clone,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| match text.parse::<T>() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number, {}", describe(&range))),
    }
}

fn describe<T: Display>(range: &impl RangeBounds<T>) -> String {
    let least = match range.start_bound() {
        Bound::Included(least) => least.to_string(),
        // Exclusive starts have no syntax.
        Bound::Excluded(_) | Bound::Unbounded => "0".to_owned(),
    };
    match range.end_bound() {
        Bound::Included(most) => format!("{least}..={most}"),
        Bound::Excluded(end) => format!("{least}..{end}"),
        Bound::Unbounded => format!("{least} or more"),
    }
}

#[cfg(test)]
mod tests {
    use super::{grouped, whole};

    #[test]
    fn whole_numbers_are_parsed_within_their_range() {
        assert_eq!(whole(1..=9_u32)("9"), Ok(9));
        assert_eq!(whole(0..)("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "ten", "1.5", "1e3", "-1", "10", "99999999999999999999", " 3"] {
            assert_eq!(whole(1..=9_u32)(text), Err("expected a whole number, 1..=9".to_owned()), "{text}");
        }
        assert_eq!(whole::<u64>(..=7)("x"), Err("expected a whole number, 0..=7".to_owned()));
        assert_eq!(whole::<usize>(0..)("x"), Err("expected a whole number, 0 or more".to_owned()));
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
