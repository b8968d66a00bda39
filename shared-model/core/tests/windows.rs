//! Compares convolutions, pools and cascades on the host with the reference in 64 bits: windows of
//! any size, stride and padding, lists of pairs that are full, and any alignment.

mod edges;

use checks::{Layer, Network, clear_padding, fit};
use edges::{EXACT, OUTPUTS, compare, image, layer, requant};
use prenda_core::{HostWorkspace, LayerKind, Model, Shape, WeightOrder, Window};
use proptest::prelude::*;
use proptest::sample::select;

/// Operations with a window.
const KINDS: [fn(Window) -> LayerKind; 4] =
    [LayerKind::Convolution, LayerKind::Depthwise, LayerKind::MaxPool, LayerKind::AveragePool];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn networks_of_windows_equal_the_reference(network in networks(1..=3), offset in 0..16_usize) {
        compare(&network, offset);
    }

    #[test]
    fn cascades_equal_the_reference(network in cascades(), offset in 0..16_usize) {
        compare(&network, offset);
    }

    #[test]
    fn convolutions_of_many_channels_equal_the_reference(network in wide(), offset in 0..16_usize) {
        compare(&network, offset);
    }
}

/// Tests counts of pairs near multiples of 128, the capacity of a list: of whole windows, and of
/// windows with as many pairs that are not zero.
#[test]
fn windows_that_fill_a_list_agree() {
    for (kernel, channels) in [([3, 3], 28), ([3, 3], 29), ([1, 1], 257), ([5, 5], 21), ([2, 3], 86), ([7, 7], 16)] {
        let shape = Shape { rows: kernel[0] + 1, columns: kernel[1] + 1, channels };
        let window = Window { kernel: kernel.map(|side| side as u8), stride: [1, 1], padding: [0; 4] };
        let mut network = convolution(shape, window, 9);
        for pairs in (124..=129).chain(252..=257) {
            for step in [1, 2, 3] {
                let pixels = shape.count();
                let white = |place: usize| if place.is_multiple_of(step) && place < pairs * step { 255 } else { 0 };
                network.image = (0..pixels).map(white).collect();
                in_all_orders(&mut network);
            }
        }
        network.image.fill(255);
        in_all_orders(&mut network);
    }
}

/// Most windows are black.
#[test]
fn a_single_pixel_selects_its_own_weights() {
    for (padding, stride, channels) in [(1, 1, 1), (0, 1, 3), (2, 2, 2), (1, 3, 5)] {
        let shape = Shape { rows: 5, columns: 4, channels };
        let window = Window { kernel: [3, 3], stride: [stride; 2], padding: [padding; 4] };
        let mut network = convolution(shape, window, 9);
        for place in 0..shape.count() {
            network.image.fill(0);
            network.image[place] = 255;
            in_all_orders(&mut network);
        }
    }
}

#[test]
fn black_images_give_the_biases() {
    for channels in 1..=9 {
        let shape = Shape { rows: 6, columns: 5, channels };
        let window = Window { kernel: [3, 2], stride: [1, 2], padding: [2, 1, 0, 1] };
        in_all_orders(&mut convolution(shape, window, 17));
    }
}

/// Tests the mean of each sum of one to nine pixels.
#[test]
fn means_of_all_sums_are_rounded_half_up() {
    for pixels in 1..=9_u16 {
        let sums: Vec<u16> = (0..=255 * pixels).collect();
        for sums in sums.chunks(usize::from(16_384 / pixels)) {
            let window = Window { kernel: [1, pixels as u8], stride: [1, 1], padding: [0; 4] };
            let image = sums.iter().flat_map(|&sum| {
                // The first ones are one more.
                (0..pixels).map(move |place| (sum / pixels + u16::from(place < sum % pixels)) as u8)
            });
            let shape = Shape { rows: sums.len() as u16, columns: pixels, channels: 1 };
            let mean = |sum: &u16| i64::from((2 * sum + pixels) / (2 * pixels));
            let network = pool(LayerKind::AveragePool(window), shape, image.collect());
            assert!(network.reference().outputs[0].iter().copied().eq(sums.iter().map(mean)));
            compare(&network, 0);
        }
    }
}

