//! The sections of a report, in their order.

mod cost;
mod evaluation;
mod history;
mod missing;
mod mistakes;
mod network;
mod parity;
mod quantization;
mod result;
mod samples;
mod settings;
mod summary;
mod weights;

use maud::{Markup, html};
use prenda::Model;

use super::run::Run;
use crate::model::Evaluation;
use crate::run::RunFile;
use crate::text::printable;

/// A section of the page.
pub struct Section {
    pub id: &'static str,
    pub title: &'static str,
    pub content: Markup,
}

/// Returns all sections about `runs`.
pub fn sections(runs: &[Run]) -> Vec<Section> {
    let section = |id, title, content| Section { id, title, content };
    let missing = missing::content(runs).map(|content| section("missing", "Missing and damaged files", content));
    // A cascade is made of trained networks, and not trained itself.
    let trained: Vec<Run> = runs.iter().filter(|run| !run.is_cascade).cloned().collect();
    let of_trained =
        |id, title, content: fn(&[Run]) -> Markup| (!trained.is_empty()).then(|| section(id, title, content(&trained)));
    let others = [
        Some(section("result", "Result", result::content(runs))),
        of_trained("history", "Training", history::content),
        Some(section("evaluation", "Evaluation", evaluation::content(runs))),
        Some(section("weights", "Weights of the first layer", weights::content(runs))),
        Some(section("cost", "Cost of each layer", cost::content(runs))),
        Some(section("parity", "Devices", parity::content(runs))),
        of_trained("quantization", "Quantization", quantization::content),
        Some(section("settings", "Settings and versions", settings::content(runs))),
    ];
    missing.into_iter().chain(others.into_iter().flatten()).collect()
}

/// Returns `content` of each run below its name, next to each other if there is room.
fn side_by_side(runs: &[Run], content: impl Fn(&Run) -> Markup) -> Markup {
    html! { div.beside { (each(runs, content)) } }
}

/// Returns `content` of each run, below its name if there are several.
fn each(runs: &[Run], content: impl Fn(&Run) -> Markup) -> Markup {
    html! {
        @for run in runs {
            article {
                @if runs.len() > 1 { h3 { bdi { (run.name) } } }
                (content(run))
            }
        }
    }
}

/// Like [`each`], with each run's model; if it could not be read, names its file instead.
fn each_model(runs: &[Run], content: impl Fn(&Run, &Model<'_>) -> Markup) -> Markup {
    each(runs, |run| run.parsed().map_or_else(|| absent(RunFile::Model), |model| content(run, &model)))
}

/// Returns the name of a class, or `?` if `evaluation` does not have it.
fn class_name(evaluation: &Evaluation, class: usize) -> String {
    evaluation.classes.get(class).map_or_else(|| "?".to_owned(), |class| printable(&class.name))
}

/// Returns the names of all runs, as headings of columns.
fn names(runs: &[Run]) -> Vec<Markup> {
    runs.iter().map(|run| html! { bdi { (run.name) } }).collect()
}

/// Returns the replacement for content that needs the missing `file`.
fn absent(file: RunFile) -> Markup {
    html! {
        p.absent {
            "Not shown, because " code { (file.name()) } " could not be read: see "
            a href="#missing" { "missing files" } "."
        }
    }
}
