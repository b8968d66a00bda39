//! Compares the host's kernels with the reference in 64 bits: widths near those of a block, a
//! vector and a list, extreme parameters, and any alignment. The device has the same test in
//! `firmware/src/bin/kernels`.

mod common;
mod edges;

use checks::{Layer, Network, fit};
use edges::{EXACT, OUTPUTS, compare, image, layer};
use prenda_core::{LayerKind, Shape, WeightOrder};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn networks_of_up_to_four_layers_equal_the_reference(network in common::networks(), offset in 0..16_usize) {
        compare(&network, offset);
    }

    #[test]
    fn narrow_networks_equal_the_reference(network in networks(1..=40), offset in 0..16_usize) {
        compare(&network, offset);
    }

    #[test]
    fn wide_networks_equal_the_reference(network in networks(41..=900), offset in 0..16_usize) {
        compare(&network, offset);
    }
}

#[test]
fn all_narrow_widths_agree_on_extreme_weights_and_images() {
    for inputs in 1..=40 {
        for outputs in OUTPUTS {
            for weight in [127, -127] {
                let weights = vec![weight; inputs * outputs];
                let mut network = exact(inputs, weights);
                for pixel in [0, 255] {
                    network.image.fill(pixel);
                    in_all_orders(&mut network);
                }
            }
        }
    }
}

#[test]
fn a_single_pixel_selects_its_own_weights() {
    for inputs in 1..=40 {
        // Neighbouring weights differ, and none is zero.
        let weights = (0..inputs * 9).map(|index| (index * 37 % 127) as i8 + 1).collect();
        let mut network = exact(inputs, weights);
        for place in 0..inputs {
            network.image.fill(0);
            network.image[place] = 255;
            in_all_orders(&mut network);
        }
    }
}

/// Tests counts of pairs near multiples of 128, the capacity of a list. A kernel can stop a few
/// pairs before that.
#[test]
fn gathering_resumes_after_full_and_nearly_full_lists() {
    for pairs in (122..=130).chain(250..=260).chain(380..=386) {
        // A black pixel in each pair, and black pairs after some.
        for step in [2, 3, 7] {
            for inputs in [pairs * step, pairs * step + 1] {
                let weights = (0..inputs * 3).map(|index| (index * 101 % 255) as i8).map(|w| w.max(-127)).collect();
                let mut network = exact(inputs, weights);
                network.image.iter_mut().step_by(step).for_each(|pixel| *pixel = 255);
                in_all_orders(&mut network);
            }
        }
    }
}

/// Infers in all orders, at two alignments, with blocks pruned or not.
fn in_all_orders(network: &mut Network) {
    let weights = network.layers[0].weights.clone();
    for order in WeightOrder::ALL {
        for pruned in if order == WeightOrder::Blocks { 0..4 } else { 0..1 } {
            let layer = &mut network.layers[0];
            layer.order = order;
            layer.weights.clone_from(&weights);
            fit(order, network.image.len(), pruned, &mut layer.weights);
            compare(network, 0);
            compare(network, 7);
        }
    }
    network.layers[0].weights = weights;
}

/// Builds one layer whose logits are its accumulators, for an image of one row.
fn exact(inputs: usize, weights: Vec<i8>) -> Network {
    let outputs = weights.len() / inputs;
    let layer = Layer {
        order: WeightOrder::Pairs,
        biases: vec![-3; outputs],
        requants: vec![edges::requant(EXACT); outputs],
        weights,
        ..Layer::default()
    };
    network(inputs, vec![layer], vec![0; inputs])
}

fn network(inputs: usize, layers: Vec<Layer>, image: Vec<u8>) -> Network {
    let classes = layers.last().map_or(0, |layer| layer.biases.len());
    let class_names = vec![String::new(); classes];
    Network { shape: row(inputs), features: Vec::new(), ends: Vec::new(), class_names, layers, image }
}

/// Generates one or two layers of any of [`OUTPUTS`], at the edge of what the parser accepts.
fn networks(inputs: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Network> {
    let outputs = || prop::sample::select(&OUTPUTS[..]);
    (inputs, prop::collection::vec(outputs(), 1..=2)).prop_flat_map(|(inputs, widths)| {
        let all_inputs = std::iter::once(inputs).chain(widths.iter().copied());
        let layers = all_inputs.zip(&widths).enumerate();
        let layers: Vec<_> = layers
            .map(|(index, (inputs, &outputs))| layer(LayerKind::Dense, row(inputs), outputs, index + 1 == widths.len()))
            .collect();
        (layers, image(inputs)).prop_map(move |(layers, image)| network(inputs, layers, image))
    })
}

/// Returns the shape of an image of one row.
const fn row(pixels: usize) -> Shape {
    Shape::grey(1, pixels as u16)
}
