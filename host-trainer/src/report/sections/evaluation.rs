//! Evaluation on the test split in fixed point: confusion matrix, classes, mistakes.

use maud::{Markup, html};

use crate::model::{ClassResult, Evaluation, Mistake};
use crate::report::figure::figure;
use crate::report::run::Run;
use crate::report::sections::{absent, side_by_side};
use crate::report::table::{figures, head, table};
use crate::run::RunFile;
use crate::text::{count, percent, printable};

pub fn content(runs: &[Run]) -> Markup {
    html! {
        p.note {
            dfn { "Precision" } " of a class is the share of the images classified as this class that belong to it; "
            dfn { "recall" } " is the share of its images that are classified as it; "
            dfn { "F1" } " is the harmonic mean of both. "
            "All figures are in fixed point, as on a device."
        }
        (side_by_side(runs, of_run))
    }
}

fn of_run(run: &Run) -> Markup {
    html! {
        @if let Some(Evaluation { images, correct, accuracy, loss, .. }) = &run.evaluation {
            p {
                (count((*correct).into())) " of " (count((*images).into()))
                " test images are classified correctly: " (percent(*accuracy)) "."
                @if let Some(loss) = loss { " The mean cross-entropy is " (format!("{loss:.4}")) "." }
            }
        }
        @match &run.confusion_plot {
            Some(svg) => (figure(svg, &format!("Confusion matrix of {}", run.name))),
            None => (absent(RunFile::ConfusionPlot)),
        }
        @match &run.evaluation {
            Some(evaluation) => (classes(&evaluation.classes)),
            None => (absent(RunFile::Evaluation)),
        }
        @match &run.mistakes_plot {
            Some(svg) => (figure(svg, &format!("The most confident mistakes of {}", run.name))),
            None => (absent(RunFile::MistakesPlot)),
        }
        @if let Some(evaluation) = &run.evaluation && !evaluation.mistakes.is_empty() {
            details { summary { "The most confident mistakes as a table" } (mistakes(evaluation)) }
        }
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

fn mistakes(evaluation: &Evaluation) -> Markup {
    let name = |class: usize| evaluation.classes.get(class).map_or("?".to_owned(), |class| printable(&class.name));
    let body = html! {
        @for Mistake { index, label, class, probability } in &evaluation.mistakes {
            tr {
                th scope="row" { (index) }
                td { bdi { (name(*label)) } }
                td { bdi { (name(*class)) } }
                td { (percent(*probability)) }
            }
        }
    };
    let names = ["Test image", "True class", "Predicted class", "Probability"];
    table("Mistakes, most confident first", &head(&names), &body)
}
