//! `--check`: compares the network in floating point with outputs of the program that trained it.

use std::fmt;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use burn::tensor::{Tensor, TensorData};
use networks::Layout;
use prenda::Shape;
use readers::npy::{Array, Numbers};
use readers::npz::Archive;
use serde::Serialize;

use super::found::Found;
use crate::model::softmax::softmax;
use crate::network::PixelForm;
use crate::support::bounded;
use crate::text::printable;

/// Largest difference, as a share of the largest output.
const TOLERANCE: f64 = 1e-4;

/// Images in one forward pass.
const BATCH: usize = 500;

/// Most names that an error lists.
const MAX_NAMED: usize = 20;

/// A comparison with outputs of another program.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Checked {
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

impl fmt::Display for Checked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, outputs, same_class, largest_difference, relative_difference } = self;
        write!(
            formatter,
            "{outputs} differ by at most {largest_difference:.1e}, {relative_difference:.1e} of the largest; same \
             class for {same_class} of {images} images"
        )
    }
}

/// Compares outputs of `found` for images of the shape `image`, which training had in `form`, with
/// those in the NPZ file at `path`.
///
/// # Errors
///
/// Returns an error if the file cannot be read, has other sizes, or if outputs differ by more than
/// [`TOLERANCE`].
pub fn check(path: &Path, found: &Found, image: Shape, form: PixelForm) -> Result<Checked> {
    let name = || format!("--check {}", path.display());
    let [inputs, outputs] = read(path).with_context(name)?;
    let is_raw = matches!(inputs, Numbers::Bytes(_));
    let (inputs, outputs) = (floats(inputs), floats(outputs));
    let (&images, sizes) = inputs.shape.split_first().context("inputs is one number").with_context(name)?;
    let Some(layout) = Layout::of_image(image, sizes, true) else {
        bail!(
            "{}: inputs has the sizes {}, expected images of {}x{} pixels with {} channels",
            name(),
            inputs.describe(),
            image.rows,
            image.columns,
            image.channels
        );
    };
    let raw = |value: f64| if is_raw { value } else { (value * form.std + form.mean) * form.scale };
    let (places, width) = (layout.places(), image.count());
    let network = found.trained().network;
    let mut logits = Vec::new();
    for batch in inputs.values.chunks(BATCH * width) {
        let place = |image: &[f64], place: usize| image.get(place).copied().unwrap_or_default();
        let pixels = batch.chunks(width).flat_map(|image| places.iter().map(move |at| place(image, *at)));
        let pixels: Vec<f32> = pixels.map(|value| (raw(value) / f64::from(u8::MAX)) as f32).collect();
        let pixels = Tensor::from_data(TensorData::new(pixels, [batch.len() / width, width]), &network.device());
        logits.extend(network.forward(pixels).try_into_vec_as::<f32>()?.into_iter().map(f64::from));
    }
    let classes = logits.len() / images.max(1);
    // A network with one output for two classes has the other one at 0.
    let columns = if classes == 2 && outputs.values.len() == images { 1 } else { classes };
    let is_whole = outputs.shape.first() == Some(&images) && outputs.values.len() == images * columns;
    ensure!(
        is_whole && images > 0,
        "{}: outputs has the sizes {}, expected {classes} for each of {images} images, at least one",
        name(),
        outputs.describe()
    );
    let checked = compare(&logits, &outputs.values, classes, columns);
    ensure!(
        checked.relative_difference <= TOLERANCE,
        "{}: {checked}; expected at most {TOLERANCE:.0e} of the largest; check that --pixel-scale, --mean and --std \
         are those of the training, and that outputs are not those of a network in integers",
        name()
    );
    Ok(checked)
}

/// Reads the inputs and outputs of an archive.
fn read(path: &Path) -> Result<[Numbers; 2]> {
    let mut archive = Archive::open(BufReader::new(bounded::open(path)?))?;
    let names = ["inputs", "outputs"];
    if let Some(name) = names.iter().find(|name| !archive.names().iter().any(|found| found == *name)) {
        let found: Vec<String> = archive.names().iter().take(MAX_NAMED).map(|name| printable(name)).collect();
        bail!(
            "it has the arrays {}, expected {name}; save it with numpy.savez(FILE, inputs=.., outputs=..)",
            found.join(", ")
        );
    }
    let [inputs, outputs] = names.map(|name| archive.numbers(name));
    Ok([inputs?, outputs?])
}

fn floats(numbers: Numbers) -> Array<f64> {
    match numbers {
        Numbers::Bytes(Array { shape, values }) => Array { shape, values: values.into_iter().map(f64::from).collect() },
        Numbers::Others(array) => array,
    }
}

/// Compares `logits` of `classes` for each image with `outputs`, `columns` for each image, in the
/// form of outputs that is the closest.
fn compare(logits: &[f64], outputs: &[f64], classes: usize, columns: usize) -> Checked {
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
    Checked {
        images: outputs.len() / columns,
        outputs: form,
        same_class: pairs.filter(|(one, two)| class(one) == class(two)).count(),
        largest_difference,
        relative_difference: largest_difference / most,
    }
}
