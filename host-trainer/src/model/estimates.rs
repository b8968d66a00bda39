//! Cycles, time and energy of a model on boards, from counted operations and fitted costs.

use cycles::{Costs, Counter, Estimate, Operations};
use host_support::numbers::rounded;
use prenda::Model;
use rayon::prelude::*;
use serde::Serialize;

use crate::data::Split;
use crate::model::Evaluation;
use crate::text::count;

/// Most images whose operations are counted: enough for two digits of their mean.
const IMAGES: usize = 1000;

/// Percent by which an energy may be wrong: docs/latency.md.
const ENERGY_ERROR: u32 = 30;

/// Estimates of a model for boards of tools/boards/owned.toml.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimates {
    /// The images of which `operations` is the mean.
    estimated_for: String,
    operations: Operations,
    pub estimates: Vec<Estimate>,
}

/// Returns the mean operations of test images, evenly spaced over the split; `None` if they are not
/// counted, because weights are in vectors.
pub fn mean_operations(model: &Model<'_>, test: &Split) -> Option<Operations> {
    let step = test.len().div_ceil(IMAGES).max(1);
    let images: Vec<usize> = (0..test.len()).step_by(step).collect();
    let counts = images.into_par_iter().map_init(
        || Counter::new(model),
        // Cannot fail: all images have been inferred.
        |counter, index| counter.as_mut()?.count(test.image(index)).ok(),
    );
    Operations::mean(&counts.collect::<Option<Vec<_>>>()?)
}

impl Estimates {
    /// Returns estimates for the images of `evaluation` if it has operations; otherwise for the
    /// golden vectors of `model`, or an image without zeros. `None` if its weights are in vectors.
    pub fn of(model: &Model<'_>, evaluation: Option<&Evaluation>) -> Option<Self> {
        let evaluated = evaluation.and_then(|evaluation| Some((evaluation, evaluation.operations.clone()?)));
        let (estimated_for, operations) = match evaluated {
            Some((evaluation, operations)) => {
                let images = evaluation.images as usize;
                let images = images.div_ceil(images.div_ceil(IMAGES).max(1));
                (format!("mean of {}", images_of(images, "test image")), operations)
            }
            None => of_golden(model)?,
        };
        // A test parses the committed costs.
        let costs = Costs::committed().ok()?;
        let estimates = Estimate::all(model, &operations, &costs);
        Some(Self { estimated_for, operations, estimates })
    }

    /// Returns the method and the images, in words.
    pub fn remark(&self) -> String {
        format!("fitted estimate, {}", self.estimated_for)
    }

    /// Returns the estimate for this board.
    pub fn on(&self, board: &str) -> Option<&Estimate> {
        self.estimates.iter().find(|estimate| estimate.board == board)
    }
}

fn of_golden(model: &Model<'_>) -> Option<(String, Operations)> {
    let mut counter = Counter::new(model)?;
    // Cannot fail: the images have the model's size.
    if let Some(operations) = counter.mean(model.golden().map(|golden| golden.input)).ok()? {
        return Some((format!("mean of {}", images_of(model.golden_count(), "golden vector")), operations));
    }
    let operations = counter.count(&vec![u8::MAX; model.input_width()]).ok()?;
    Some(("an image without zeros".to_owned(), operations))
}

fn images_of(number: usize, name: &str) -> String {
    format!("{} {name}{}", count(number as u64), if number == 1 { "" } else { "s" })
}

/// Returns the time of an inference with its error: `0.227 ms ± 20 %`.
pub fn time(estimate: &Estimate) -> String {
    format!("{} ms \u{b1} {} %", rounded(estimate.milliseconds), estimate.error_percent)
}

/// Returns the energy of an inference with its error; `None` if no source has the board's.
pub fn energy(estimate: &Estimate) -> Option<String> {
    estimate.microjoules.map(|energy| format!("{} \u{b5}J \u{b1} {ENERGY_ERROR} %", rounded(energy)))
}

/// Returns a clock: `64 MHz`.
pub fn clock(estimate: &Estimate) -> String {
    format!("{} MHz", estimate.clock_hz / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &[u8] = include_bytes!("../../../tests/fixtures/model.bin");
    const VECTORS: &[u8] = include_bytes!("../../../tests/fixtures/vectors.bin");

    fn split(pixels: &[&[u8]]) -> Split {
        Split { width: 784, pixels: pixels.concat(), labels: vec![0; pixels.len()] }
    }

    #[test]
    fn estimates_are_for_the_best_images_there_are() {
        let model = Model::parse(FIXTURE).unwrap();
        let golden = Estimates::of(&model, None).unwrap();
        assert!(golden.estimated_for.contains("golden vector"), "{}", golden.estimated_for);
        let mut evaluation = crate::model::tests::evaluation(&["a", "b"], 700);
        evaluation.operations = mean_operations(&model, &split(&[&[0; 784]]));
        let blank = Estimates::of(&model, Some(&evaluation)).unwrap();
        // Every second one.
        assert_eq!(blank.remark(), "fitted estimate, mean of 701 test images");
        let milliseconds = |estimates: &Estimates| estimates.on("nrf52840-dk").unwrap().milliseconds;
        // A blank image has no pairs in the first layer.
        assert!(milliseconds(&blank) < 0.3 * milliseconds(&golden));
        // docs/latency.md: 1.91 ms for the mean of 128 test images.
        assert!((0.2..6.0).contains(&milliseconds(&golden)));
    }

    #[test]
    fn operations_are_the_mean_of_evenly_spaced_images() {
        let model = Model::parse(FIXTURE).unwrap();
        let [blank, full] = [[0; 784], [255; 784]];
        let mixed = mean_operations(&model, &split(&[&blank, &full])).unwrap();
        let of = |image: &[u8; 784]| mean_operations(&model, &split(&[image])).unwrap();
        assert_eq!(Some(mixed), Operations::mean(&[of(&blank), of(&full)]));
        assert_eq!(mean_operations(&model, &split(&[])), None);
        assert_eq!(Estimates::of(&Model::parse(VECTORS).unwrap(), None), None);
    }
}
