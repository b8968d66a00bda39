//! Networks before encoding.

use shared_model::{
    DenseLayer, EncodeError, GoldenSource, HostWorkspace, LayerSource, Model, ModelSource, Provenance, Requant,
    WeightOrder,
};

use crate::reference::{activated, reference_output, widened};

/// A quantized network with everything that a blob contains.
#[derive(Clone, Debug)]
pub struct Network {
    /// Rows of an image.
    pub rows: u16,
    /// Columns of an image.
    pub columns: u16,
    /// One for each output of the last layer.
    pub class_names: Vec<String>,
    /// First to last.
    pub layers: Vec<Layer>,
    /// The image of the golden vector.
    pub image: Vec<u8>,
}

/// A layer of a [`Network`].
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// Order of the weights in the blob.
    pub order: WeightOrder,
    /// One for each output.
    pub biases: Vec<i32>,
    /// One for each output.
    pub requants: Vec<Requant>,
    /// Row-major by output.
    pub weights: Vec<i8>,
}

impl Network {
    /// Encodes the network with one golden vector.
    ///
    /// # Panics
    ///
    /// Panics if the network breaks a rule of the format.
    pub fn encode(&self) -> Vec<u8> {
        self.try_encode().expect("the network follows the format's rules")
    }

    /// Like [`encode`](Self::encode), for networks that may break a rule.
    ///
    /// # Errors
    ///
    /// Returns the encoder's error if the network breaks a rule.
    ///
    /// # Panics
    ///
    /// Panics if the encoded network does not parse or cannot infer.
    pub fn try_encode(&self) -> Result<Vec<u8>, EncodeError> {
        let plain = self.encode_with(&[])?;
        let view = Model::parse(&plain).expect("encode has parsed it");
        let mut workspace = HostWorkspace::new();
        let answer = workspace.infer(&view, &self.image).expect("the image fits");
        let golden = GoldenSource { input: &self.image, logits: answer.logits, probabilities: answer.probabilities };
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

    /// Returns each layer's outputs from the slow reference, which reads row-major weights and so
    /// does not depend on the weight order.
    pub fn reference_outputs(&self) -> Vec<Vec<i64>> {
        let mut outputs: Vec<Vec<i64>> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let is_last = index + 1 == self.layers.len();
            let input = outputs.last().cloned().unwrap_or_else(|| widened(&self.image));
            let numbers = layer.biases.iter().zip(&layer.requants);
            let rows = layer.weights.chunks_exact(input.len()).zip(numbers);
            let output =
                rows.map(|(row, (&bias, &requant))| reference_output(row.iter().copied(), &input, bias, requant));
            outputs.push(output.map(|value| activated(value, is_last)).collect());
        }
        outputs
    }

    /// Compares the parsed model of this network's blob with the network.
    ///
    /// # Panics
    ///
    /// Panics if they differ.
    pub fn assert_matches(&self, view: &Model<'_>) {
        assert_eq!((view.rows(), view.columns()), (self.rows.into(), self.columns.into()));
        assert!(view.class_names().eq(self.class_names.iter().map(String::as_str)));
        assert_eq!(view.provenance(), provenance());
        assert!(view.golden().map(|golden| golden.input).eq([&self.image[..]]));
        assert_eq!(view.layers().count(), self.layers.len());
        for (layer, source) in view.layers().zip(&self.layers) {
            assert_eq!(layer.weights().as_ptr().addr().wrapping_sub(view.bytes().as_ptr().addr()) % 16, 0);
            assert_eq!((layer.order(), layer.outputs()), (source.order, source.biases.len()));
            let outputs = || 0..layer.outputs();
            assert!(outputs().map(|output| layer.bias(output)).eq(source.biases.iter().copied()));
            assert!(outputs().map(|output| layer.requant(output)).eq(source.requants.iter().copied()));
            assert!(outputs().flat_map(|output| layer.row(output)).eq(source.weights.iter().copied()));
            for (place, &weight) in source.weights.iter().enumerate() {
                assert_eq!(layer.weight(place / layer.inputs(), place % layer.inputs()), weight);
            }
        }
    }
}

impl Layer {
    /// Builds a layer from a parsed one.
    pub fn of(layer: &DenseLayer<'_>) -> Self {
        let outputs = 0..layer.outputs();
        Self {
            order: layer.order(),
            biases: outputs.clone().map(|output| layer.bias(output)).collect(),
            requants: outputs.clone().map(|output| layer.requant(output)).collect(),
            weights: outputs.flat_map(|output| layer.row(output)).collect(),
        }
    }

    /// Returns the layer as the encoder's input.
    pub fn source(&self) -> LayerSource<'_> {
        LayerSource { order: self.order, biases: &self.biases, requants: &self.requants, weights: &self.weights }
    }
}

/// Returns the provenance of every [`Network`].
pub fn provenance() -> Provenance<'static> {
    Provenance {
        trainer: "test 1.0.0",
        backend: "none",
        seed: 7,
        epochs: 5,
        data_sha256: [0xDA; 32],
        train_images: 100,
        train_correct_float: 90,
        test_images: 50,
        test_correct_float: 44,
        test_correct_fixed: 43,
    }
}

/// Changes row-major weights to fit `order`. With [`WeightOrder::Blocks`] also clears about
/// `pruned` of every four blocks.
pub fn fit(order: WeightOrder, inputs: usize, pruned: usize, weights: &mut [i8]) {
    let most = order.largest_weight();
    let values = 2 * i16::from(most) + 1;
    for weight in &mut *weights {
        // The extremes -127 and 127 become the extremes of the order.
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
