//! Training: the curves, and the results next to each other.

use maud::{Markup, html};

use super::{absent, side_by_side, summary};
use crate::plot::{History, HistoryRun};
use crate::report::figure::figure;
use crate::report::run::Run;
use crate::report::table::{figures, head};
use crate::run::{Outcome, RunFile};
use crate::text::{count, percent};
use crate::train::Epoch;

pub fn content(runs: &[Run]) -> Markup {
    let several: Vec<_> = runs.iter().filter_map(history_of).collect();
    html! {
        @if several.len() > 1 { (curves(&several, "all runs")) }
        (side_by_side(runs, |run| of_run(run, several.len() > 1)))
        (summary::content(runs))
        p.note {
            "Training loss and accuracy are measured on each batch before its update; "
            "validation loss and accuracy, if images were held out, after the epoch. "
            "Test accuracy is that of the kept network in fixed point."
        }
    }
}

fn history_of(run: &Run) -> Option<HistoryRun<'_>> {
    let kept = run.outcome.as_ref().map(Outcome::kept);
    Some(HistoryRun { name: &run.name, epochs: run.history.as_deref()?, kept })
}

fn curves(runs: &[HistoryRun<'_>], whose: &str) -> Markup {
    let [accuracy, loss, legend] = History::of(runs).parts();
    html! {
        div.panels {
            (figure(&accuracy, &format!("Accuracy of {whose} over the epochs")))
            (figure(&loss, &format!("Loss of {whose} over the epochs")))
        }
        (figure(&legend, &format!("Names and last values of the curves of {whose}")))
    }
}

/// Returns the curves of a run; folded if they are `drawn_above`, too.
fn of_run(run: &Run, drawn_above: bool) -> Markup {
    let kept = run.outcome.as_ref().map(|outcome| outcome.kept_epoch);
    html! {
        @match (history_of(run), &run.history_plot) {
            (Some(history), _) if drawn_above => details {
                summary { "Curves of " bdi { (run.name) } " alone" }
                (curves(&[history], &run.name))
            },
            (Some(history), _) => (curves(&[history], &run.name)),
            (None, Some(svg)) => (figure(svg, &format!("Accuracy and loss of {} over the epochs", run.name))),
            (None, None) => (absent(RunFile::History)),
        }
        @if let Some(history) = &run.history {
            details {
                summary { "All " (count(history.len() as u64)) " epochs as a table" }
                (epochs(history, kept))
            }
        }
    }
}

fn epochs(history: &[Epoch], kept: Option<u32>) -> Markup {
    let has_validation = history.iter().any(|epoch| epoch.validation_loss.is_some());
    let names = ["Epoch", "Loss", "Accuracy", "Validation loss", "Validation accuracy", "Seconds"];
    let names = names.iter().filter(|name| has_validation || !name.starts_with("Validation"));
    let body = html! {
        @for epoch in history {
            tr {
                th scope="row" { (epoch.epoch) @if kept == Some(epoch.epoch) { " " span.mark { "kept" } } }
                td { (format!("{:.4}", epoch.loss)) }
                td { (percent(epoch.accuracy)) }
                @if has_validation {
                    td { (epoch.validation_loss.map(|loss| format!("{loss:.4}")).unwrap_or_default()) }
                    td { (epoch.validation_accuracy.map(percent).unwrap_or_default()) }
                }
                td { (format!("{:.2}", epoch.seconds)) }
            }
        }
    };
    figures("Epochs", &head(&names.copied().collect::<Vec<_>>()), &body)
}