/// Tests differences that are one less than the margin, the margin, and one more.
#[test]
fn a_network_answers_from_its_margin_on() {
    let cases: [(&[i32], i32, usize); 17] = [
        (&[10, 20, 13], 6, 0),
        (&[10, 20, 13], 7, 0),
        (&[10, 20, 13], 8, 1),
        (&[-5, -9, -2], 2, 0),
        (&[-5, -9, -2], 3, 0),
        (&[-5, -9, -2], 4, 1),
        (&[-1, 1], 2, 0),
        (&[-1, 1], 3, 1),
        (&[4, 4], 1, 1),
        (&[7, 7, 7], 1, 1),
        (&[7, 6, 7], i32::MAX, 1),
        (&[0], i32::MAX, 0),
        (&[i32::MIN, i32::MAX], i32::MAX, 0),
        (&[i32::MIN, 0], i32::MAX, 0),
        (&[i32::MIN + 2, 0], i32::MAX, 1),
        (&[i32::MIN, i32::MIN], 1, 1),
        (&[i32::MAX, i32::MAX - 1], 1, 0),
    ];
    for (logits, margin, network) in cases {
        let cascade = answers(&[(logits, Some(margin)), (&vec![3; logits.len()], None)]);
        let blob = cascade.encode();
        let mut workspace = HostWorkspace::new();
        let prediction = Model::parse(&blob).map(|view| workspace.infer(&view, &[0]).unwrap().network);
        assert_eq!(prediction, Ok(network), "{logits:?} {margin}");
        compare(&cascade, 0);
    }
    // The second network also has a margin, and the last has none.
    for (margin, network) in [(3, 1), (4, 2)] {
        let cascade = answers(&[(&[0, 0], Some(1)), (&[3, 0], Some(margin)), (&[5, 5], None)]);
        assert_eq!(cascade.reference().network, network);
        compare(&cascade, 7);
    }
}

/// Infers in all orders, at two alignments.
fn in_all_orders(network: &mut Network) {
    let weights = network.layers[0].weights.clone();
    for order in WeightOrder::ALL {
        let shape = network.shape;
        let layer = &mut network.layers[0];
        layer.order = order;
        layer.weights.clone_from(&weights);
        fit(order, layer.kind.matrix_inputs(shape), 2, &mut layer.weights);
        clear_padding(layer.kind, shape, &mut layer.weights);
        compare(network, 0);
        compare(network, 7);
    }
    network.layers[0].weights = weights;
}

/// Builds a convolution, then a dense layer. Neighbouring weights differ. Its image is black.
fn convolution(shape: Shape, window: Window, outputs: usize) -> Network {
    let kind = LayerKind::Convolution(window);
    let count = kind.matrix_inputs(shape) * outputs;
    let weights = (0..count).map(|index| (index * 101 % 255) as i8).map(|weight| weight.max(-127)).collect();
    // Most activations are between the bounds.
    let requants = vec![requant((EXACT.0, 42)); outputs];
    let layer = Layer { kind, biases: vec![100_000; outputs], requants, weights, ..Layer::default() };
    ending(shape, layer, vec![0; shape.count()])
}

/// Builds a pool, then a dense layer.
fn pool(kind: LayerKind, shape: Shape, image: Vec<u8>) -> Network {
    ending(shape, Layer { kind, ..Layer::default() }, image)
}

/// Builds a network of a layer and a dense layer with one output.
fn ending(shape: Shape, layer: Layer, image: Vec<u8>) -> Network {
    let inputs = layer.output_shape(shape).count();
    let last = Layer { biases: vec![0], requants: vec![requant(EXACT)], weights: vec![1; inputs], ..Layer::default() };
    network(shape, vec![layer, last], Vec::new(), image)
}

/// Builds a cascade of networks with these logits for any image of one pixel.
fn answers(networks: &[(&[i32], Option<i32>)]) -> Network {
    let layers = networks.iter().map(|&(logits, _)| Layer {
        biases: logits.to_vec(),
        requants: vec![requant(EXACT); logits.len()],
        weights: vec![0; logits.len()],
        ..Layer::default()
    });
    let ends = networks.iter().enumerate().filter_map(|(index, &(_, margin))| Some((index + 1, margin?)));
    network(Shape::grey(1, 1), layers.collect(), ends.collect(), vec![0])
}

