//! Features: the columns of a table of any numbers, and their scaling to the inputs of a network.
//!
//! ```text
//!  value 5.1 --times 10^decimals, rounded--> raw word 51 --Scaling--> input 57
//! ```
//!
//! A device begins with the raw word, so all after it is computed by `prenda`.

use prenda::{Feature, MAX_DECIMALS, MAX_FEATURE_NAME_BYTES, Model, Requant, Scaling};
use serde::Serialize;

use crate::support::progress;
use crate::text::printable;

/// Steps of a raw word in the range of a feature above which no more decimals are taken: 256 for
/// each input.
const MIN_STEPS: f64 = 65_536.0;
/// Inputs are 0..=255.
const MAX_INPUT: u32 = 255;
/// Rows below which no value counts as an outlier.
const MIN_ROWS_FOR_OUTLIERS: usize = 20;
/// Share of the rows at each end that may be outliers.
const OUTLIERS: usize = 100;
/// Share of the range that the values without outliers must use; below it we warn.
const MIN_USED: f64 = 0.25;

/// A feature that owns its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFeature {
    pub name: String,
    /// A raw word is a value times 10 to the power of this number.
    pub decimals: u8,
    pub scaling: Scaling,
}

/// A feature in words and numbers, for output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureSummary {
    pub name: String,
    /// A raw word is a value times 10 to the power of this number.
    pub decimals: u8,
    /// The values that become 0 and 255.
    pub values: [f64; 2],
    /// The raw words that become 0 and 255.
    pub raw_words: [i32; 2],
    pub multiplier: u32,
    pub shift: u8,
}

impl OwnedFeature {
    /// Measures a feature on its values for training.
    ///
    /// # Errors
    ///
    /// Returns an error that names the column if its name or its values do not fit a model.
    pub fn measure(name: &str, mut values: Vec<f64>) -> Result<Self, String> {
        values.sort_by(f64::total_cmp);
        let (Some(&least), Some(&largest)) = (values.first(), values.last()) else {
            return Err("it has no rows for training".to_owned());
        };
        let column = printable(name);
        if name.is_empty() {
            return Err("a column of values has no name in the first line; name it, or leave it out".to_owned());
        }
        if name.len() > MAX_FEATURE_NAME_BYTES {
            let (found, most) = (name.len(), MAX_FEATURE_NAME_BYTES);
            return Err(format!("column {column}: found a name of {found} bytes, expected at most {most}; shorten it"));
        }
        let decimals = decimals(&values).ok_or_else(|| {
            let most = i32::MAX;
            format!(
                "column {column}: found values from {least} to {largest}, expected at most {most}, a word of 32 bits; \
                 divide the column"
            )
        })?;
        let [offset, last] = [least, largest].map(|value| raw(value, decimals));
        let range = last.abs_diff(offset);
        warn(&column, &values, range);
        // A constant column gives 0, and 1 for a raw word above it.
        let requant = requant(if range == 0 { MAX_INPUT } else { range });
        let scaling = requant.and_then(|requant| Scaling::new(offset, requant));
        let scaling = scaling.ok_or_else(|| format!("column {column}: found no scaling for a range of {range}"))?;
        Ok(Self { name: name.to_owned(), decimals, scaling })
    }

    /// Measures features of these `names` on the `values` of all rows but those for testing, whose
    /// indices ascend.
    ///
    /// # Errors
    ///
    /// Returns an error that names a column that does not fit a model.
    pub fn measure_all(names: &[String], values: &[f64], test: &[usize]) -> Result<Vec<Self>, String> {
        let train = || {
            let rows = values.chunks_exact(names.len()).enumerate();
            rows.filter(|(index, _)| test.binary_search(index).is_err()).map(|(_, row)| row)
        };
        let column = |index: usize| train().filter_map(|row| row.get(index).copied()).collect();
        names.iter().enumerate().map(|(index, name)| Self::measure(name, column(index))).collect()
    }

    /// Returns the features of a model.
    pub fn of_model(model: &Model<'_>) -> Vec<Self> {
        let of = |Feature { name, decimals, scaling }: Feature<'_>| Self { name: name.to_owned(), decimals, scaling };
        model.features().map(of).collect()
    }

