//! Results of trainings, next to each other.

use maud::{Markup, html};

use crate::report::numbers::bytes;
use crate::report::run::Run;
use crate::report::sections::{absent, names};
use crate::report::table::Comparison;
use crate::run::{Outcome, RunFile, describe_gap, describe_overfitting, describe_stop};
use crate::text::{count, percent, printable};

pub fn content(runs: &[Run]) -> Markup {
    if runs.iter().all(|run| run.outcome.is_none()) {
        return absent(RunFile::Outcome);
    }
    let mut table = Comparison::new("Results", "Figure", names(runs));
    let mut row = |name: &str, value: &dyn Fn(&Outcome) -> String| {
        table.row(name, runs.iter().map(|run| run.outcome.as_ref().map(value)));
    };
    row("Test accuracy, float", &|outcome| percent(outcome.test_accuracy_float));
    if runs.iter().any(|run| run.outcome.as_ref().is_some_and(|outcome| outcome.test_accuracy_before_qat.is_some())) {
        row("Test accuracy, float, before QAT", &|outcome| {
            outcome.test_accuracy_before_qat.map_or_else(|| "no QAT".to_owned(), percent)
        });
    }
    row("Test accuracy, fixed point", &|outcome| percent(outcome.test_accuracy_fixed));
    row("Predictions changed by fixed point", &|outcome| count(outcome.predictions_changed as u64));
    row("Training accuracy, float", &|outcome| percent(outcome.train_accuracy_float));
    row("Generalization gap", &|outcome| describe_gap(outcome.gap()));
    table.row(
        "Overfitting",
        runs.iter().map(|run| {
            let history = run.history.as_deref()?;
            Some(describe_overfitting(history, run.outcome.as_ref()?.kept_epoch))
        }),
    );
    let mut row = |name: &str, value: &dyn Fn(&Outcome) -> String| {
        table.row(name, runs.iter().map(|run| run.outcome.as_ref().map(value)));
    };
    row("Epochs", &describe_stop);
    row("Parameters", &|outcome| count(outcome.parameters as u64));
    row("Size of model.bin", &|outcome| bytes(outcome.model_bytes as u64));
    row("Training time", &|outcome| match outcome.epochs {
        0 => "unknown".to_owned(),
        _ => format!("{:.1} s", outcome.train_seconds),
    });
    row("Model", &|outcome| printable(&outcome.model_id));
    html! {
        (table)
        p.note {
            "The " dfn { "generalization gap" } " is training accuracy minus test accuracy: how much better the "
            "network is on images that it was trained on. "
            dfn { "Overfitting" } " is judged by the loss on held-out images: it is more than 5 % above its lowest. "
            dfn { "Fixed point" } " is the network as a device runs it, in integers only."
        }
    }
}
