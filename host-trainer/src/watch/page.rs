//! The page, and what it shows of a training.

use serde::Serialize;

use super::follow::State;
use crate::plot::{History, HistoryRun, Kept};
use crate::run::{Planned, Progress};
use crate::text::{percent, printable};
use crate::train::Epoch;

pub const PAGE: &str = include_str!("page.html");
pub const SCRIPT: &str = include_str!("watch.js");

/// The style of reports.
pub const STYLE: &str = include_str!("../report/style.css");

/// An update of the page. `watch.js` reads its keys.
#[derive(Debug, Serialize)]
struct Update<'a> {
    title: String,
    status: String,
    /// Names and values.
    figures: Vec<[String; 2]>,
    /// SVGs, and their descriptions.
    plots: [[&'a str; 2]; 3],
    is_over: bool,
}

/// Returns the update for a training of the run `name`, as JSON. `progress` is `None` if it ended
/// before its plan was read.
pub fn update(name: &str, progress: Option<&Progress>, state: &State) -> String {
    let planned = progress.map(|progress| &progress.planned);
    let history = progress.map_or(&[][..], |progress| &progress.history);
    let kept = match state {
        State::Finished(outcome) => Some(outcome.kept()),
        State::Training | State::Ended => None,
    };
    let [accuracy, loss, legend] = History::of(&[HistoryRun { name, epochs: history, kept }]).parts();
    let update = Update {
        title: match planned {
            Some(planned) => format!("{}: {}", printable(name), printable(&planned.network)),
            None => printable(name),
        },
        status: status(planned, history, state),
        figures: figures(history, kept),
        plots: [
            [&accuracy, "Accuracy over the epochs"],
            [&loss, "Loss over the epochs"],
            [&legend, "Names and last values of the curves"],
        ],
        is_over: *state != State::Training,
    };
    // All keys are strings, so this cannot fail.
    serde_json::to_string(&update).unwrap_or_default()
}

/// Describes the state of a training in words.
fn status(planned: Option<&Planned>, history: &[Epoch], state: &State) -> String {
    match (state, planned, history.last()) {
        (State::Training, None, _) => "Waiting for the training to begin.".to_owned(),
        (State::Training, Some(Planned { epochs, .. }), None) => format!("Epoch 1 of {epochs} is running."),
        (State::Training, Some(Planned { epochs, .. }), Some(last)) if last.epoch >= *epochs => {
            format!("All {epochs} epochs are done; the network is being quantized and evaluated.")
        }
        (State::Training, Some(planned), Some(last)) => {
            format!("Epoch {} of {} is done: {}.", last.epoch, planned.epochs, planned.pace(last))
        }
        (State::Finished(outcome), ..) => {
            let accuracy = percent(outcome.test_accuracy_fixed);
            format!("{}: {accuracy} of the test images are classified correctly in fixed point.", outcome.stop.end())
        }
        (State::Ended, ..) => {
            format!("The training ended after {} epochs, and its results are not in this folder.", history.len())
        }
    }
}

fn figures(history: &[Epoch], kept: Option<Kept>) -> Vec<[String; 2]> {
    let Some(last) = history.last() else { return Vec::new() };
    let mut figures = vec![
        ["Training accuracy".to_owned(), percent(last.accuracy)],
        ["Training loss".to_owned(), format!("{:.4}", last.loss)],
    ];
    if let (Some(accuracy), Some(loss)) = (last.validation_accuracy, last.validation_loss) {
        figures.push(["Validation accuracy".to_owned(), percent(accuracy)]);
        figures.push(["Validation loss".to_owned(), format!("{loss:.4}")]);
    }
    if let Some(Kept { test_accuracy, .. }) = kept {
        figures.push(["Test accuracy, fixed point".to_owned(), percent(test_accuracy)]);
    }
    figures
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn progress(count: u32) -> Progress {
        let epoch = |epoch| Epoch {
            epoch,
            loss: 0.5,
            accuracy: 0.75,
            validation_loss: Some(0.6),
            validation_accuracy: Some(0.7),
            seconds: 2.0,
        };
        let planned = Planned { network: "784-10</script>".to_owned(), epochs: 3, images: 60_000 };
        Progress { planned, history: (1..=count).map(epoch).collect() }
    }

    fn parsed(count: u32, state: &State) -> Value {
        let text = update("runs/\u{1b}a", Some(&progress(count)), state);
        assert!(!text.contains('\n'));
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn an_update_has_the_pace_the_figures_and_the_curves() {
        let update = parsed(2, &State::Training);
        assert_eq!(update["title"], "runs/\\u{1b}a: 784-10</script>");
        assert_eq!(update["status"], "Epoch 2 of 3 is done: 30,000 images/s, 2 s left.");
        assert_eq!((&update["figures"][2][1], &update["is_over"]), (&"70.00 %".into(), &false.into()));
        assert!(update["plots"][0][0].as_str().unwrap().starts_with("<svg "));
    }

    #[test]
    fn each_state_has_its_words() {
        let status = |count, state: &State| parsed(count, state)["status"].as_str().unwrap().to_owned();
        assert!(status(0, &State::Training).contains("Epoch 1 of 3"));
        assert!(status(3, &State::Training).contains("quantized"));
        assert!(status(1, &State::Ended).contains("ended after 1 epochs"));
        assert_eq!(parsed(1, &State::Ended)["is_over"], true);
        let unplanned: Value = serde_json::from_str(&update("a", None, &State::Ended)).unwrap();
        assert_eq!((&unplanned["title"], &unplanned["is_over"]), (&"a".into(), &true.into()));
    }
}
