//! Networks with random weights, whose layers have all kinds, orders and sizes.
//!
//! Cycles do not depend on the values of weights, so that networks need no training. All of them
//! fit the smallest emulated board.

use anyhow::Context as _;
use fastrand::Rng;
use prenda::{
    LOGIT_FRACTION_BITS, LayerKind, LayerSource, ModelSource, NetworkSource, Provenance, Requant, Shape, WeightOrder,
    Window,
};

/// A layer of a network.
#[derive(Clone, Copy)]
struct Layer {
    kind: Kind,
    /// Outputs, or channels; 0 for as many as the input has.
    outputs: u16,
    order: WeightOrder,
    /// Percent of the blocks that are pruned.
    pruned: u8,
    shift: Shift,
}

#[derive(Clone, Copy)]
enum Kind {
    Dense,
    Convolution(Walk),
    Depthwise(Walk),
    MaxPool(Walk),
    AveragePool(Walk),
}

/// A square window: its side, stride and padding.
#[derive(Clone, Copy)]
struct Walk {
    side: u8,
    stride: u8,
    is_padded: bool,
}

/// The shifts of a layer's requantizations.
#[derive(Clone, Copy)]
enum Shift {
    /// For activations that use their range, above 32.
    High,
    /// For the slower requantization.
    Low,
}

/// A model: the shape of images, and the layers of each network.
struct Plan {
    image: Shape,
    networks: Vec<Vec<Layer>>,
}

const fn layer(kind: Kind, outputs: u16) -> Layer {
    Layer { kind, outputs, order: WeightOrder::Pairs, pruned: 0, shift: Shift::High }
}

const fn dense(outputs: u16) -> Layer {
    layer(Kind::Dense, outputs)
}

/// A convolution with padding.
const fn conv(outputs: u16, side: u8, stride: u8) -> Layer {
    layer(Kind::Convolution(Walk { side, stride, is_padded: true }), outputs)
}

/// A convolution without padding.
const fn valid(outputs: u16, side: u8, stride: u8) -> Layer {
    layer(Kind::Convolution(Walk { side, stride, is_padded: false }), outputs)
}

const fn depthwise(side: u8, stride: u8) -> Layer {
    layer(Kind::Depthwise(Walk { side, stride, is_padded: true }), 0)
}

const fn max(side: u8, stride: u8) -> Layer {
    layer(Kind::MaxPool(Walk { side, stride, is_padded: false }), 0)
}

const fn average(side: u8, stride: u8) -> Layer {
    layer(Kind::AveragePool(Walk { side, stride, is_padded: true }), 0)
}

impl Layer {
    const fn four_bit(self) -> Self {
        Self { order: WeightOrder::FourBitPairs, ..self }
    }

    const fn ternary(self) -> Self {
        Self { order: WeightOrder::TernaryPairs, ..self }
    }

    const fn pruned(self, pruned: u8) -> Self {
        Self { order: WeightOrder::Blocks, pruned, ..self }
    }

    const fn low(self) -> Self {
        Self { shift: Shift::Low, ..self }
    }
}

