//! What is said beside the results: how training goes on, and what is unusual.

use crate::progress;
use crate::record::Outcome;
use crate::train::Epoch;
use crate::wording::{percent, points};

/// Accuracy that quantization may cost before a warning, as a share.
const TOLERATED_LOSS: f64 = 0.005;

/// Says what an epoch of `epochs` came to.
pub fn say_epoch(epoch: &Epoch, epochs: u32) {
    let Epoch { epoch, loss, accuracy, validation_accuracy, seconds, .. } = epoch;
    let validation = validation_accuracy.map(|share| format!(", validation {}", percent(share))).unwrap_or_default();
    progress::say(format_args!(
        "epoch {epoch}/{epochs}: loss {loss:.4}, accuracy {}{validation}, {seconds:.1} s",
        percent(*accuracy)
    ));
}

/// Warns where quantization costs more accuracy than it should.
pub fn warn_of_loss(outcome: &Outcome) {
    let loss = outcome.test_accuracy_float - outcome.test_accuracy_fixed;
    if loss > TOLERATED_LOSS {
        progress::say(format_args!(
            "warning: fixed point loses {} of test accuracy; more than {:.2} is unusual",
            points(loss),
            100.0 * TOLERATED_LOSS
        ));
    }
}
