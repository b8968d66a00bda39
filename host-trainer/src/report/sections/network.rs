//! The layers of each network, drawn in their order, and the shares of a cascade.

use maud::{Markup, html};
use prenda::{LOGIT_FRACTION_BITS, Layer, Matrix, Model, Network, Shape};

use crate::model::{Evaluation, NetworkResult, multiplications};
use crate::report::numbers::{bytes, significant};
use crate::report::run::Run;
use crate::report::sections::{absent, each};
use crate::run::{CascadeRecord, RunFile};
use crate::text::{count, percent};

pub fn content(runs: &[Run]) -> Markup {
    html! {
        p.note {
            "Each box is a layer, with the rows, columns and channels of its output. "
            dfn { "Multiplications" } " are those for an image without zero pixels; zeros are skipped."
        }
        (each(runs, |run| html! { @match run.model.as_deref().map(Model::parse) {
            Some(Ok(model)) => {
                (of_model(&model, run.evaluation.as_ref()))
                @if let Some(record) = &run.cascade { (chosen_on(record)) }
            }
            _ => (absent(RunFile::Model)),
        } }))
    }
}

fn of_model(model: &Model<'_>, evaluation: Option<&Evaluation>) -> Markup {
    let results = evaluation.map(|evaluation| evaluation.networks.as_slice()).unwrap_or_default();
    let count_of = model.networks().len();
    html! {
        @if let Some((mean, most)) = evaluation.and_then(Evaluation::multiplications) {
            p {
                "A cascade of " (count_of) " networks, model " (model.id()) ", "
                (bytes(model.bytes().len() as u64)) ": "
                (count(mean.round() as u64)) " multiplications for a test image on average, at most " (count(most)) "."
            }
        }
        @for (index, network) in model.networks().enumerate() {
            @if count_of > 1 { p { (answers(index, network, results.get(index))) } }
            (diagram(model.image(), network))
        }
    }
}

/// Describes the images that the margins of a cascade were chosen on.
fn chosen_on(CascadeRecord { chosen_on, chosen_on_images, .. }: &CascadeRecord) -> Markup {
    html! { p.note { "Margins were chosen on " (count(*chosen_on_images as u64)) " " (chosen_on.name()) " images." } }
}

/// Describes which images a network of a cascade answers.
fn answers(index: usize, network: Network<'_, '_>, result: Option<&NetworkResult>) -> Markup {
    let margin = network.margin().map(|margin| f64::from(margin) / f64::from(1_u32 << LOGIT_FRACTION_BITS));
    html! {
        strong { "Network " (index) } " answers "
        @match margin {
            Some(margin) => { "if its best logit exceeds the second by " (significant(margin)) }
            None => "all images that reach it",
        }
        @if let Some(NetworkResult { share, accuracy, .. }) = result {
            ": " (percent(*share)) " of the test images"
            @if let Some(accuracy) = accuracy { ", of which " (percent(*accuracy)) " are correct" }
        }
        "."
    }
}

fn diagram(image: Shape, network: Network<'_, '_>) -> Markup {
    html! {
        ol.layers {
            li.image { strong { "image" } span { (sizes(image)) } }
            @for layer in network.layers() { (of_layer(layer)) }
        }
    }
}

fn of_layer(layer: &Layer<'_>) -> Markup {
    html! {
        li {
            strong { (layer) }
            span { (sizes(layer.output())) }
            @if let Some(matrix) = layer.matrix() {
                span { (count(layer.parameters() as u64)) " parameters" }
                span { (count(multiplications(std::slice::from_ref(layer)) as u64)) " multiplications" }
                span { (count(Matrix::weight_bytes(matrix) as u64)) " B of weights" }
            }
        }
    }
}

fn sizes(Shape { rows, columns, channels }: Shape) -> String {
    match (rows, columns) {
        (1, 1) => count(channels.into()),
        _ => format!("{rows} × {columns} × {channels}"),
    }
}
