//! Compares the host's kernels with the reference in 64 bits: widths near those of a block, a
//! vector and a list, extreme parameters, and any alignment. The device has the same test in
//! `firmware/src/bin/kernels`.

mod common;

use checks::{Layer, Network, fit};
use proptest::prelude::*;
use shared_model::{Model, Requant, Shape, Stage, WeightOrder, Workspace};

/// Tiles have eight outputs.
const OUTPUTS: [usize; 8] = [1, 2, 3, 7, 8, 9, 16, 17];

/// The requantization that leaves an accumulator unchanged.
const EXACT: (u32, u8) = (Requant::MIN_MULTIPLIER, 30);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn networks_of_up_to_four_layers_equal_the_reference(network in common::networks(), offset in 0..16_usize) {
        compare(&network, offset);
    }

    #[test]
    fn narrow_networks_equal_the_reference(network in edges(1..=40), offset in 0..16_usize) {
        compare(&network, offset);
    }

    #[test]
    fn wide_networks_equal_the_reference(network in edges(41..=900), offset in 0..16_usize) {
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

/// Compares all activations and logits of a blob that starts `offset` bytes after a multiple of 16.
fn compare(network: &Network, offset: usize) {
    let blob = network.encode();
    let mut bytes = vec![0xA5; blob.len() + 32];
    let start = bytes.as_ptr().align_offset(16) + offset;
    let target = &mut bytes[start..start + blob.len()];
    target.copy_from_slice(&blob);
    let view = Model::parse(target).unwrap();

    let mut found: Vec<Vec<i64>> = Vec::new();
    let mut on_stage = |stage: Stage<'_>| {
        if let Stage::Activations { activations, .. } = stage {
            found.push(activations.iter().map(|&value| value.into()).collect());
        }
    };
    let mut workspace = Workspace::<1024, 32>::new();
    let prediction = workspace.infer_with(&view, &network.image, &mut on_stage).unwrap();
    found.push(prediction.logits.iter().map(|&logit| logit.into()).collect());
    let orders: Vec<_> = network.layers.iter().map(|layer| layer.order).collect();
    assert_eq!(found, network.reference().outputs, "{orders:?}, at offset {offset}");
}

/// Builds one layer whose logits are its accumulators, for an image of one row.
fn exact(inputs: usize, weights: Vec<i8>) -> Network {
    let outputs = weights.len() / inputs;
    let layer = Layer {
        order: WeightOrder::Pairs,
        biases: vec![-3; outputs],
        requants: vec![requant(EXACT); outputs],
        weights,
        ..Layer::default()
    };
    network(inputs, vec![layer], vec![0; inputs])
}

fn network(inputs: usize, layers: Vec<Layer>, image: Vec<u8>) -> Network {
    let classes = layers.last().map_or(0, |layer| layer.biases.len());
    Network {
        shape: Shape::grey(1, inputs as u16),
        ends: Vec::new(),
        class_names: vec![String::new(); classes],
        layers,
        image,
    }
}

fn requant((multiplier, shift): (u32, u8)) -> Requant {
    Requant::new(multiplier, shift).expect("both are in range")
}

/// Generates one or two layers of any of [`OUTPUTS`], at the edge of what the parser accepts.
fn edges(inputs: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Network> {
    let outputs = || prop::sample::select(&OUTPUTS[..]);
    (inputs, prop::collection::vec(outputs(), 1..=2)).prop_flat_map(|(inputs, widths)| {
        let all_inputs = std::iter::once(inputs).chain(widths.iter().copied());
        let layers = all_inputs.zip(&widths).enumerate();
        let layers: Vec<_> =
            layers.map(|(index, (inputs, &outputs))| layer(inputs, outputs, index + 1 == widths.len())).collect();
        (layers, image(inputs)).prop_map(move |(layers, image)| network(inputs, layers, image))
    })
}

fn image(pixels: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(vec![0; pixels]),
        Just(vec![255; pixels]),
        prop::collection::vec(any::<u8>(), pixels),
        prop::collection::vec(prop_oneof![Just(0), any::<u8>()], pixels),
        (0..pixels, 1..=255_u8).prop_map(move |(place, value)| {
            let mut image = vec![0; pixels];
            image[place] = value;
            image
        }),
    ]
}

fn layer(inputs: usize, outputs: usize, is_last: bool) -> impl Strategy<Value = Layer> {
    let count = inputs * outputs;
    let weights = prop_oneof![
        Just(vec![127; count]),
        Just(vec![-127; count]),
        Just((0..count).map(|index| if index % 2 == 0 { 127 } else { -127 }).collect()),
        Just(vec![0; count]),
        prop::collection::vec(-127..=127_i8, count),
    ];
    let numbers = prop::collection::vec(numbers(), outputs);
    (weights, numbers, common::orders(), 0..4_usize).prop_map(move |(mut weights, numbers, order, pruned)| {
        fit(order, inputs, pruned, &mut weights);
        let rows = weights.chunks_exact(inputs).zip(numbers);
        let (biases, requants) = rows.map(|(row, numbers)| numbers.fit(row, is_last)).unzip();
        Layer { order, biases, requants, weights, ..Layer::default() }
    })
}

/// Parameters of an output, before they are adjusted to its weights.
#[derive(Clone, Debug)]
struct Numbers {
    bias: Bias,
    multiplier: u32,
    shift: u8,
}

#[derive(Clone, Debug)]
enum Bias {
    /// The largest that cannot overflow.
    Greatest,
    /// The smallest that cannot overflow.
    Least,
    This(i32),
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let bias = prop_oneof![
        Just(Bias::Greatest),
        Just(Bias::Least),
        (-3..=3).prop_map(Bias::This),
        (-100_000..100_000).prop_map(Bias::This),
    ];
    let multiplier = prop_oneof![
        Just(Requant::MIN_MULTIPLIER),
        Just(Requant::MAX_MULTIPLIER),
        Requant::MIN_MULTIPLIER..=Requant::MAX_MULTIPLIER,
    ];
    let shift = prop_oneof![
        Just(Requant::MIN_SHIFT),
        Just(Requant::MAX_SHIFT),
        30..=45_u8,
        Requant::MIN_SHIFT..=Requant::MAX_SHIFT
    ];
    (bias, multiplier, shift).prop_map(|(bias, multiplier, shift)| Numbers { bias, multiplier, shift })
}

impl Numbers {
    /// Returns the bias for these weights, and the requantization; logits can require a larger
    /// shift.
    fn fit(self, weights: &[i8], is_last: bool) -> (i32, Requant) {
        let sum = |sign: i64| weights.iter().map(|&weight| (i64::from(weight) * sign).max(0) * 255).sum::<i64>();
        let (lowest, highest) = (-sum(-1), sum(1));
        let bias = match self.bias {
            Bias::Greatest => i64::from(i32::MAX) - highest,
            Bias::Least => i64::from(i32::MIN) - lowest,
            Bias::This(bias) => bias.into(),
        };
        let fits = |shift: &u8| {
            let is_logit = |accumulator: i64| {
                let scaled = i128::from(accumulator) * i128::from(self.multiplier) + (1 << (shift - 1));
                i32::try_from(scaled.div_euclid(1 << shift)).is_ok()
            };
            !is_last || (is_logit(lowest + bias.min(0)) && is_logit(highest + bias.max(0)))
        };
        // With 31 bits every accumulator fits.
        let shift = (self.shift..=self.shift.max(31)).find(fits).expect("31 bits are enough");
        (bias.try_into().expect("it is between the bounds"), requant((self.multiplier, shift)))
    }
}