fn network(shape: Shape, layers: Vec<Layer>, ends: Vec<(usize, i32)>, image: Vec<u8>) -> Network {
    let classes = layers.last().map_or(0, |layer| layer.biases.len());
    Network { shape, features: Vec::new(), class_names: vec![String::new(); classes], layers, ends, image }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let channels = prop_oneof![3 => 1..=4_u16, 1 => select(&[7_u16, 8, 9, 16, 17][..])];
    // Several windows of a row can be computed at once.
    let columns = prop_oneof![3 => 1..=8_u16, 1 => 9..=32_u16];
    (1..=8_u16, columns, channels).prop_map(|(rows, columns, channels)| Shape { rows, columns, channels })
}

/// Generates windows; one that is too large for an image has the largest padding there.
fn windows() -> impl Strategy<Value = Window> {
    let side =
        || (1..=5_u8, 1..=3_u8).prop_flat_map(|(kernel, stride)| (Just(kernel), Just(stride), 0..kernel, 0..kernel));
    (side(), side()).prop_map(|((rows, row_step, top, bottom), (columns, column_step, left, right))| Window {
        kernel: [rows, columns],
        stride: [row_step, column_step],
        padding: [top, left, bottom, right],
    })
}

/// Generates layers of any kind, then a dense layer with `classes` outputs.
fn chain(shape: Shape, count: std::ops::RangeInclusive<usize>, classes: usize) -> impl Strategy<Value = Vec<Layer>> {
    let kinds = (select(&KINDS[..]), windows(), select(&OUTPUTS[..]));
    prop::collection::vec(kinds, count).prop_flat_map(move |kinds| {
        let mut input = shape;
        let mut layers = Vec::new();
        for (kind, mut window, mut outputs) in kinds {
            if window.positions(input).is_err() {
                let [rows, columns] = window.kernel.map(|side| side - 1);
                window.padding = [rows, columns, rows, columns];
            }
            let (kind, [rows, columns]) = (kind(window), window.positions(input).unwrap());
            if !matches!(kind, LayerKind::Convolution(_)) {
                outputs = input.channels.into();
            }
            layers.push(layer(kind, input, if kind.has_matrix() { outputs } else { 0 }, false));
            input = Shape { rows, columns, channels: outputs as u16 };
        }
        layers.push(layer(LayerKind::Dense, input, classes, true));
        layers
    })
}

fn networks(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Network> {
    (shapes(), select(&OUTPUTS[..])).prop_flat_map(move |(shape, classes)| {
        (chain(shape, count.clone(), classes), image(shape.count()))
            .prop_map(move |(layers, image)| network(shape, layers, Vec::new(), image))
    })
}

/// Generates cascades of two to four networks.
fn cascades() -> impl Strategy<Value = Network> {
    let margin = prop_oneof![1..100_i32, 1..=i32::MAX, Just(i32::MAX)];
    (shapes(), select(&OUTPUTS[..]), prop::collection::vec(margin, 1..=3)).prop_flat_map(|(shape, classes, margins)| {
        let chains: Vec<_> = (0..=margins.len()).map(|_| chain(shape, 0..=2, classes)).collect();
        (chains, image(shape.count())).prop_map(move |(chains, image)| {
            let mut end = 0;
            let ends = chains.iter().zip(&margins).map(|(chain, &margin)| {
                end += chain.len();
                (end, margin)
            });
            let ends = ends.collect();
            network(shape, chains.concat(), ends, image)
        })
    })
}

/// Generates convolutions of more pairs than one or two lists hold.
fn wide() -> impl Strategy<Value = Network> {
    let sizes = (20..=60_u16, 2..=4_u8, 2..=4_u8, 0..2_u8, select(&[1, 2, 8, 9][..]));
    sizes.prop_flat_map(|(channels, rows, columns, padding, outputs)| {
        let window = Window { kernel: [rows, columns], stride: [1, 1], padding: [padding; 4] };
        let shape = Shape { rows: u16::from(rows) + 1, columns: columns.into(), channels };
        let kind = LayerKind::Convolution(window);
        let [rows, columns] = window.positions(shape).unwrap();
        let output = Shape { rows, columns, channels: outputs as u16 };
        let layers = (layer(kind, shape, outputs, false), layer(LayerKind::Dense, output, 3, true));
        (layers, image(shape.count()))
            .prop_map(move |((first, last), image)| network(shape, vec![first, last], Vec::new(), image))
    })
}
