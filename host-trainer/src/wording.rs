//! How figures and names are said, on the terminal and in a report.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use serde::{Serialize, Serializer};

use crate::record::Outcome;
use crate::train::Stop;

/// From how many points between test and training accuracy on one speaks of overfitting.
const LARGE_GAP: f64 = 3.0;

/// A share of 0..=1 in percent.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A share of 0..=1, or a difference of such, in points of percent.
pub fn points(share: f64) -> String {
    format!("{:.2} points", 100.0 * share)
}

/// How many epochs there were, and why no more.
pub fn describe_stop(outcome: &Outcome) -> String {
    let Outcome { epochs, kept_epoch, .. } = outcome;
    let mut text = match outcome.stop {
        Stop::Epochs if *epochs == 0 => "none: the network was trained before".to_owned(),
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

/// The gap between training and test accuracy, in words.
pub fn describe_gap(gap: f64) -> String {
    let points = 100.0 * gap;
    let verdict = if points > LARGE_GAP { ": overfitting" } else { "" };
    format!("{points:+.2} points from test to training{verdict}")
}

/// A path as it is said: what is no text in it becomes U+FFFD, in JSON, too, which holds nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Shown<P>(pub P);

impl<P: AsRef<Path>> Display for Shown<P> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&printable(&self.0.as_ref().display().to_string()))
    }
}

impl<P: AsRef<Path>> Serialize for Shown<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.as_ref().display())
    }
}

/// Whether a terminal follows `character` instead of showing it: a control character, or one that turns the direction of writing.
pub fn is_control(character: char) -> bool {
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns
}

/// `text` without control characters: what a file says must not steer the terminal.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if is_control(character) {
            printable.extend(character.escape_debug());
        } else {
            printable.push(character);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_training_has_a_reason() {
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
    fn a_large_gap_has_a_name() {
        assert_eq!(describe_gap(0.0312), "+3.12 points from test to training: overfitting");
        assert_eq!(describe_gap(-0.002), "-0.20 points from test to training");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("T-shirt \"\u{e9}\" \\"), "T-shirt \"\u{e9}\" \\");
        assert_eq!(printable("a\n\x1b[2J"), "a\\n\\u{1b}[2J");
        for turning in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
            assert_eq!(printable(&turning.to_string()), format!("\\u{{{:x}}}", u32::from(turning)));
        }
        // What joins letters turns nothing.
        assert_eq!(printable("\u{200d}\u{5d0}"), "\u{200d}\u{5d0}");
    }
}