fn plans() -> Vec<Plan> {
    let of = |[rows, columns, channels]: [u16; 3], layers: &[Layer]| Plan {
        image: Shape { rows, columns, channels },
        networks: vec![layers.to_vec()],
    };
    let cascade = |[rows, columns, channels]: [u16; 3], networks: &[&[Layer]]| Plan {
        image: Shape { rows, columns, channels },
        networks: networks.iter().map(|layers| layers.to_vec()).collect(),
    };
    vec![
        of([28, 28, 1], &[dense(128), dense(10)]),
        of([28, 28, 1], &[dense(32), dense(10)]),
        of([16, 16, 1], &[dense(40), dense(24), dense(8)]),
        of([8, 8, 1], &[dense(16), dense(3)]),
        of([20, 20, 1], &[dense(60), dense(12)]),
        of([10, 10, 1], &[dense(10), dense(9)]),
        of([4, 4, 1], &[dense(5)]),
        of([28, 28, 1], &[dense(16)]),
        of([28, 28, 1], &[dense(2)]),
        of([5, 5, 1], &[dense(9), dense(9), dense(9), dense(9), dense(2)]),
        of([12, 12, 1], &[dense(40).low(), dense(30).low(), dense(10)]),
        of([28, 28, 1], &[dense(64).four_bit(), dense(10)]),
        of([12, 12, 1], &[dense(30).four_bit(), dense(20).four_bit(), dense(10).four_bit()]),
        of([28, 28, 1], &[dense(64).ternary(), dense(10)]),
        of([12, 12, 1], &[dense(30).ternary(), dense(20).ternary(), dense(10).ternary()]),
        of([28, 28, 1], &[dense(64).pruned(80), dense(10)]),
        of([28, 28, 1], &[dense(128).pruned(90), dense(10)]),
        of([16, 16, 1], &[dense(32).pruned(50), dense(28).pruned(70), dense(10)]),
        of([10, 10, 1], &[dense(48).pruned(95), dense(10)]),
        of([28, 28, 1], &[dense(64).pruned(60), dense(10)]),
        of([28, 28, 1], &[dense(36).pruned(65), dense(10)]),
        of([28, 28, 1], &[conv(8, 3, 2), dense(10)]),
        of([28, 28, 1], &[valid(8, 4, 4), conv(16, 3, 2), dense(10)]),
        of([28, 28, 1], &[valid(16, 4, 3), dense(10)]),
        of([28, 28, 1], &[valid(8, 5, 3), valid(24, 3, 1), dense(10)]),
        of([16, 16, 2], &[conv(8, 3, 1), conv(8, 3, 2), dense(10)]),
        of([12, 12, 3], &[conv(16, 1, 1), valid(8, 5, 2), dense(4)]),
        of([6, 6, 16], &[conv(16, 3, 1), conv(32, 1, 1), dense(6)]),
        of([9, 9, 8], &[conv(8, 3, 1), conv(24, 2, 1), dense(5)]),
        of([28, 28, 1], &[conv(4, 3, 2), conv(8, 3, 2), dense(3)]),
        of([10, 10, 4], &[conv(12, 3, 1), conv(6, 3, 2), dense(3)]),
        of([5, 5, 32], &[conv(16, 3, 1), dense(4)]),
        of([10, 10, 4], &[conv(16, 3, 2).low(), dense(4)]),
        of([16, 16, 1], &[conv(8, 3, 2).four_bit(), conv(16, 3, 2).ternary(), dense(10)]),
        of([14, 14, 2], &[conv(16, 3, 2).ternary(), conv(16, 3, 2).four_bit(), dense(10)]),
        of([14, 14, 1], &[valid(8, 4, 2), conv(16, 3, 1).pruned(60), conv(24, 3, 2).pruned(85), dense(10)]),
        of([10, 10, 8], &[depthwise(3, 1), depthwise(5, 2), dense(5)]),
        of([16, 16, 2], &[depthwise(3, 1), dense(5)]),
        of([16, 16, 1], &[conv(8, 3, 2), depthwise(3, 1), conv(16, 1, 1), depthwise(3, 2), dense(10)]),
        of([28, 28, 1], &[max(2, 2), max(2, 2), dense(10)]),
        of([10, 10, 8], &[max(3, 1), max(2, 2), dense(5)]),
        of([28, 28, 1], &[average(3, 1), average(2, 2), dense(5)]),
        of([10, 10, 8], &[average(2, 2), average(3, 1), max(5, 5), dense(5)]),
        of([16, 16, 1], &[conv(8, 3, 1), max(2, 2), conv(16, 3, 1), average(8, 8), dense(10)]),
        cascade([16, 16, 1], &[&[dense(8), dense(10)], &[dense(32), dense(10)]]),
        cascade([6, 6, 1], &[&[dense(16)], &[dense(16)], &[dense(16)], &[dense(16)]]),
    ]
}

/// Standard deviations of logits: with small ones all classes have a probability, with large ones
/// most have none.
const LOGITS: [f64; 4] = [2.0, 8.0, 20.0, 4.0];

