//! A row of features on the command line, and what a network sees of it.

use std::str::FromStr;

use host_support::table::Folded;
use serde::Serialize;

use super::UsageError;
use crate::data::OwnedFeature;
use crate::text::printable;

/// The values of a row, in the units of the training data.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(Vec<f64>);

/// A feature of a row.
#[derive(Debug, Serialize)]
pub struct RowOutput {
    feature: String,
    /// The value in the units of the training data, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// The word that a device passes for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_word: Option<i32>,
    /// The network's input.
    pub input: u8,
}

impl FromStr for Row {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = |(index, cell): (usize, &str)| {
            let value = cell.trim().parse().ok().filter(|value: &f64| value.is_finite());
            value.ok_or_else(|| format!("value {}: found {:?}, expected a finite number", index + 1, cell.trim()))
        };
        text.split(',').enumerate().map(value).collect::<Result<_, _>>().map(Self)
    }
}

impl Row {
    /// Returns the inputs for this row.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not have a value for each of `features`.
    pub fn scaled(&self, features: &[OwnedFeature]) -> Result<Vec<RowOutput>, UsageError> {
        if features.is_empty() {
            return Err(UsageError("--row does not apply: the model takes images; use --image".to_owned()));
        }
        let (found, expected) = (self.0.len(), features.len());
        if found != expected {
            let names: Vec<_> = features.iter().map(|feature| printable(&feature.name)).collect();
            let names = names.join(", ");
            return Err(UsageError(format!("--row has {found} values, expected {expected}: {names}")));
        }
        let output = |(value, feature): (&f64, &OwnedFeature)| RowOutput {
            feature: feature.name.clone(),
            value: Some(*value),
            raw_word: Some(feature.raw(*value)),
            input: feature.input(*value),
        };
        Ok(self.0.iter().zip(features).map(output).collect())
    }
}

/// Returns a row of which only the `inputs` are known.
pub fn of_inputs(inputs: &[u8], features: &[OwnedFeature]) -> Vec<RowOutput> {
    let output = |(input, feature): (&u8, &OwnedFeature)| RowOutput {
        feature: feature.name.clone(),
        value: None,
        raw_word: None,
        input: *input,
    };
    inputs.iter().zip(features).map(output).collect()
}

/// Returns a table of a row.
pub fn table(row: &[RowOutput]) -> Folded {
    let mut table = Folded::new(["feature", "value", "raw word", "input"], 1);
    let text = |value: Option<String>| value.unwrap_or_default();
    for RowOutput { feature, value, raw_word, input } in row {
        let (value, raw_word) = (value.map(|value| value.to_string()), raw_word.map(|word| word.to_string()));
        table.add_row([printable(feature), text(value), text(raw_word), input.to_string()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbers_separated_by_commas() {
        assert_eq!("5.1, -3,1e2".parse(), Ok(Row(vec![5.1, -3.0, 100.0])));
        for (text, part) in [("", "value 1"), ("1,,2", "value 2: found \"\""), ("1,x", "\"x\""), ("inf", "finite")] {
            let error = text.parse::<Row>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
