//! The cost of each layer on a device.

use std::slice;

use maud::{Markup, html};
use prenda::{Layer, Matrix, Model};

use super::each_model;
use super::network::sizes;
use crate::model::estimates::{self, Estimates};
use crate::model::{Cost, multiplications};
use crate::report::commands;
use crate::report::run::Run;
use crate::report::table::{figures, head};
use crate::run::BoardCost;
use crate::text::{capitalized, count, percent, printable};

/// Most boards with a column.
const MAX_BOARDS: usize = 8;

pub fn content(runs: &[Run]) -> Markup {
    html! {
        p.note {
            dfn { "Multiplications" } " are those for an image without zero pixels; zeros are skipped. "
            "The whole model in flash also has class names, biases and golden vectors. "
            "Layers share their RAM, so the whole is not a sum."
        }
        (each_model(runs, of_model))
    }
}

fn of_model(run: &Run, model: &Model<'_>) -> Markup {
    let boards: Vec<&BoardCost> =
        run.bench.iter().filter(|board| board.per_image().is_some()).take(MAX_BOARDS).collect();
    let names = ["Layer", "Output", "Parameters", "Multiplications", "Share", "Weights, B", "RAM, B"];
    let cost = Cost::of(model);
    let layers = model.networks().flat_map(|network| {
        let last = network.layers().len().saturating_sub(1);
        network.layers().iter().enumerate().map(move |(place, layer)| (layer, place == 0, place == last))
    });
    let body = html! {
        @for (layer, is_first, is_last) in layers {
            tr { (of_layer(layer, layer.memory_bytes(is_first, is_last), cost.multiplications)) }
        }
        tr.total {
            th.whole scope="row" { "Whole model" }
            td {}
            td { (count(model.layers().iter().map(Layer::parameters).sum::<usize>() as u64)) }
            td { (count(cost.multiplications as u64)) }
            td {}
            td { (count(cost.flash_bytes as u64)) }
            td { (count(cost.ram_bytes as u64)) }
        }
    };
    html! {
        (figures("Cost of each layer", &head(&names), &body))
        @if !boards.is_empty() { (measured(model, &boards)) }
        @if let Some(estimates) = Estimates::of(model, run.evaluation.as_ref()) { (estimated(&estimates)) }
        @if boards.is_empty() {
            p { "Instructions have not been counted. These commands count them on every emulated board, and add them "
                "here:" }
            pre {
                code { (printable(&commands::bench(&run.folder))) "\n" (printable(&commands::report(&[&run.folder]))) }
            }
        }
    }
}

/// Returns the table of what was counted for each layer on boards.
fn measured(model: &Model<'_>, boards: &[&BoardCost]) -> Markup {
    let names = boards.iter().map(|board| {
        let (_, unit) = board.per_image().unwrap_or_default();
        format!("{}, {}", capitalized(unit), printable(&board.core))
    });
    let names: Vec<String> = std::iter::once("Layer".to_owned()).chain(names).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let body = html! {
        @for (index, layer) in model.layers().iter().enumerate() {
            tr {
                th.whole scope="row" { (layer) }
                @for board in boards { td { (count(board.of_layer(index + 1).round() as u64)) } }
            }
        }
        tr.total {
            th.whole scope="row" { "Whole model" }
            @for board in boards { td { (count(board.per_image().unwrap_or_default().0.round() as u64)) } }
        }
    };
    figures("Counted for each layer, mean of an image", &head(&names), &body)
}

/// Returns the table of boards that people own.
fn estimated(estimates: &Estimates) -> Markup {
    let yes_or_no = |fits: bool| if fits { "yes" } else { "no" };
    let body = html! {
        @for estimate in &estimates.estimates {
            tr {
                th.whole scope="row" { (estimate.board) }
                td { (estimate.core) }
                td { (estimates::clock(estimate)) }
                td { (estimates::time(estimate)) }
                td { (estimates::energy(estimate).unwrap_or_default()) }
                td { (count(estimate.flash_bytes)) }
                td { (count(estimate.ram_bytes)) }
                td { (yes_or_no(estimate.fits)) }
            }
        }
    };
    let names = ["Board", "Core", "Clock", "Time", "Energy", "Flash, B", "RAM, B", "Fits"];
    html! {
        (figures("Estimated cost of an inference on boards", &head(&names), &body))
        p.note {
            (capitalized(&estimates.remark())) "; nothing was measured. Flash and RAM are those of the run-time server "
            "with this model. " code { "cargo xtask estimate" } " traces an emulator instead, with smaller errors."
        }
    }
}

fn of_layer(layer: &Layer<'_>, ram_bytes: usize, all_multiplications: usize) -> Markup {
    let multiplications = multiplications(slice::from_ref(layer));
    html! {
        th.whole scope="row" { (layer) }
        td { (sizes(layer.output())) }
        td { (count(layer.parameters() as u64)) }
        td { (count(multiplications as u64)) }
        td { (percent(multiplications as f64 / all_multiplications.max(1) as f64)) }
        td { (count(layer.matrix().map_or(0, Matrix::weight_bytes) as u64)) }
        td { (count(ram_bytes as u64)) }
    }
}
