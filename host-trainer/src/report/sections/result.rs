//! The answer: accuracy, agreement with devices, cost, boards, sample images and the network.

use host_support::parity::{ModelParity, Target, target_name};
use maud::{Markup, html};
use prenda::Model;

use super::{each, network, samples};
use crate::model::Cost;
use crate::model::estimates::{self, Estimates};
use crate::report::numbers::bytes;
use crate::report::run::Run;
use crate::report::table::Comparison;
use crate::run::{BoardCost, Configuration};
use crate::text::{capitalized, count, percent, printable};

/// Devices that are named next to the verdict.
const MAX_NAMED: usize = 3;

pub fn content(runs: &[Run]) -> Markup {
    let of_each = each(runs, |run| {
        let model = run.parsed();
        html! {
            p.subtitle { (subtitle(run, model.as_ref())) }
            dl.tiles {
                (accuracy(run))
                (agreement(run))
                @if let Some(model) = &model {
                    (size(model))
                    (work(run, model))
                    @if let Some(time) = time(run, model) { (time) }
                }
            }
            (samples::of_run(run, model.as_ref()))
            @if let Some(model) = &model { (network::drawing(run, model)) }
            @if let (Some(model), [_]) = (&model, runs) { (boards(model)) }
        }
    });
    html! { (of_each) @if runs.len() > 1 { (boards_of_several(runs)) } }
}

/// A figure with its name and a remark.
fn tile(name: &str, value: &str, remark: &Markup) -> Markup {
    html! { div { dt { (name) } dd.value { bdi { (value) } } dd.remark { (remark) } } }
}

fn subtitle(run: &Run, model: Option<&Model<'_>>) -> Markup {
    let configuration = run.configuration.as_ref();
    let name = configuration.map(Configuration::network_name);
    let name = name.or_else(|| model.map(|model| format!("a cascade of {} networks", model.networks().len())));
    let date = configuration.and_then(|configuration| configuration.date.as_ref());
    html! {
        @if let Some(name) = name { bdi { (printable(&name)) } }
        @if let Some(id) = run.model_id() { ", model " (printable(&id)) }
        @if let Some(date) = date { ", made on " span.date { (printable(date)) } }
    }
}

fn accuracy(run: &Run) -> Markup {
    let name = "Test accuracy, fixed point";
    let fixed = run.evaluation.as_ref().map(|evaluation| evaluation.accuracy);
    let fixed = fixed.or(run.outcome.as_ref().map(|outcome| outcome.test_accuracy_fixed));
    let remark = html! {
        @if let Some(evaluation) = &run.evaluation {
            (count(evaluation.correct.into())) " of " (count(evaluation.images.into())) " images"
        }
        @if let Some(outcome) = &run.outcome { "; " (percent(outcome.test_accuracy_float)) " in floating point" }
    };
    tile(name, &fixed.map_or_else(|| "unknown".to_owned(), percent), &remark)
}

/// Returns the verdict on all devices that were compared with this model.
fn agreement(run: &Run) -> Markup {
    let name = "Host and device";
    let id = run.model_id();
    let of_model = run.parity.iter().filter(|parity| id.as_ref().is_none_or(|id| *id == parity.model_id));
    let all: Vec<&ModelParity> = of_model.collect();
    // The host's own thread says less than a board.
    let boards: Vec<_> = all.iter().copied().filter(|parity| parity.record.target != Some(Target::Host)).collect();
    let shown = if boards.is_empty() { &all } else { &boards };
    if shown.is_empty() {
        let remark = html! { "see " a href="#parity" { "devices" } " for the command that compares them" };
        return tile(name, "not compared", &remark);
    }
    let compared: u64 = shown.iter().map(|parity| parity.record.logits_compared).fold(0, u64::saturating_add);
    let differ: u64 = shown.iter().map(|parity| parity.record.logits_different).fold(0, u64::saturating_add);
    let agree = shown.iter().all(|parity| parity.record.agrees());
    let names = shown
        .iter()
        .take(MAX_NAMED)
        .map(|parity| format!("{} ({})", printable(&parity.record.device), target_name(parity.record.target)));
    let names = names.collect::<Vec<_>>().join(", ");
    let remark = html! {
        (count(differ)) " of " (count(compared)) " logits differ: " (names)
        @if shown.len() > MAX_NAMED { " and " (shown.len() - MAX_NAMED) " more" }
    };
    tile(name, if agree { "identical" } else { "DIFFERENT" }, &remark)
}

