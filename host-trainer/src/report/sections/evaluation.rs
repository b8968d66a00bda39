//! Evaluation on the test split in fixed point: confusion matrix and classes.

use maud::{Markup, html};

use super::{absent, mistakes, side_by_side};
use crate::model::{ClassResult, Evaluation};
use crate::plot;
use crate::report::figure::figure;
use crate::report::run::Run;
use crate::report::table::{figures, head};
use crate::run::RunFile;
use crate::text::{count, percent, printable};

pub fn content(runs: &[Run]) -> Markup {
    html! {
        (side_by_side(runs, |run| of_run(run, runs.len() > 1)))
        p.note {
            dfn { "Precision" } " of a class is the share of the images classified as this class that belong to it; "
            dfn { "recall" } " is the share of its images that are classified as it; "
            dfn { "F1" } " is the harmonic mean of both. "
            "All figures are in fixed point, as on a device."
        }
    }
}

/// Returns the results of a run; if there are several, folds the classes and more of the mistakes.
fn of_run(run: &Run, are_several: bool) -> Markup {
    let text = format!("Confusion matrix of {}", run.name);
    html! {
        @if let Some(Evaluation { images, correct, accuracy, loss, .. }) = &run.evaluation {
            p {
                (count((*correct).into())) " of " (count((*images).into()))
                " test images are classified correctly: " (percent(*accuracy)) "."
                @if let Some(loss) = loss { " The mean cross-entropy is " (format!("{loss:.4}")) "." }
            }
        }
        div.panels {
            @match (&run.evaluation, &run.confusion_plot) {
                (Some(evaluation), _) => (figure(&plot::confusion(evaluation), &text)),
                (None, Some(svg)) => (figure(svg, &text)),
                (None, None) => (absent(RunFile::Evaluation)),
            }
            @if let (Some(evaluation), false) = (&run.evaluation, are_several) { (classes(&evaluation.classes)) }
        }
        @if let (Some(evaluation), true) = (&run.evaluation, are_several) {
            details { summary { "Results by class" } (classes(&evaluation.classes)) }
        }
        (mistakes::of_run(run, are_several))
    }
}

fn classes(classes: &[ClassResult]) -> Markup {
    let share = |share: Option<f64>| share.map_or_else(|| "none".to_owned(), percent);
    let body = html! {
        @for class in classes {
            tr {
                th scope="row" { bdi { (printable(&class.name)) } }
                td { (share(class.precision)) }
                td { (share(class.recall)) }
                td { (share(class.f1)) }
                td { (count(class.images.into())) }
                td { (count(class.predicted.into())) }
                td { (count(class.correct.into())) }
            }
        }
    };
    let names = ["Class", "Precision", "Recall", "F1", "Images", "Predicted", "Correct"];
    figures("Results by class", &head(&names), &body)
}