    /// Returns the feature for a model.
    pub fn as_feature(&self) -> Feature<'_> {
        Feature { name: &self.name, decimals: self.decimals, scaling: self.scaling }
    }

    /// Returns the raw word of a value.
    pub fn raw(&self, value: f64) -> i32 {
        raw(value, self.decimals)
    }

    /// Returns the input for a value.
    pub fn input(&self, value: f64) -> u8 {
        self.scaling.input(self.raw(value))
    }

    pub fn summary(&self) -> FeatureSummary {
        let (offset, requant) = (self.scaling.offset(), self.scaling.requant());
        let multiplier = u64::from(requant.multiplier());
        // The range is at most 2^31, whose factor is about 2^-23.
        let range = ((u128::from(MAX_INPUT) << requant.shift()) + u128::from(multiplier / 2)) / u128::from(multiplier);
        let last = i64::from(offset).saturating_add(range as i64).min(i32::MAX.into()) as i32;
        let raw_words = [offset, last];
        let values = raw_words.map(|raw| f64::from(raw) / power(self.decimals));
        let (name, decimals, multiplier) = (self.name.clone(), self.decimals, requant.multiplier());
        FeatureSummary { name, decimals, values, raw_words, multiplier, shift: requant.shift() }
    }
}

impl FeatureSummary {
    /// Describes the feature: `4.3 to 7.9, raw word = value x 10: 43 to 79`.
    pub fn text(&self) -> String {
        let ([least, largest], [first, last]) = (self.values, self.raw_words);
        let raw = match self.decimals {
            0 => "raw word = value".to_owned(),
            decimals => format!("raw word = value x {}: {first} to {last}", power(decimals)),
        };
        format!("{least} to {largest}, {raw}")
    }
}

/// Scales the `values` of rows to inputs.
pub fn scale(features: &[OwnedFeature], values: &[f64]) -> Vec<u8> {
    let mut inputs = Vec::with_capacity(values.len());
    for row in values.chunks_exact(features.len().max(1)) {
        inputs.extend(row.iter().zip(features).map(|(value, feature)| feature.input(*value)));
    }
    inputs
}

/// Checks that a table has the columns of a model.
///
/// # Errors
///
/// Returns the first difference.
pub fn check_names(features: &[OwnedFeature], names: &[String]) -> Result<(), String> {
    if features.len() != names.len() {
        let (found, expected) = (names.len(), features.len());
        return Err(format!("it has {found} columns of values, expected the {expected} features of the model"));
    }
    let different = features.iter().zip(names).enumerate().find(|(_, (feature, name))| feature.name != **name);
    match different {
        None => Ok(()),
        Some((index, (feature, name))) => Err(format!(
            "feature {index}: found column {}, expected {}, as in the training data of the model; put the columns in \
             its order",
            printable(name),
            printable(&feature.name)
        )),
    }
}

fn power(decimals: u8) -> f64 {
    f64::from(10_u32.pow(decimals.into()))
}

/// Returns the raw word of a value; the largest or smallest one if it does not fit.
fn raw(value: f64, decimals: u8) -> i32 {
    (value * power(decimals)).round() as i32
}

/// Chooses the decimals of raw words for `values`, which ascend: as many as the values have, if
/// they fit, but no more than inputs need. Returns `None` if no words fit.
fn decimals(values: &[f64]) -> Option<u8> {
    let (least, largest) = (values.first()?, values.last()?);
    let extent = least.abs().max(largest.abs()).max(largest - least);
    let fits = |decimals: &u8| (extent * power(*decimals)).round() <= f64::from(i32::MAX);
    let most = (0..=MAX_DECIMALS).take_while(fits).last()?;
    let is_fine = |decimals: &u8| (largest - least) * power(*decimals) >= MIN_STEPS;
    let most = (0..most).find(is_fine).unwrap_or(most);
    let mut found = 0;
    for value in values {
        if found == most {
            break;
        }
        found = found.max(written_decimals(*value).min(most.into()) as u8);
    }
    Some(found)
}

/// Returns the number of digits after the point in the shortest text for `value`, also for one that
/// was stored in 32 bits.
fn written_decimals(value: f64) -> usize {
    let short = value as f32;
    let text = if f64::from(short) == value { short.to_string() } else { value.to_string() };
    text.split_once('.').map_or(0, |(_, digits)| digits.len())
}

/// Returns 255 divided by `range`.
fn requant(range: u32) -> Option<Requant> {
    let range = u128::from(range);
    let multiplier = |shift: u8| ((u128::from(MAX_INPUT) << shift) + range / 2) / range;
    let requant = |shift: u8| Requant::new(u32::try_from(multiplier(shift)).ok()?, shift);
    (Requant::MIN_SHIFT..=Requant::MAX_SHIFT).find_map(requant)
}

