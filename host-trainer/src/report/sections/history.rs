//! Loss and accuracy of each epoch.

use maud::{Markup, html};

use crate::plot;
use crate::report::figure::figure;
use crate::report::run::Run;
use crate::report::sections::{absent, side_by_side};
use crate::report::table::{figures, head};
use crate::run::RunFile;
use crate::text::{count, percent};
use crate::train::Epoch;

/// Largest table that is shown unfolded, in epochs.
const MAX_SHOWN: usize = 20;

pub fn content(runs: &[Run]) -> Markup {
    html! {
        p.note {
            "Training loss and accuracy are measured on each batch before its update; "
            "validation loss and accuracy, if images were held out, after the epoch."
        }
        @if let Some(svg) = together(runs) {
            (figure(&svg, "Accuracy and loss of all runs over the epochs"))
        }
        (side_by_side(runs, of_run))
    }
}

/// Returns one plot with the curves of several runs.
fn together(runs: &[Run]) -> Option<String> {
    let histories: Vec<_> = runs.iter().filter_map(|run| Some((run.name.as_str(), run.history.as_deref()?))).collect();
    // If plotting fails, the plots of the single runs are still shown below.
    if histories.len() > 1 { plot::history(&histories).ok() } else { None }
}

fn of_run(run: &Run) -> Markup {
    let kept = run.outcome.as_ref().map(|outcome| outcome.kept_epoch);
    html! {
        @match &run.history_plot {
            Some(svg) => (figure(svg, &format!("Accuracy and loss of {} over the epochs", run.name))),
            None => (absent(RunFile::HistoryPlot)),
        }
        @match &run.history {
            Some(history) if history.len() > MAX_SHOWN => {
                details {
                    summary { "All " (count(history.len() as u64)) " epochs as a table" }
                    (epochs(history, kept))
                }
            },
            Some(history) => (epochs(history, kept)),
            None => (absent(RunFile::History)),
        }
    }
}

fn epochs(history: &[Epoch], kept: Option<u32>) -> Markup {
    let has_validation = history.iter().any(|epoch| epoch.validation_loss.is_some());
    let names = ["Epoch", "Loss", "Accuracy", "Validation loss", "Validation accuracy", "Seconds"];
    let names = names.iter().filter(|name| has_validation || !name.starts_with("Validation"));
    let last = history.last().map(|epoch| epoch.epoch);
    let body = html! {
        @for epoch in history {
            tr {
                // Keeping the last epoch is not worth a mark.
                th scope="row" {
                    (epoch.epoch)
                    @if kept == Some(epoch.epoch) && kept != last { " " span.mark { "kept" } }
                }
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
