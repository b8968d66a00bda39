//! Untrained models whose weights are all the same, so that their answers are known.

use prenda::{
    EncodeError, GoldenSource, LayerKind, LayerSource, ModelSource, NetworkSource, PROBABILITY_ONE, Provenance,
    Requant, Shape, WeightOrder,
};

/// Requantization by 1: sums stay as they are, up to the largest activation.
const EXACT: (u32, u8) = (Requant::MIN_MULTIPLIER, 30);

/// A network without biases whose weights are all the same.
#[derive(Clone, Debug)]
pub struct Uniform<'a> {
    /// Pixels of an image, in one row.
    pub pixels: u16,
    /// Order and outputs of each layer; the last one's outputs are the classes.
    pub layers: &'a [(WeightOrder, usize)],
    /// Every weight.
    pub weight: i8,
}

impl Uniform<'_> {
    /// Encodes the model without golden vectors.
    ///
    /// # Errors
    ///
    /// Returns [`EncodeError`] if it breaks a rule of the format.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        self.encode_with(&[])
    }

    /// Encodes the model with a white image as golden vector. With weight 1, each activation is 255
    /// and all probabilities are equal.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`encode`](Self::encode), also if the number of classes is not a power
    /// of two: equal probabilities would then not add up to one.
    pub fn encode_with_golden(&self) -> Result<Vec<u8>, EncodeError> {
        let classes = self.layers.last().map_or(0, |layer| layer.1);
        let inputs = self.layers.iter().rev().nth(1).map_or(usize::from(self.pixels), |layer| layer.1);
        let logits = vec![255 * inputs as i32; classes];
        let probabilities = vec![(PROBABILITY_ONE as usize / classes.max(1)) as u16; classes];
        let input = vec![255; usize::from(self.pixels)];
        self.encode_with(&[GoldenSource { input: &input, logits: &logits, probabilities: &probabilities }])
    }

    fn encode_with(&self, golden: &[GoldenSource<'_>]) -> Result<Vec<u8>, EncodeError> {
        let inputs = [usize::from(self.pixels)].into_iter().chain(self.layers.iter().map(|layer| layer.1));
        let shapes: Vec<_> =
            inputs.zip(self.layers).map(|(inputs, &(order, outputs))| (order, inputs, outputs)).collect();
        let widest = shapes.iter().map(|shape| shape.2).max().unwrap_or(0);
        let most = shapes.iter().map(|shape| shape.1 * shape.2).max().unwrap_or(0);
        let (biases, weights) = (vec![0; widest], vec![self.weight; most]);
        let requants: Vec<_> = std::iter::repeat_n(Requant::new(EXACT.0, EXACT.1), widest).flatten().collect();
        let layer = |&(order, inputs, outputs): &(WeightOrder, usize, usize)| LayerSource {
            kind: LayerKind::Dense,
            order,
            biases: biases.get(..outputs).unwrap_or_default(),
            requants: requants.get(..outputs).unwrap_or_default(),
            weights: weights.get(..inputs * outputs).unwrap_or_default(),
        };
        let classes = self.layers.last().map_or(0, |layer| layer.1);
        let layers: Vec<_> = shapes.iter().map(layer).collect();
        let source = ModelSource {
            class_names: &vec!["alike"; classes],
            image: Shape::grey(1, self.pixels),
            features: &[],
            networks: &[NetworkSource::only(&layers)],
            golden,
            provenance: Provenance { trainer: "made", backend: "none", ..Provenance::default() },
        };
        let mut model = vec![0; source.encoded_length_bound()];
        let length = source.encode(&mut model)?;
        model.truncate(length);
        Ok(model)
    }
}