/// Returns the encoded networks, the same in every run.
///
/// # Errors
///
/// Returns an error if one of them breaks a rule of the format.
pub fn networks() -> anyhow::Result<Vec<Vec<u8>>> {
    let mut random = Rng::with_seed(1);
    let encode = |((index, plan), logits): ((usize, Plan), f64)| {
        plan.encode(logits, &mut random).with_context(|| format!("network {index}"))
    };
    plans().into_iter().enumerate().zip(LOGITS.into_iter().cycle()).map(encode).collect()
}

/// Smallest shift with which every logit fits.
const MIN_LOGIT_SHIFT: u8 = 24;

/// Percent of the values of an image that are not zero.
const DENSITIES: [u8; 8] = [0, 5, 15, 30, 45, 60, 80, 100];

/// Longest row of values that are all zero, or all not.
const MAX_RUN: usize = 12;

/// Returns images of `length`, with more and more values other than zero, the same in every run.
pub fn images(length: usize) -> Vec<Vec<u8>> {
    let mut random = Rng::with_seed(length as u64);
    let image = |density: u8| {
        let mut pixels = Vec::with_capacity(length);
        while pixels.len() < length {
            let is_used = random.u8(0..100) < density;
            let run = random.usize(1..=MAX_RUN).min(length - pixels.len());
            pixels.extend((0..run).map(|_| if is_used { random.u8(1..) } else { 0 }));
        }
        pixels
    };
    DENSITIES.map(image).into()
}

/// A layer's tables, which its source borrows.
struct Tables {
    kind: LayerKind,
    order: WeightOrder,
    biases: Vec<i32>,
    requants: Vec<Requant>,
    weights: Vec<i8>,
}

impl Plan {
    /// Encodes the model; `logits` is their standard deviation.
    fn encode(&self, logits: f64, random: &mut Rng) -> anyhow::Result<Vec<u8>> {
        let networks = self.networks.iter().map(|layers| {
            let mut input = self.image;
            let last = layers.len() - 1;
            let tables = layers.iter().enumerate().map(|(index, layer)| {
                let (tables, output) = layer.tables(input, (index == last).then_some(logits), random)?;
                input = output;
                anyhow::Ok(tables)
            });
            tables.collect::<anyhow::Result<Vec<_>>>()
        });
        let networks: Vec<_> = networks.collect::<anyhow::Result<_>>()?;
        let classes = networks.last().and_then(|layers| layers.last()).map_or(0, |layer| layer.biases.len());
        let layers: Vec<Vec<_>> = networks.iter().map(|layers| layers.iter().map(Tables::source).collect()).collect();
        let last = layers.len() - 1;
        // No logit leads by so much, so that all networks of a cascade run.
        let margin = |index: usize| (index < last).then_some(i32::MAX);
        let networks: Vec<_> =
            layers.iter().enumerate().map(|(index, layers)| NetworkSource { layers, margin: margin(index) }).collect();
        let source = ModelSource {
            class_names: &vec![""; classes],
            image: self.image,
            features: &[],
            networks: &networks,
            golden: &[],
            provenance: Provenance::default(),
        };
        let mut buffer = vec![0; source.encoded_length_bound()];
        let length = source.encode(&mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    }
}

impl Layer {
    /// Returns random tables for values of shape `input`, and the shape of the outputs. `logits` is
    /// the standard deviation of those of the last layer.
    fn tables(&self, input: Shape, logits: Option<f64>, random: &mut Rng) -> anyhow::Result<(Tables, Shape)> {
        let window = |walk: Walk| {
            let (kernel, stride) = ([walk.side; 2], [walk.stride; 2]);
            let padding = if walk.is_padded { Window::same_padding(kernel, stride, input) } else { [0; 4] };
            Window { kernel, stride, padding }
        };
        let kind = match self.kind {
            Kind::Dense => LayerKind::Dense,
            Kind::Convolution(walk) => LayerKind::Convolution(window(walk)),
            Kind::Depthwise(walk) => LayerKind::Depthwise(window(walk)),
            Kind::MaxPool(walk) => LayerKind::MaxPool(window(walk)),
            Kind::AveragePool(walk) => LayerKind::AveragePool(window(walk)),
        };
        let channels = if self.outputs == 0 { input.channels } else { self.outputs };
        let [rows, columns] = kind.window().map_or(Ok([1, 1]), |window| window.positions(input))?;
        let output = Shape { rows, columns, channels };
        let (inputs, outputs) = match kind.has_matrix() {
            true => (kind.matrix_inputs(input), usize::from(channels)),
            false => (0, 0),
        };
        let most = self.order.largest_weight();
        let mut weights: Vec<i8> = (0..inputs * outputs).map(|_| random.i8(-most..=most)).collect();
        self.prune(inputs, &mut weights, random);
        clear_padding(kind, input, &mut weights);
        // The standard deviation of a sum, of inputs of about 100.
        let sum = (inputs as f64).sqrt() * f64::from(most) * 0.6 * 100.0;
        let range = logits.map_or(128.0, |logits| logits * f64::from(1 << LOGIT_FRACTION_BITS));
        let wanted = (30.0 + (sum / range).log2()).round() as u8;
        let shift = match (logits, self.shift) {
            (Some(_), _) => wanted.max(MIN_LOGIT_SHIFT),
            (None, Shift::High) => wanted.max(33),
            (None, Shift::Low) => wanted.min(32),
        };
        let bias = sum as i32 / 2;
        let tables = Tables {
            kind,
            order: self.order,
            biases: (0..outputs).map(|_| random.i32(-bias..=bias)).collect(),
            requants: (0..outputs).filter_map(|_| Requant::new(random.u32(1 << 30..1 << 31), shift)).collect(),
            weights,
        };
        Ok((tables, output))
    }

