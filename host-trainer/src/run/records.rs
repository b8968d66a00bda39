//! The ranges of records that other modules define.

use super::folder::Record;
use crate::model::Evaluation;
use crate::quantize::Quantization;
use crate::support::range::{first_outside, is_share};
use crate::train::Epoch;

impl Record for Evaluation {
    fn outside(&self) -> Option<&'static str> {
        first_outside([
            ("correct", self.correct <= self.images),
            ("accuracy", is_share(self.accuracy)),
            ("largest_softmax_error", is_share(self.largest_softmax_error)),
            ("precision", self.classes.iter().all(|class| class.precision.is_none_or(is_share))),
            ("recall", self.classes.iter().all(|class| class.recall.is_none_or(is_share))),
            ("f1", self.classes.iter().all(|class| class.f1.is_none_or(is_share))),
            ("loss", self.loss.is_none_or(|loss| loss >= 0.0)),
            ("probability", self.mistakes.iter().all(|mistake| is_share(mistake.probability))),
        ])
    }
}

impl Record for Vec<Epoch> {
    fn outside(&self) -> Option<&'static str> {
        first_outside([
            ("accuracy", self.iter().all(|epoch| is_share(epoch.accuracy))),
            ("validation_accuracy", self.iter().all(|epoch| epoch.validation_accuracy.is_none_or(is_share))),
            ("seconds", self.iter().all(|epoch| epoch.seconds >= 0.0)),
        ])
    }
}

impl Record for Quantization {
    fn outside(&self) -> Option<&'static str> {
        first_outside([
            ("zero_weights", self.layers.iter().all(|layer| is_share(layer.zero_weights))),
            ("zero_pairs", self.layers.iter().all(|layer| layer.zero_pairs.is_none_or(is_share))),
        ])
    }
}
