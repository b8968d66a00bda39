//! The most confident mistakes, with their images.

use maud::{Markup, html};
use prenda::Shape;

use super::{absent, class_name};
use crate::model::{Evaluation, Mistake};
use crate::plot::size;
use crate::report::figure::figure;
use crate::report::image::image;
use crate::report::run::Run;
use crate::run::RunFile;
use crate::text::{count, percent};

/// Mistakes that are shown unfolded, of one run and of each of several.
const SHOWN: [usize; 2] = [12, 6];

/// Most mistakes.
const MAX_SHOWN: usize = 60;

pub fn of_run(run: &Run, are_several: bool) -> Markup {
    let shape = run.parsed().map(|model| model.image());
    let evaluation = run.evaluation.as_ref();
    let has_images =
        evaluation.is_some_and(|evaluation| evaluation.mistakes.iter().any(|mistake| !mistake.pixels.is_empty()));
    match (evaluation, shape, &run.mistakes_plot) {
        (Some(evaluation), Some(shape), _) if has_images => grid(evaluation, shape, SHOWN[usize::from(are_several)]),
        (Some(evaluation), _, _) if evaluation.correct == evaluation.images => html! { p { "There are no mistakes." } },
        // An older run, which has them in a plot only.
        (_, _, Some(svg)) => figure(svg, &format!("The most confident mistakes of {}", run.name)),
        _ => absent(RunFile::MistakesPlot),
    }
}

/// Returns the mistakes, and folds all but the first `unfolded`.
fn grid(evaluation: &Evaluation, shape: Shape, unfolded: usize) -> Markup {
    let all = evaluation.images.saturating_sub(evaluation.correct);
    let shown = evaluation.mistakes.len().min(MAX_SHOWN);
    let (first, rest) = evaluation.mistakes.split_at(unfolded.min(shown));
    let items = |mistakes: &[Mistake]| {
        html! { ul.mistakes { @for mistake in mistakes { (item(mistake, evaluation, shape)) } } }
    };
    html! {
        h4 { "The " (shown) " most confident of " (count(all.into())) " mistakes" }
        (items(first))
        @if !rest.is_empty() {
            details { summary { "The next " (shown - first.len()) } (items(&rest[..shown - first.len()])) }
        }
    }
}

fn item(mistake: &Mistake, evaluation: &Evaluation, shape: Shape) -> Markup {
    let Mistake { index, label, class, probability, pixels } = mistake;
    let name = |class: usize| class_name(evaluation, class);
    html! {
        li {
            @if let Some(image) = image(&pixels.0, size(shape), &format!("Test image {index}")) { (image) }
            span { bdi { (name(*label)) } " → " strong { bdi { (name(*class)) } } }
            span.faint { (percent(*probability)) ", image " (index) }
        }
    }
}
