//! Layers at the edge of what the parser accepts, and their comparison with the reference.

use checks::{Layer, Network, clear_padding, fit};
use prenda_core::{HostWorkspace, LayerKind, Model, Requant, Shape, Stage, WeightOrder};
use proptest::prelude::*;

/// Tiles have eight outputs.
pub const OUTPUTS: [usize; 8] = [1, 2, 3, 7, 8, 9, 16, 17];

/// The requantization that leaves an accumulator unchanged.
pub const EXACT: (u32, u8) = (Requant::MIN_MULTIPLIER, 30);

/// Compares all activations and logits of a blob that starts `offset` bytes after a multiple of 16.
pub fn compare(network: &Network, offset: usize) {
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
    let mut workspace = HostWorkspace::new();
    let prediction = workspace.infer_with(&view, &network.image, &mut on_stage).unwrap();
    found.push(prediction.logits.iter().map(|&logit| logit.into()).collect());
    let mut expected = network.reference();
    assert_eq!(prediction.network, expected.network);
    // The stages do not show the logits of a network that did not answer.
    for &(end, _) in network.ends[..expected.network].iter().rev() {
        expected.outputs.remove(end - 1);
    }
    let orders: Vec<_> = network.layers.iter().map(|layer| layer.order).collect();
    assert_eq!(found, expected.outputs, "{orders:?}, at offset {offset}");
}

/// Builds a requantization from multiplier and shift.
pub fn requant((multiplier, shift): (u32, u8)) -> Requant {
    Requant::new(multiplier, shift).expect("both are in range")
}

/// Generates a black, a white, a partly black and any image, and one with a single pixel.
pub fn image(pixels: usize) -> impl Strategy<Value = Vec<u8>> {
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

/// Generates a layer with extreme weights and parameters, in any order that its kind allows.
pub fn layer(kind: LayerKind, input: Shape, outputs: usize, is_last: bool) -> impl Strategy<Value = Layer> {
    let inputs = kind.matrix_inputs(input);
    let count = inputs * outputs;
    let weights = prop_oneof![
        Just(vec![127; count]),
        Just(vec![-127; count]),
        Just((0..count).map(|index| if index % 2 == 0 { 127 } else { -127 }).collect()),
        Just(vec![0; count]),
        prop::collection::vec(-127..=127_i8, count),
    ];
    let numbers = prop::collection::vec(numbers(), outputs);
    (weights, numbers, prop::sample::select(orders(kind)), 0..4_usize).prop_map(
        move |(mut weights, numbers, order, pruned)| {
            fit(order, inputs, pruned, &mut weights);
            clear_padding(kind, input, &mut weights);
            let rows = weights.chunks_exact(inputs.max(1)).zip(numbers);
            let (biases, requants) = rows.map(|(row, numbers)| numbers.fit(row, is_last)).unzip();
            Layer { kind, order, biases, requants, weights }
        },
    )
}

/// Returns the weight orders that the format allows.
fn orders(kind: LayerKind) -> &'static [WeightOrder] {
    if matches!(kind, LayerKind::Depthwise(_)) { &[WeightOrder::Pairs] } else { &WeightOrder::ALL }
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