/// Warns of a column that is constant, or whose range consists of outliers. `values` ascend.
fn warn(column: &str, values: &[f64], range: u32) {
    let (least, largest) = (values[0], values[values.len() - 1]);
    if range == 0 {
        let reason = if least < largest {
            "its values differ too little for 9 decimals; multiply the column".to_owned()
        } else {
            format!("it is {least} in all rows for training, so it has no effect; leave it out")
        };
        return progress::log(format_args!("warning: column {column}: {reason}"));
    }
    if values.len() < MIN_ROWS_FOR_OUTLIERS {
        return;
    }
    let count = (values.len() / OUTLIERS).max(1);
    let (first, last) = (values[count], values[values.len() - 1 - count]);
    let used = (last - first) / (largest - least);
    if first < last && used < MIN_USED {
        let steps = (used * f64::from(MAX_INPUT)).ceil();
        progress::log(format_args!(
            "warning: column {column}: all but {} values for training are in {first}..={last}, but outliers stretch \
             the range to {least}..={largest}, so that {steps} of 255 steps are left; remove outliers",
            2 * count
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(values: &[f64]) -> OwnedFeature {
        OwnedFeature::measure("x", values.to_vec()).unwrap()
    }

    #[test]
    fn the_range_for_training_becomes_0_to_255() {
        for (values, decimals, words) in [
            (&[5.1, 4.3, 7.9][..], 1, [43, 79]),
            (&[-40.0, 85.0], 0, [-40, 85]),
            (&[0.25, -0.125], 3, [-125, 250]),
            // Values of 32 bits.
            (&[f64::from(5.1_f32), f64::from(4.3_f32)], 1, [43, 51]),
            // More decimals than inputs need.
            (&[0.123_456_789_012, 20.0], 4, [1235, 200_000]),
            // Decimals that do not fit a word.
            (&[1_700_000_000.25, 1_700_000_001.5], 0, [1_700_000_000, 1_700_000_002]),
            (&[-1e9, 1e9], 0, [-1_000_000_000, 1_000_000_000]),
            (&[0.0, f64::from(i32::MAX)], 0, [0, i32::MAX]),
            (&[1e-8, 3e-8], 8, [1, 3]),
        ] {
            let feature = measure(values);
            let summary = feature.summary();
            assert_eq!((feature.decimals, summary.raw_words), (decimals, words), "{values:?}");
            let inputs = words.map(|raw| feature.scaling.input(raw));
            assert_eq!(inputs, [0, 255], "{values:?}");
        }
        let text = measure(&[4.3, 7.9]).summary().text();
        assert_eq!(text, "4.3 to 7.9, raw word = value x 10: 43 to 79");
        assert_eq!(measure(&[7.0, 0.0]).summary().text(), "0 to 7, raw word = value");
    }

    #[test]
    fn values_outside_the_range_are_limited() {
        let feature = measure(&[10.0, 20.0]);
        let inputs = [f64::MIN, 0.0, 10.0, 15.0, 20.0, 21.0, f64::MAX].map(|value| feature.input(value));
        assert_eq!(inputs, [0, 0, 0, 128, 255, 255, 255]);
        let constant = measure(&[3.5; 4]);
        assert_eq!([3.4, 3.5, 3.6].map(|value| constant.input(value)), [0, 0, 1]);
    }

    #[test]
    fn columns_that_do_not_fit_a_model_are_refused() {
        let error = |name: &str, values: &[f64]| OwnedFeature::measure(name, values.to_vec()).unwrap_err();
        assert!(error("time", &[0.0, 1e10]).contains("column time: found values from 0 to 10000000000"));
        assert!(error("wide", &[-2e9, 2e9]).contains("divide the column"));
        assert!(error(&"x".repeat(65), &[1.0]).contains("found a name of 65 bytes, expected at most 64"));
        assert!(error("none", &[]).contains("no rows"));
    }

    #[test]
    fn rows_for_testing_do_not_change_features() {
        let names = ["a".to_owned(), "b".to_owned()];
        let values = [1.0, 10.0, 999.0, -999.0, 3.0, 20.0];
        let features = OwnedFeature::measure_all(&names, &values, &[1]).unwrap();
        assert_eq!(scale(&features, &values), [0, 0, 255, 0, 255, 255]);
        check_names(&features, &names).unwrap();
        let swapped = [names[1].clone(), names[0].clone()];
        assert!(check_names(&features, &swapped).unwrap_err().contains("feature 0: found column b, expected a"));
        assert!(check_names(&features, &names[1..]).unwrap_err().contains("1 columns of values, expected the 2"));
    }
}
