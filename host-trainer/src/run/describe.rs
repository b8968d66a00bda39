//! Describes in words how training ended.

use super::Outcome;
use crate::text::percent;
use crate::train::{Epoch, Stop};

/// Rise of the validation loss above its minimum, as a share, above which we report overfitting.
const MAX_RISE: f64 = 0.05;

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
        Stop::Interrupted { images: 0 } => format!("{epochs}, interrupted"),
        Stop::Interrupted { images } => format!("{epochs}, interrupted after {images} images of the next"),
    };
    if kept_epoch != epochs {
        text += &format!("; the network of epoch {kept_epoch} is kept");
    }
    text
}

/// Describes the gap between training and test accuracy.
pub fn describe_gap(gap: f64) -> String {
    format!("{:+.2} points from test to training", 100.0 * gap)
}

/// Returns true if the network of `kept_epoch` overfits: its loss on held-out images is above that
/// of an earlier epoch. Returns `None` if no images were held out, or no epoch was completed.
///
/// The gap between training and test accuracy is not a measure of it: the best network has a wide
/// one.
pub fn is_overfitted(history: &[Epoch], kept_epoch: u32) -> Option<bool> {
    let (_, lowest, kept) = validation_losses(history, kept_epoch)?;
    Some(kept > lowest * (1.0 + MAX_RISE))
}

/// Describes the validation loss, and judges overfitting by it.
pub fn describe_overfitting(history: &[Epoch], kept_epoch: u32) -> String {
    let losses = validation_losses(history, kept_epoch).zip(is_overfitted(history, kept_epoch));
    let Some(((epoch, lowest, kept), is_overfitted)) = losses else {
        let reason =
            if history.is_empty() { "no epoch was completed" } else { "no images were held out with --validation" };
        return format!("not judged: {reason}");
    };
    let verdict = if is_overfitted { "yes" } else { "no" };
    if epoch == kept_epoch {
        return format!("{verdict}: validation loss {kept:.4}, the lowest of all epochs");
    }
    format!("{verdict}: validation loss {kept:.4}, {:+.1} % from epoch {epoch}", 100.0 * (kept / lowest - 1.0))
}

/// Returns the epoch with the lowest validation loss up to `kept_epoch`, that loss, and the loss of
/// `kept_epoch`.
fn validation_losses(history: &[Epoch], kept_epoch: u32) -> Option<(u32, f64, f64)> {
    let losses = history.iter().filter_map(|epoch| Some((epoch.epoch, epoch.validation_loss?)));
    let mut losses = losses.filter(|(epoch, _)| *epoch <= kept_epoch);
    let (epoch, lowest) = losses.clone().min_by(|one, other| one.1.total_cmp(&other.1))?;
    let (_, kept) = losses.next_back().filter(|(epoch, _)| *epoch == kept_epoch)?;
    Some((epoch, lowest, kept))
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
                test_accuracy_before_qat: None,
                predictions_changed: 0,
                train_seconds: 0.0,
            })
        };
        assert_eq!(text(5, 5, Stop::Epochs), "5");
        assert_eq!(text(5, 3, Stop::Epochs), "5; the network of epoch 3 is kept");
        let stop = Stop::TrainAccuracy { threshold: 0.9, accuracy: 0.90213 };
        assert_eq!(text(6, 6, stop), "6, stopped: training accuracy 90.21 % is above 90.00 %");
        assert_eq!(text(0, 0, Stop::Interrupted { images: 64 }), "0, interrupted after 64 images of the next");
        assert_eq!(text(2, 2, Stop::Interrupted { images: 0 }), "2, interrupted");
        let patience = "7, stopped: no lower validation loss in 3 epochs; the network of epoch 4 is kept";
        assert_eq!(text(7, 4, Stop::Patience { epochs: 3 }), patience);
    }

    #[test]
    fn a_gap_is_not_judged() {
        assert_eq!(describe_gap(0.062), "+6.20 points from test to training");
        assert_eq!(describe_gap(-0.002), "-0.20 points from test to training");
    }

    #[test]
    fn overfitting_is_judged_by_the_validation_loss() {
        let history = |losses: &[Option<f64>]| -> Vec<Epoch> {
            let epoch = |(index, loss): (usize, &Option<f64>)| Epoch {
                epoch: index as u32 + 1,
                loss: 0.1,
                accuracy: 0.99,
                validation_loss: *loss,
                validation_accuracy: loss.map(|_| 0.9),
                seconds: 1.0,
            };
            losses.iter().enumerate().map(epoch).collect()
        };
        assert_eq!(
            describe_overfitting(&history(&[None; 3]), 3),
            "not judged: no images were held out with --validation"
        );
        assert_eq!(is_overfitted(&history(&[None; 3]), 3), None);
        assert_eq!(is_overfitted(&[], 0), None);
        assert_eq!(describe_overfitting(&[], 0), "not judged: no epoch was completed");
        let rising = history(&[Some(0.5), Some(0.4), Some(0.44)]);
        assert_eq!(describe_overfitting(&rising, 3), "yes: validation loss 0.4400, +10.0 % from epoch 2");
        // With --patience, the network of the lowest loss is kept.
        assert_eq!(describe_overfitting(&rising, 2), "no: validation loss 0.4000, the lowest of all epochs");
        let noisy = history(&[Some(0.5), Some(0.4), Some(0.41)]);
        assert_eq!(describe_overfitting(&noisy, 3), "no: validation loss 0.4100, +2.5 % from epoch 2");
    }
}
