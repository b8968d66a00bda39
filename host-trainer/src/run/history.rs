//! `history.json`: loss and accuracy of each epoch.

use super::folder::Record;
use crate::support::range::{first_outside, is_share};
use crate::train::Epoch;

impl Record for Vec<Epoch> {
    fn outside(&self) -> Option<&'static str> {
        first_outside([
            ("accuracy", self.iter().all(|epoch| is_share(epoch.accuracy))),
            ("validation_accuracy", self.iter().all(|epoch| epoch.validation_accuracy.is_none_or(is_share))),
            ("seconds", self.iter().all(|epoch| epoch.seconds >= 0.0)),
        ])
    }
}
