//! Ranges and errors of the quantized layers.

use maud::{Markup, html};

use crate::quantize::{LayerQuantization, Quantization};
use crate::report::numbers::significant;
use crate::report::run::Run;
use crate::report::sections::{absent, each};
use crate::report::table::{figures, head};
use crate::run::RunFile;
use crate::text::{count, percent};

pub fn content(runs: &[Run]) -> Markup {
    html! {
        p.note {
            "Weights become integers of 8 bits, with one step per output of a layer; outputs of hidden layers become "
            "integers of 8 bits, logits of 32 bits. " dfn { "Error" } " is the difference between the outputs of the "
            "fixed-point and the float network, including the layers before. " dfn { "Signal to noise" } " compares it "
            "with the outputs: at 20 dB the error is a tenth of them, at 40 dB a hundredth; 6 dB more halve it."
        }
        (each(runs, |run| match &run.quantization {
            Some(quantization) => layers(quantization),
            None => absent(RunFile::Quantization),
        }))
    }
}

fn layers(quantization: &Quantization) -> Markup {
    let names = [
        "Layer",
        "Weight range",
        "Weight steps",
        "Zero weights",
        "Largest activation",
        "Output step",
        "Outputs, RMS",
        "Error, RMS",
        "Signal to noise",
    ];
    let body = html! { @for (index, layer) in quantization.layers.iter().enumerate() { (row(index, layer)) } };
    html! {
        (figures("Layers, first to last", &head(&names), &body))
        p.note { "Errors are measured over " (count(quantization.images as u64)) " training images." }
    }
}

fn row(index: usize, layer: &LayerQuantization) -> Markup {
    let [least, largest] = layer.weights;
    let [finest, coarsest] = layer.weight_steps;
    html! {
        tr {
            th.whole scope="row" { (index) ": " (layer.inputs) " → " (layer.outputs) }
            td { (format!("{least:.3}, {largest:.3}")) }
            td { (significant(finest)) ", " (significant(coarsest)) }
            td { (percent(layer.zero_weights)) }
            td {
                @match layer.largest_activation {
                    Some(activation) => (significant(activation.into())),
                    None => "logits",
                }
            }
            td { (significant(layer.output_step)) }
            td { (significant(layer.output_rms)) }
            td { (significant(layer.error_rms)) }
            td {
                @match layer.signal_to_noise_decibels() {
                    Some(ratio) => (format!("{ratio:.1} dB")),
                    None if layer.error_rms == 0.0 => "no error",
                    None => "no signal",
                }
            }
        }
    }
}
