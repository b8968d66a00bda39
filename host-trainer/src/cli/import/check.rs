//! `--check`: compares the network in floating point with outputs of the program that trained it.

use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use burn::tensor::{Tensor, TensorData};
use networks::Layout;
use prenda::Shape;
use readers::npy::{Array, Numbers};
use readers::npz::Archive;

use super::comparison::{Comparison, compare};
use super::found::Found;
use crate::network::PixelForm;
use crate::support::bounded;
use crate::text::printable;

/// Largest difference, as a share of the largest output.
const TOLERANCE: f64 = 1e-4;

/// Images in one forward pass.
const BATCH: usize = 500;

/// Most names that an error lists.
const MAX_NAMED: usize = 20;

/// Compares outputs of `found` with those in the NPZ file at `path`. Its images have the shape
/// `image`, and pixels in `form`, as in training.
///
/// # Errors
///
/// Returns an error if the file cannot be read, has other sizes, or if outputs differ by more than
/// [`TOLERANCE`].
pub fn check(path: &Path, found: &Found, image: Shape, form: PixelForm) -> Result<Comparison> {
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
    let comparison = compare(&logits, &outputs.values, classes, columns);
    ensure!(
        comparison.relative_difference <= TOLERANCE,
        "{}: {comparison}; expected at most {TOLERANCE:.0e} of the largest; check that --pixel-scale, --mean and --std \
         are those of the training, and that outputs are not those of a network in integers",
        name()
    );
    Ok(comparison)
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
