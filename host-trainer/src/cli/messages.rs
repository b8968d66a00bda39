//! Messages about a run: its epochs, its result, and warnings.

use std::path::Path;

use super::line;
use crate::data::FeatureSummary;
use crate::model::Cost;
use crate::model::estimates::{self, Estimates};
use crate::run::{Outcome, Planned, describe_gap};
use crate::support::progress;
use crate::text::{count, percent, points};
use crate::train::Epoch;

/// Loss of accuracy by quantization, as a share, above which we warn.
const MAX_TOLERATED_LOSS: f64 = 0.005;

/// Logs the loss, the accuracy and the pace of one epoch.
pub fn log_epoch(epoch: &Epoch, planned: &Planned) {
    let (pace, epochs) = (planned.pace(epoch), planned.epochs);
    let Epoch { epoch, loss, accuracy, validation_loss, validation_accuracy, seconds } = epoch;
    let describe = |loss: f64, accuracy: f64| format!("loss {loss:.4}, accuracy {}", percent(accuracy));
    let validation = validation_loss.zip(*validation_accuracy);
    let validation = validation.map(|(loss, accuracy)| format!("; validation {}", describe(loss, accuracy)));
    let (train, validation) = (describe(*loss, *accuracy), validation.unwrap_or_default());
    progress::log(format_args!("epoch {epoch}/{epochs}: {train}{validation}; {seconds:.1} s, {pace}"));
}

/// Formats the result of a run over `test_images`, whose model is at `model`.
pub fn outcome_lines(outcome: &Outcome, test_images: usize, model: &Path) -> String {
    [
        line("training, float", percent(outcome.train_accuracy_float)),
        line("test, float", percent(outcome.test_accuracy_float)),
        line("generalization gap", describe_gap(outcome.gap())),
        outcome.test_accuracy_before_qat.map_or_else(String::new, |before| line("test, before --qat", percent(before))),
        line("test, fixed point", percent(outcome.test_accuracy_fixed)),
        line("predictions changed", format_args!("{} of {test_images}", outcome.predictions_changed)),
        line("model", format_args!("{} ({}, {} bytes)", model.display(), outcome.model_id, outcome.model_bytes)),
    ]
    .concat()
}

/// Formats the cost of a model on a device, and the boards that it fits.
pub fn cost_lines(cost: &Cost) -> String {
    let Cost { multiplications, flash_bytes, ram_bytes, .. } = cost;
    let bytes = |bytes: &usize| format!("{} bytes", count(*bytes as u64));
    [
        line("multiplications", format_args!("{} for an image; zeros are skipped", count(*multiplications as u64))),
        line("flash", format_args!("{}, without the firmware", bytes(flash_bytes))),
        line("RAM", format_args!("{} for inference, without the stack", bytes(ram_bytes))),
        line("fits", cost.boards_text(true)),
        line("does not fit", cost.boards_text(false)),
    ]
    .concat()
}

/// Formats the features of a model or of a data set; empty without any.
pub fn feature_lines(features: &[FeatureSummary]) -> String {
    let feature = |feature: &FeatureSummary| line(&format!("  {}", feature.name), feature.text());
    let lines: String = features.iter().map(feature).collect();
    if lines.is_empty() { lines } else { line("features", features.len()) + &lines }
}

/// Formats the estimates for boards: time, energy, and if flash and RAM are sufficient.
pub fn estimate_lines(estimates: &Estimates) -> String {
    let mut text = line("estimated", estimates.remark());
    for estimate in &estimates.estimates {
        let energy = estimates::energy(estimate).map_or_else(String::new, |energy| format!(", {energy}"));
        let fits = if estimate.fits { "" } else { ", does not fit" };
        let time = estimates::time(estimate);
        text += &line(&format!("  {}", estimate.board), format_args!("{time}{energy}{fits}"));
    }
    text
}

/// Warns if quantization costs more accuracy than usual.
pub fn warn_of_loss(outcome: &Outcome) {
    let loss = outcome.fixed_point_loss();
    if loss > MAX_TOLERATED_LOSS {
        let remedy = match outcome.test_accuracy_before_qat {
            Some(before) => format!(", from {} before --qat; try another --qat-learning-rate", percent(before)),
            None => String::new(),
        };
        progress::log(format_args!(
            "warning: fixed point loses {} of test accuracy, expected at most {}{remedy}",
            points(loss),
            points(MAX_TOLERATED_LOSS)
        ));
    }
}
