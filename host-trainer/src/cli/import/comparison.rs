//! A comparison of a network's outputs with those of the program that trained it.

use std::fmt;

use serde::Serialize;

use crate::model::softmax::softmax;

/// A comparison with outputs of another program.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Comparison {
    pub images: usize,
    /// The form of the outputs.
    pub outputs: Form,
    /// Images of which both have the same class.
    pub same_class: usize,
    pub largest_difference: f64,
    /// The same as a share of the largest output.
    pub relative_difference: f64,
}

/// Forms of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    Logits,
    Probabilities,
    LogProbabilities,
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Logits => "logits",
            Self::Probabilities => "probabilities",
            Self::LogProbabilities => "logarithms of probabilities",
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, outputs, same_class, largest_difference, relative_difference } = self;
        write!(
            formatter,
            "{outputs} differ by at most {largest_difference:.1e}, {relative_difference:.1e} of the largest; same \
             class for {same_class} of {images} images"
        )
    }
}

/// Compares `logits` of `classes` for each image with `outputs`, `columns` for each image, in the
/// form of outputs that is the closest.
pub fn compare(logits: &[f64], outputs: &[f64], classes: usize, columns: usize) -> Comparison {
    let last = |row: Vec<f64>| row.into_iter().skip(classes - columns).collect::<Vec<f64>>();
    let rows = |convert: &dyn Fn(&[f64]) -> Vec<f64>| -> Vec<f64> {
        logits.chunks(classes).flat_map(|row| last(convert(row))).collect()
    };
    let probabilities = |row: &[f64]| softmax(row.iter().copied());
    let forms = [
        (Form::Logits, rows(&<[f64]>::to_vec)),
        (Form::Probabilities, rows(&probabilities)),
        (Form::LogProbabilities, rows(&|row| probabilities(row).into_iter().map(f64::ln).collect())),
    ];
    let difference = |found: &[f64]| {
        let differences = found.iter().zip(outputs).map(|(one, two)| (one - two).abs());
        // A number that is not finite differs.
        differences.fold(0.0, |most: f64, one| if one.is_finite() { most.max(one) } else { f64::INFINITY })
    };
    let closest = forms.into_iter().map(|(form, found)| (difference(&found), form, found));
    let closest = closest.min_by(|(one, ..), (two, ..)| one.total_cmp(two));
    let (largest_difference, form, found) = closest.unwrap_or((f64::INFINITY, Form::Logits, Vec::new()));
    let most = outputs.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
    let threshold = match form {
        Form::Logits => 0.0,
        Form::Probabilities => 0.5,
        Form::LogProbabilities => 0.5_f64.ln(),
    };
    let class = |row: &[f64]| match row {
        [one] => usize::from(*one > threshold),
        row => (0..row.len()).rev().max_by(|one, two| row[*one].total_cmp(&row[*two])).unwrap_or_default(),
    };
    let pairs = found.chunks(columns).zip(outputs.chunks(columns));
    Comparison {
        images: outputs.len() / columns,
        outputs: form,
        same_class: pairs.filter(|(one, two)| class(one) == class(two)).count(),
        largest_difference,
        relative_difference: largest_difference / most,
    }
}
