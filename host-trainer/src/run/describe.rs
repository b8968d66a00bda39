//! Describes in words how training ended.

use super::Outcome;
use crate::text::percent;
use crate::train::Stop;

/// Train/test gap, in percentage points, above which we report overfitting.
const MAX_GAP: f64 = 3.0;

/// Returns the epoch count, and the reason why training stopped.
pub fn describe_stop(outcome: &Outcome) -> String {
    let Outcome { epochs, kept_epoch, .. } = outcome;
    let mut text = match outcome.stop {
        Stop::Epochs if *epochs == 0 => "none: the network was already trained".to_owned(),
        Stop::Epochs => format!("{epochs}"),
        Stop::TrainAccuracy { threshold, accuracy } => {
            let (accuracy, threshold) = (percent(accuracy), percent(threshold));
            format!("{epochs}, stopped: training accuracy {accuracy} is above {threshold}")
        }
        Stop::Patience { epochs: patience } => {
            format!("{epochs}, stopped: no lower validation loss in {patience} epochs")
        }
    };
    if kept_epoch != epochs {
        text += &format!("; the network of epoch {kept_epoch} is kept");
    }
    text
}

/// Describes the gap between training and test accuracy.
pub fn describe_gap(gap: f64) -> String {
    let points = 100.0 * gap;
    let verdict = if points > MAX_GAP { ": overfitting" } else { "" };
    format!("{points:+.2} points from test to training{verdict}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_for_stopping_is_described() {
        let text = |epochs, kept_epoch, stop| {
            describe_stop(&Outcome {
                model_id: String::new(),
                model_bytes: 0,
                parameters: 0,
                epochs,
                kept_epoch,
                stop,
                train_accuracy_float: 0.0,
                test_accuracy_float: 0.0,
                test_accuracy_fixed: 0.0,
                predictions_changed: 0,
                train_seconds: 0.0,
            })
        };
        assert_eq!(text(5, 5, Stop::Epochs), "5");
        assert_eq!(text(5, 3, Stop::Epochs), "5; the network of epoch 3 is kept");
        let stop = Stop::TrainAccuracy { threshold: 0.9, accuracy: 0.90213 };
        assert_eq!(text(6, 6, stop), "6, stopped: training accuracy 90.21 % is above 90.00 %");
        let patience = "7, stopped: no lower validation loss in 3 epochs; the network of epoch 4 is kept";
        assert_eq!(text(7, 4, Stop::Patience { epochs: 3 }), patience);
    }

    #[test]
    fn a_large_gap_is_called_overfitting() {
        assert_eq!(describe_gap(0.0312), "+3.12 points from test to training: overfitting");
        assert_eq!(describe_gap(-0.002), "-0.20 points from test to training");
    }
}
