//! The layers of each network, drawn in their order, and the shares of a cascade.

use maud::{Markup, html};
use prenda::{LOGIT_FRACTION_BITS, Layer, Model, Network, Shape};

use crate::model::{Evaluation, NetworkResult};
use crate::report::numbers::{bytes, significant};
use crate::report::run::Run;
use crate::run::CascadeRecord;
use crate::text::{count, percent};

/// Largest side of a drawn shape, in pixels.
const SIDE: f64 = 36.0;

/// Most channels that are drawn, one sheet each.
const MAX_SHEETS: u16 = 5;

/// Draws the networks of `model`.
pub fn drawing(run: &Run, model: &Model<'_>) -> Markup {
    let evaluation = run.evaluation.as_ref();
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
        @if let Some(record) = &run.cascade { (chosen_on(record)) }
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
    let largest = image.rows.max(image.columns);
    html! {
        ol.layers aria-label="Layers of the network, with the shapes of their outputs" {
            li { (shape(image, largest)) strong { "image" } span { (sizes(image)) } }
            @for layer in network.layers() { (of_layer(layer, largest)) }
        }
    }
}

fn of_layer(layer: &Layer<'_>, largest: u16) -> Markup {
    html! { li { (shape(layer.output(), largest)) strong { (layer) } span { (sizes(layer.output())) } } }
}

/// Draws a shape to the scale of an image whose longer side is `largest`: a sheet for each channel,
/// or the values of a dense layer as a bar.
fn shape(shape: Shape, largest: u16) -> Markup {
    let is_bar = shape.rows == 1 && shape.columns == 1;
    let length = |side: u16| (SIDE * f64::from(side) / f64::from(largest.max(1))).clamp(3.0, SIDE);
    let [wide, high] = if is_bar {
        // Lengths grow with the logarithm: 10 and 1000 values are both visible.
        [6.0, (8.0 * f64::from(shape.channels).log2()).clamp(6.0, SIDE)]
    } else {
        [length(shape.columns), length(shape.rows)]
    };
    let sheets = if is_bar { 1 } else { shape.channels.clamp(1, MAX_SHEETS) };
    let step = 3.0;
    let back = step * f64::from(sheets - 1);
    let (width, height) = ((wide + back + 2.0).ceil(), (high + back + 2.0).ceil());
    html! {
        svg aria-hidden="true" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } {
            @for sheet in (0..sheets).rev() {
                @let shift = step * f64::from(sheet);
                rect x=(1.0 + shift) y=(1.0 + back - shift) width=(wide) height=(high) {}
            }
        }
    }
}

/// Formats a shape: `14 × 14 × 8`, or the count of values.
pub fn sizes(Shape { rows, columns, channels }: Shape) -> String {
    match (rows, columns) {
        (1, 1) => count(channels.into()),
        _ => format!("{rows} × {columns} × {channels}"),
    }
}
