//! The ranges of records that other modules define.

use super::folder::Record;
use crate::model::Evaluation;
use crate::quantize::Quantization;
use crate::support::range::{NOT_NEGATIVE, Outside, SHARE};
use crate::train::Epoch;

impl Record for Evaluation {
    fn outside(&self) -> Option<Outside> {
        let Self { correct, images, classes, mistakes, samples, .. } = self;
        [
            Outside::unless(correct <= images, "correct", correct, format!("at most {images}, the images")),
            SHARE.check("accuracy", [self.accuracy]),
            SHARE.check("largest_softmax_error", [self.largest_softmax_error]),
            SHARE.check("precision", classes.iter().filter_map(|class| class.precision)),
            SHARE.check("recall", classes.iter().filter_map(|class| class.recall)),
            SHARE.check("f1", classes.iter().filter_map(|class| class.f1)),
            NOT_NEGATIVE.check("loss", self.loss),
            SHARE.check("probabilities", samples.iter().flat_map(|sample| sample.probabilities.iter().copied())),
            SHARE.check("probability", mistakes.iter().map(|mistake| mistake.probability)),
        ]
        .into_iter()
        .flatten()
        .next()
    }
}

impl Record for Vec<Epoch> {
    fn outside(&self) -> Option<Outside> {
        let accuracies = || self.iter().map(|epoch| epoch.accuracy);
        let held_out = || self.iter().filter_map(|epoch| epoch.validation_accuracy);
        SHARE
            .check("accuracy", accuracies())
            .or_else(|| SHARE.check("validation_accuracy", held_out()))
            .or_else(|| NOT_NEGATIVE.check("seconds", self.iter().map(|epoch| epoch.seconds)))
    }
}

impl Record for Quantization {
    fn outside(&self) -> Option<Outside> {
        let zero_weights = self.layers.iter().map(|layer| layer.zero_weights);
        let zero_pairs = || self.layers.iter().filter_map(|layer| layer.zero_pairs);
        SHARE.check("zero_weights", zero_weights).or_else(|| SHARE.check("zero_pairs", zero_pairs()))
    }
}