    /// Clears blocks of two inputs by eight outputs.
    fn prune(&self, inputs: usize, weights: &mut [i8], random: &mut Rng) {
        if self.pruned == 0 {
            return;
        }
        for tile in weights.chunks_mut(8 * inputs) {
            for pair in 0..inputs.div_ceil(2) {
                if random.u8(0..100) < self.pruned {
                    let rows = tile.chunks_mut(inputs);
                    rows.for_each(|row| row.iter_mut().skip(2 * pair).take(2).for_each(|weight| *weight = 0));
                }
            }
        }
    }
}

/// Clears the weights that pad the rows of a convolution's window.
fn clear_padding(kind: LayerKind, input: Shape, weights: &mut [i8]) {
    let LayerKind::Convolution(window) = kind else { return };
    let used = usize::from(window.kernel[1]) * usize::from(input.channels);
    for row in weights.chunks_exact_mut(window.row_inputs(input.channels)) {
        row.iter_mut().skip(used).for_each(|weight| *weight = 0);
    }
}

impl Tables {
    fn source(&self) -> LayerSource<'_> {
        let Self { kind, order, biases, requants, weights } = self;
        LayerSource { kind: *kind, order: *order, biases, requants, weights }
    }
}

#[cfg(test)]
mod tests {
    use cycles::{Counter, Operation, Operations};
    use prenda::Model;

    use super::*;

    #[test]
    fn the_networks_have_all_operations_and_are_the_same_again() {
        let found = networks().unwrap();
        assert_eq!(found, networks().unwrap());
        let mut all = Vec::new();
        for bytes in &found {
            let model = Model::parse(bytes).unwrap();
            // The limits of the smallest board.
            assert!(model.memory_bytes() <= 6152 && model.classes() <= 16 && bytes.len() < 192 << 10);
            let images = images(model.input_width());
            let mut counter = Counter::new(&model).unwrap();
            all.extend(images.iter().map(|image| counter.count(image).unwrap()));
        }
        let mean = Operations::mean(&all).unwrap();
        for operation in Operation::ALL {
            assert!(mean.get(*operation) > 0.0, "{}", operation.name());
        }
    }
}
