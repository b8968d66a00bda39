//! Networks before encoding.

use prenda::{
    EncodeError, Feature, GoldenSource, HostWorkspace, LayerKind, LayerSource, Model, ModelSource, NetworkSource,
    Provenance, Requant, Shape, WeightOrder,
};

use crate::reference::{Reference, reference_of};

/// A quantized network, or several in a cascade, with everything that a blob contains.
#[derive(Clone, Debug)]
pub struct Network {
    /// Shape of an image.
    pub shape: Shape,
    /// One for each input, or none.
    pub features: Vec<Feature<'static>>,
    /// One for each output of the last layer.
    pub class_names: Vec<String>,
    /// First to last, of all networks.
    pub layers: Vec<Layer>,
    /// For each network of a cascade but the last: the index after its last layer, and its margin.
    pub ends: Vec<(usize, i32)>,
    /// The image of the golden vector.
    pub image: Vec<u8>,
}

/// A layer of a [`Network`].
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// The operation.
    pub kind: LayerKind,
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
        let mut networks = Vec::new();
        let mut start = 0;
        for &(end, margin) in &self.ends {
            networks.push(NetworkSource { layers: &layers[start..end], margin: Some(margin) });
            start = end;
        }
        networks.push(NetworkSource::only(&layers[start..]));
        let source = ModelSource {
            class_names: &names,
            image: self.shape,
            features: &self.features,
            networks: &networks,
            golden,
            provenance: provenance(),
        };
        let mut buffer = vec![0xA5; source.encoded_length_bound()];
        let length = source.encode(&mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    }

    /// Returns the outputs of the slow reference, which reads row-major weights and so does not
    /// depend on the weight order.
    pub fn reference(&self) -> Reference {
        let ends = self.ends.iter().map(|&(end, margin)| (end, Some(margin)));
        let ends: Vec<_> = ends.chain([(self.layers.len(), None)]).collect();
        reference_of(self.shape, &self.layers, &ends, &self.image)
    }

    /// Compares the parsed model of this network's blob with the network.
    ///
    /// # Panics
    ///
    /// Panics if they differ.
    pub fn assert_matches(&self, view: &Model<'_>) {
        assert_eq!(view.image(), self.shape);
        assert!(view.features().eq(self.features.iter().copied()));
        assert!(view.class_names().eq(self.class_names.iter().map(String::as_str)));
        assert_eq!(view.provenance(), provenance());
        assert!(view.golden().map(|golden| golden.input).eq([&self.image[..]]));
        let margins = self.ends.iter().map(|&(_, margin)| Some(margin)).chain([None]);
        assert!(view.networks().map(|network| network.margin()).eq(margins));
        assert_eq!(view.layers().len(), self.layers.len());
        for (layer, source) in view.layers().iter().zip(&self.layers) {
            assert_eq!(layer.kind(), source.kind);
            let Some(matrix) = layer.matrix() else {
                assert!(source.biases.is_empty() && source.weights.is_empty());
                continue;
            };
            assert_eq!(matrix.weights().as_ptr().addr().wrapping_sub(view.bytes().as_ptr().addr()) % 16, 0);
            assert_eq!((matrix.order(), matrix.outputs()), (source.order, source.biases.len()));
            let outputs = || 0..matrix.outputs();
            assert!(outputs().map(|output| matrix.bias(output)).eq(source.biases.iter().copied()));
            assert!(outputs().map(|output| matrix.requant(output)).eq(source.requants.iter().copied()));
            assert!(outputs().flat_map(|output| matrix.row(output)).eq(source.weights.iter().copied()));
            for (place, &weight) in source.weights.iter().enumerate() {
                assert_eq!(matrix.weight(place / matrix.inputs(), place % matrix.inputs()), weight);
            }
        }
    }
}

impl Layer {
    /// Builds a layer from a parsed one.
    pub fn of(layer: &prenda::Layer<'_>) -> Self {
        let Some(matrix) = layer.matrix() else { return Self { kind: layer.kind(), ..Self::default() } };
        let outputs = 0..matrix.outputs();
        Self {
            kind: layer.kind(),
            order: matrix.order(),
            biases: outputs.clone().map(|output| matrix.bias(output)).collect(),
            requants: outputs.clone().map(|output| matrix.requant(output)).collect(),
            weights: outputs.flat_map(|output| matrix.row(output)).collect(),
        }
    }

    /// Returns the shape of the outputs for values of shape `input`.
    ///
    /// # Panics
    ///
    /// Panics if the window does not fit.
    pub fn output_shape(&self, input: Shape) -> Shape {
        let positions = self.kind.window().map_or(Ok([1, 1]), |window| window.positions(input));
        let [rows, columns] = positions.expect("the window fits");
        let channels = if self.kind.has_matrix() { self.biases.len() as u16 } else { input.channels };
        Shape { rows, columns, channels }
    }

    /// Returns the layer as the encoder's input.
    pub fn source(&self) -> LayerSource<'_> {
        LayerSource {
            kind: self.kind,
            order: self.order,
            biases: &self.biases,
            requants: &self.requants,
            weights: &self.weights,
        }
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

/// Clears the weights that pad the rows of a convolution's window.
pub fn clear_padding(kind: LayerKind, input: Shape, weights: &mut [i8]) {
    let LayerKind::Convolution(window) = kind else { return };
    let used = usize::from(window.kernel[1]) * usize::from(input.channels);
    for row in weights.chunks_exact_mut(window.row_inputs(input.channels)) {
        row.iter_mut().skip(used).for_each(|weight| *weight = 0);
    }
}
