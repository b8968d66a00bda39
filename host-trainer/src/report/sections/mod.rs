//! The sections of a report, in their order.

mod configuration;
mod evaluation;
mod history;
mod missing;
mod parity;
mod quantization;
mod summary;

use maud::{Markup, html};

use super::run::Run;
use crate::run::RunFile;

/// A part of the page.
pub struct Section {
    /// What links lead to.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is below the heading.
    pub content: Markup,
}

/// All sections about `runs`.
pub fn sections(runs: &[Run]) -> Vec<Section> {
    let section = |id, title, content| Section { id, title, content };
    let missing = missing::content(runs).map(|content| section("missing", "Missing and damaged files", content));
    let always = [
        section("summary", "Summary", summary::content(runs)),
        section("configuration", "Configuration and versions", configuration::content(runs)),
        section("history", "History", history::content(runs)),
        section("evaluation", "Evaluation", evaluation::content(runs)),
        section("quantization", "Quantization", quantization::content(runs)),
        section("parity", "Parity and size", parity::content(runs)),
    ];
    missing.into_iter().chain(always).collect()
}

/// `content` of each run below its name, side by side where there is room.
fn side_by_side(runs: &[Run], content: impl Fn(&Run) -> Markup) -> Markup {
    html! { div.beside { (each(runs, content)) } }
}

/// `content` of each run below its name, where there are several.
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

/// The names of all runs, as headings of columns.
fn names(runs: &[Run]) -> Vec<Markup> {
    runs.iter().map(|run| html! { bdi { (run.name) } }).collect()
}

/// What stands where `file` would have been needed.
fn absent(file: RunFile) -> Markup {
    html! { p.absent { "Not shown, for want of " code { (file.name()) } ": see " a href="#missing" { "missing files" } "." } }
}
