//! What is said of a run: of each epoch, of what came of it, and of what is unusual.

use std::path::Path;

use super::line;
use crate::run::Outcome;
use crate::run::describe_gap;
use crate::support::progress;
use crate::text::{percent, points};
use crate::train::Epoch;

/// Accuracy that quantization may cost before a warning, as a share.
const TOLERATED_LOSS: f64 = 0.005;

/// Says what an epoch of `epochs` came to.
pub fn say_epoch(epoch: &Epoch, epochs: u32) {
    let Epoch { epoch, loss, accuracy, validation_loss, validation_accuracy, seconds } = epoch;
    let said = |loss: f64, accuracy: f64| format!("loss {loss:.4}, accuracy {}", percent(accuracy));
    let validation = validation_loss.zip(*validation_accuracy);
    let validation = validation.map(|(loss, accuracy)| format!("; validation {}", said(loss, accuracy)));
    let (train, validation) = (said(*loss, *accuracy), validation.unwrap_or_default());
    progress::say(format_args!("epoch {epoch}/{epochs}: {train}{validation}; {seconds:.1} s"));
}

/// The lines on what came of a run over `test_pictures`, whose model is at `model`.
pub fn outcome_lines(outcome: &Outcome, test_pictures: usize, model: &Path) -> String {
    [
        line("training, float", percent(outcome.train_accuracy_float)),
        line("test, float", percent(outcome.test_accuracy_float)),
        line("generalization gap", describe_gap(outcome.gap())),
        line("test, fixed point", percent(outcome.test_accuracy_fixed)),
        line("predictions changed", format_args!("{} of {test_pictures}", outcome.predictions_changed)),
        line("model", format_args!("{} ({}, {} bytes)", model.display(), outcome.model_id, outcome.model_bytes)),
    ]
    .concat()
}

/// Warns where quantization costs more accuracy than it should.
pub fn warn_of_loss(outcome: &Outcome) {
    let loss = outcome.test_accuracy_float - outcome.test_accuracy_fixed;
    if loss > TOLERATED_LOSS {
        progress::say(format_args!(
            "warning: fixed point loses {} of test accuracy; more than {} is unusual",
            points(loss),
            points(TOLERATED_LOSS)
        ));
    }
}
