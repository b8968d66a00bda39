//! `evaluation.json`: the evaluation of a model over the test split, in fixed point.

use super::folder::Record;
use crate::model::Evaluation;
use crate::support::range::{first_outside, is_share};

impl Record for Evaluation {
    fn outside(&self) -> Option<&'static str> {
        first_outside([
            ("correct", self.correct <= self.images),
            ("accuracy", is_share(self.accuracy)),
            ("largest_softmax_error", is_share(self.largest_softmax_error)),
            ("precision", self.classes.iter().all(|class| class.precision.is_none_or(is_share))),
            ("recall", self.classes.iter().all(|class| class.recall.is_none_or(is_share))),
            ("probability", self.mistakes.iter().all(|mistake| is_share(mistake.probability))),
        ])
    }
}
