//! How figures and names are said, on the terminal and in a report.

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

/// `text` without control characters: what a file says must not steer the terminal.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
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
    fn a_large_gap_has_a_name() {
        assert_eq!(describe_gap(0.0312), "+3.12 points from test to training: overfitting");
        assert_eq!(describe_gap(-0.002), "-0.20 points from test to training");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("T-shirt \"\u{e9}\" \\"), "T-shirt \"\u{e9}\" \\");
        assert_eq!(printable("a\n\x1b[2J"), "a\\n\\u{1b}[2J");
    }
}
