//! Random networks, and a plain reference for what they compute.

use proptest::prelude::*;
use shared_model::{
    EncodeError, GoldenSource, HostWorkspace, LayerSource, ModelSource, ModelView, Provenance, Requant, WeightOrder,
};

/// A quantized network with everything that a blob wants.
#[derive(Clone, Debug)]
pub struct Network {
    pub rows: u16,
    pub columns: u16,
    pub class_names: Vec<String>,
    pub layers: Vec<Layer>,
    pub picture: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub struct Layer {
    pub order: WeightOrder,
    pub biases: Vec<i32>,
    pub requants: Vec<Requant>,
    pub weights: Vec<i8>,
}

impl Network {
    /// The blob, with one golden vector.
    pub fn encode(&self) -> Vec<u8> {
        self.try_encode().expect("the network keeps the format's rules")
    }

    /// As [`encode`](Self::encode), for networks that may break a rule.
    pub fn try_encode(&self) -> Result<Vec<u8>, EncodeError> {
        let plain = self.encode_with(&[])?;
        let view = ModelView::parse(&plain).expect("encode has parsed it");
        let mut workspace = HostWorkspace::new();
        let answer = workspace.infer(&view, &self.picture).expect("the picture fits");
        let golden = GoldenSource { input: &self.picture, logits: answer.logits, probabilities: answer.probabilities };
        self.encode_with(&[golden])
    }

    fn encode_with(&self, golden: &[GoldenSource<'_>]) -> Result<Vec<u8>, EncodeError> {
        let names: Vec<&str> = self.class_names.iter().map(String::as_str).collect();
        let layers: Vec<LayerSource<'_>> = self.layers.iter().map(Layer::source).collect();
        let source = ModelSource {
            class_names: &names,
            rows: self.rows,
            columns: self.columns,
            layers: &layers,
            golden,
            provenance: provenance(),
        };
        let mut buffer = vec![0xA5; source.encoded_length_bound()];
        let length = source.encode(&mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    }

    /// Each layer's outputs by the formulas of the design, in 128 bits, from row-major weights.
    pub fn reference_outputs(&self) -> Vec<Vec<i128>> {
        let mut outputs: Vec<Vec<i128>> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let is_last = index + 1 == self.layers.len();
            let picture = || self.picture.iter().map(|&pixel| pixel.into()).collect();
            let input = outputs.last().cloned().unwrap_or_else(picture);
            let output = layer.weights.chunks_exact(input.len()).enumerate().map(|(output, row)| {
                let sum: i128 = row.iter().zip(&input).map(|(&w, x)| i128::from(w) * x).sum();
                let accumulator = sum + i128::from(layer.biases[output]);
                let requant = layer.requants[output];
                let scaled = (accumulator * i128::from(requant.multiplier()) + (1 << (requant.shift() - 1)))
                    .div_euclid(1 << requant.shift());
                if is_last { scaled } else { scaled.clamp(0, 255) }
            });
            outputs.push(output.collect());
        }
        outputs
    }
}

impl Layer {
    fn source(&self) -> LayerSource<'_> {
        LayerSource { order: self.order, biases: &self.biases, requants: &self.requants, weights: &self.weights }
    }
}

pub fn provenance() -> Provenance<'static> {
    Provenance {
        trainer: "test 1.0.0",
        backend: "none",
        seed: 7,
        epochs: 5,
        data_sha256: [0xDA; 32],
        train_pictures: 100,
        train_correct_float: 90,
        test_pictures: 50,
        test_correct_float: 44,
        test_correct_fixed: 43,
    }
}

/// Networks of one to four layers with odd and even widths, and a picture that is partly black.
pub fn networks() -> impl Strategy<Value = Network> {
    (1..6_u16, 1..7_u16, prop::collection::vec(1..20_usize, 1..=4)).prop_flat_map(|(rows, columns, widths)| {
        let pixels = usize::from(rows * columns);
        let inputs = std::iter::once(pixels).chain(widths.iter().copied());
        let layers: Vec<_> = inputs.zip(widths.clone()).map(|(inputs, outputs)| layer(inputs, outputs)).collect();
        let picture = prop::collection::vec(prop_oneof![Just(0), any::<u8>()], pixels);
        let names = prop::collection::vec("[a-zA-Zé ]{0,12}", *widths.last().expect("one width at least"));
        (layers, picture, names).prop_map(move |(layers, picture, class_names)| Network {
            rows,
            columns,
            class_names,
            layers,
            picture,
        })
    })
}

fn layer(inputs: usize, outputs: usize) -> impl Strategy<Value = Layer> {
    let requant = (Requant::MIN_MULTIPLIER..=Requant::MAX_MULTIPLIER, 36..45_u8)
        .prop_map(|(multiplier, shift)| Requant::new(multiplier, shift).expect("both are in range"));
    (
        prop::collection::vec(-100_000..100_000_i32, outputs),
        prop::collection::vec(requant, outputs),
        prop::collection::vec(-127..=127_i8, inputs * outputs),
        orders(),
        0..4_usize,
    )
        .prop_map(move |(biases, requants, mut weights, order, pruned)| {
            fit(order, inputs, pruned, &mut weights);
            Layer { order, biases, requants, weights }
        })
}

/// Any order.
pub fn orders() -> impl Strategy<Value = WeightOrder> {
    prop::sample::select(&WeightOrder::ALL[..])
}

/// Makes row-major weights such as `order` has room for; of blocks some are cleared, more or fewer as `pruned` says.
pub fn fit(order: WeightOrder, inputs: usize, pruned: usize, weights: &mut [i8]) {
    let most = order.largest_weight();
    let values = 2 * i16::from(most) + 1;
    for weight in &mut *weights {
        // Extremes stay extremes.
        let fitted = (i16::from(*weight) + 127).rem_euclid(values) - i16::from(most);
        *weight = if weight.unsigned_abs() == 127 { weight.signum() * most } else { fitted as i8 };
    }
    if order == WeightOrder::Blocks {
        for (place, weight) in weights.iter_mut().enumerate() {
            let (output, input) = (place / inputs, place % inputs);
            if (output / 8 * 5 + input / 2) * 7 % 4 < pruned {
                *weight = 0;
            }
        }
    }
}