fn size(model: &Model<'_>) -> Markup {
    let cost = Cost::of(model);
    let remark = html! {
        (count(cost.flash_bytes as u64)) " B; " (bytes(cost.ram_bytes as u64)) " of RAM for inference"
    };
    tile("Model, in flash", &format!("{:.1} KiB", cost.flash_bytes as f64 / 1024.0), &remark)
}

/// Returns the work of an inference: instructions of the first board with a measurement, otherwise
/// multiplications.
fn work(run: &Run, model: &Model<'_>) -> Markup {
    let measured = run.bench.iter().find_map(|board| Some((board, board.per_image()?)));
    if let Some((BoardCost { board, core, images, .. }, (mean, unit))) = measured {
        let remark = html! {
            "mean of " (count(*images)) " images on " (printable(board)) " (" (printable(core)) "); see "
            a href="#cost" { "cost of each layer" }
        };
        return tile(&format!("{} per image", capitalized(unit)), &count(mean.round() as u64), &remark);
    }
    let cascade = run.evaluation.as_ref().and_then(|evaluation| evaluation.multiplications());
    let (mean, remark) = match cascade {
        Some((mean, most)) => (mean.round() as u64, format!("mean of the test images; at most {}", count(most))),
        None => {
            (Cost::of(model).multiplications as u64, "for an image without zero pixels; zeros are skipped".to_owned())
        }
    };
    tile("Multiplications per image", &count(mean), &html! { (remark) })
}

/// Returns the boards that all runs fit, and a table of the others.
fn boards_of_several(runs: &[Run]) -> Markup {
    let costs: Vec<Option<Cost>> = runs.iter().map(|run| run.parsed().map(|model| Cost::of(&model))).collect();
    let Some(first) = costs.iter().flatten().next() else { return Markup::default() };
    let fits = |board: &str| {
        let fit = |cost: &Cost| {
            let fit = cost.boards.iter().find(|fit| fit.board == board)?;
            Some(if fit.fits {
                "fits".to_owned()
            } else {
                fit.reason.clone().unwrap_or_else(|| "does not fit".to_owned())
            })
        };
        costs.iter().map(|cost| fit(cost.as_ref()?)).collect::<Vec<_>>()
    };
    let (of_all, others): (Vec<_>, Vec<_>) = first
        .boards
        .iter()
        .map(|fit| (fit.board, fits(fit.board)))
        .partition(|(_, fits)| fits.iter().flatten().all(|text| text == "fits"));
    let names: Vec<&str> = of_all.iter().map(|(board, _)| *board).collect();
    let mut table = Comparison::new("Boards that not all models fit", "Board", super::names(runs));
    let has_others = !others.is_empty();
    others.into_iter().for_each(|(board, fits)| table.row(board, fits));
    html! {
        p {
            strong { "All models fit " (names.len()) " of " (first.boards.len()) " boards" } ": " (names.join(", ")) "."
        }
        @if has_others { (table) }
    }
}

/// The board whose time is shown first.
const SHOWN_BOARD: &str = "nrf52840-dk";

/// Returns the time of an inference on one board, if it is estimated.
fn time(run: &Run, model: &Model<'_>) -> Option<Markup> {
    let estimates = Estimates::of(model, run.evaluation.as_ref())?;
    let estimate = estimates.on(SHOWN_BOARD)?;
    let remark = html! {
        "on an " (estimate.board) " at " (estimates::clock(estimate)) ", " (estimates.remark()) "; see "
        a href="#cost" { "other boards" }
    };
    // Breaks only before the error.
    let time = estimates::time(estimate).replace(' ', "\u{a0}").replace("\u{a0}±", " ±");
    Some(tile("Time per image", &time, &remark))
}

fn boards(model: &Model<'_>) -> Markup {
    let cost = Cost::of(model);
    let fitting = cost.boards.iter().filter(|fit| fit.fits).count();
    let names = |fits: bool| {
        html! {
            @for fit in cost.boards.iter().filter(|fit| fit.fits == fits) {
                li {
                    (fit.board) " " span.faint {
                        (fit.core) @if fit.emulated { ", emulated" }
                        @if let Some(reason) = &fit.reason { ": " (reason) }
                    }
                }
            }
        }
    };
    html! {
        p.boards { strong { "Fits " (fitting) " of " (cost.boards.len()) " boards" } }
        ul.boards { (names(true)) }
        @if fitting < cost.boards.len() { p { "Does not fit:" } ul.boards { (names(false)) } }
    }
}
