//! The weights of the first layer, as images.

use maud::{Markup, html};
use prenda::{Layer, LayerKind, Model, Shape};

use super::each_model;
use crate::report::image::image;
use crate::report::run::Run;
use crate::text::count;

/// Most outputs whose weights are shown.
const MAX_SHOWN: usize = 32;

/// Colours of the largest negative and positive weights. Zero is white.
const NEGATIVE: [f64; 3] = [213.0, 94.0, 0.0];
const POSITIVE: [f64; 3] = [0.0, 90.0, 178.0];

pub fn content(runs: &[Run]) -> Markup {
    html! {
        p.note {
            "Each image shows the weights of one output: blue ones are positive, orange ones negative, white "
            "ones zero. "
            "An output is large if the image is light where they are blue, and dark where they are orange."
        }
        (each_model(runs, |run, model| match runs {
            [_] => of_layer(model),
            _ => html! { details { summary { "Weights of " bdi { (run.name) } } (of_layer(model)) } },
        }))
    }
}

fn of_layer(model: &Model<'_>) -> Markup {
    let shown = model.layers().first().and_then(|layer| Some((layer, layer.matrix()?, tile(layer))));
    let Some((layer, matrix, Shape { rows, columns, channels })) = shown else {
        return html! { p.absent { "The first layer has no weights." } };
    };
    let outputs = matrix.outputs();
    let size = [usize::from(rows), usize::from(columns) * usize::from(channels), 3];
    let weights = |output: usize| matrix.row(output).take(layer.weights_per_output()).collect::<Vec<i8>>();
    let all: Vec<Vec<i8>> = (0..outputs.min(MAX_SHOWN)).map(weights).collect();
    let largest = all.iter().flatten().map(|weight| weight.unsigned_abs()).max().unwrap_or_default().max(1);
    html! {
        p {
            "Layer " strong { (layer) } ": " (count(outputs as u64)) " outputs of "
            (rows) " × " (columns) " × " (channels) " weights"
            @if outputs > MAX_SHOWN { ", the first " (MAX_SHOWN) " of them shown" }
            @if channels > 1 { "; the channels are next to each other" }
            "."
        }
        div.weights {
            @for (output, weights) in all.iter().enumerate() {
                @let pixels = pixels(&planes(weights, channels.into(), columns.into()), largest);
                @if let Some(image) = image(&pixels, size, &format!("Weights of output {output}")) { (image) }
            }
        }
    }
}

/// Returns the rows, columns and channels that each output reads.
fn tile(layer: &Layer<'_>) -> Shape {
    let Shape { channels, .. } = layer.input();
    match layer.kind() {
        LayerKind::Convolution(window) => {
            Shape { rows: window.kernel[0].into(), columns: window.kernel[1].into(), channels }
        }
        LayerKind::Depthwise(window) => {
            Shape { rows: window.kernel[0].into(), columns: window.kernel[1].into(), channels: 1 }
        }
        _ => layer.input(),
    }
}

/// Returns weights, `[row][column][channel]`, as `[row][channel][column]`.
fn planes(weights: &[i8], channels: usize, columns: usize) -> Vec<i8> {
    let row = |row: &[i8]| {
        let channel = |channel: usize| row.iter().skip(channel).step_by(channels.max(1)).copied().collect::<Vec<_>>();
        (0..channels).flat_map(channel).collect::<Vec<_>>()
    };
    weights.chunks((columns * channels).max(1)).flat_map(row).collect()
}

/// Returns the colours of weights, of which the largest has the magnitude `largest`.
fn pixels(weights: &[i8], largest: u8) -> Vec<u8> {
    let colour = |&weight: &i8| {
        let share = f64::from(weight.unsigned_abs()) / f64::from(largest);
        let full = if weight < 0 { NEGATIVE } else { POSITIVE };
        full.map(|full| (255.0 - share * (255.0 - full)).round() as u8)
    };
    weights.iter().flat_map(colour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_weights_have_the_full_colours() {
        assert_eq!(pixels(&[0, 50, -50], 50), [255, 255, 255, 0, 90, 178, 213, 94, 0]);
        assert_eq!(pixels(&[-128], 128), [213, 94, 0]);
    }

    #[test]
    fn channels_become_planes() {
        assert_eq!(planes(&[1, 2, 3, 4, 5, 6, 7, 8], 2, 2), [1, 3, 2, 4, 5, 7, 6, 8]);
        assert_eq!(planes(&[], 3, 2), [0; 0]);
    }
}
