//! Sample images of the test split with the probabilities that the model gives them.

use maud::{Markup, html};
use prenda::Model;

use super::class_name;
use crate::model::Sample;
use crate::plot::size;
use crate::report::commands;
use crate::report::image::image;
use crate::report::run::Run;
use crate::run::{RunFile, RunFolder};
use crate::text::{percent, printable};

/// Most samples that are shown.
const MAX_SAMPLES: usize = 6;

/// Probabilities shown for an image, the largest ones.
const PROBABILITIES: usize = 3;

/// Returns the samples, or the command that adds them to an older run.
pub fn of_run(run: &Run, model: Option<&Model<'_>>) -> Markup {
    let Some((evaluation, model)) = run.evaluation.as_ref().zip(model) else { return Markup::default() };
    if evaluation.samples.is_empty() {
        let path = RunFolder::at(run.folder.clone()).file(RunFile::Model);
        let command = commands::evaluate(&path, run.is_cascade.then_some(run.folder.as_path()));
        return html! {
            p.note {
                "This run is older and has no sample images: " code { (printable(&command)) } " and then "
                code { (printable(&commands::report(&[&run.folder]))) } " add them."
            }
        };
    }
    let name = |class: usize| class_name(evaluation, class);
    html! {
        ul.samples aria-label="Sample images of the test split" {
            @for sample in evaluation.samples.iter().take(MAX_SAMPLES) { (of_sample(sample, model, &name)) }
        }
    }
}

fn of_sample(sample: &Sample, model: &Model<'_>, name: &impl Fn(usize) -> String) -> Markup {
    let mut ranked: Vec<(usize, f64)> = sample.probabilities.iter().copied().enumerate().collect();
    // The sort is stable: of equal probabilities, the first class is the answer.
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
    let is_correct = ranked.first().is_some_and(|(class, _)| *class == sample.label);
    let text = format!("Test image {}, {}", sample.index, name(sample.label));
    html! {
        li {
            @if let Some(image) = image(&sample.pixels.0, size(model.image()), &text) { (image) }
            dl.probabilities {
                @for (class, probability) in ranked.into_iter().take(PROBABILITIES) {
                    dt class=[(class == sample.label).then_some("label")] { bdi { (name(class)) } }
                    dd { span.bar style=(format!("--share:{probability:.3}")) {} (percent(probability)) }
                }
            }
            @if !is_correct { p { span.mark { "mistake" } " label: " bdi { (name(sample.label)) } } }
        }
    }
}
