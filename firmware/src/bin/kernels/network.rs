//! A dense network: one layer or two.

use prenda::{EncodeError, ModelSource, NetworkSource, Provenance, Requant, Shape};

use crate::layer::Layer;
use crate::random::Random;
use crate::shape::{DenseCase, MAX_OUTPUTS};

/// Required by the format, not used here.
const PROVENANCE: Provenance<'static> = Provenance {
    trainer: "",
    backend: "",
    seed: 0,
    epochs: 0,
    data_sha256: [0; 32],
    train_images: 0,
    train_correct_float: 0,
    test_images: 0,
    test_correct_float: 0,
    test_correct_fixed: 0,
};

pub struct Network<'a> {
    pub inputs: usize,
    /// Empty if the network has one layer.
    pub hidden: Layer<'a>,
    pub last: Layer<'a>,
}

impl<'a> Network<'a> {
    /// Draws the numbers for `case`. Both slices are filled from the front.
    pub fn new(
        random: &mut Random,
        DenseCase { shape, orders: [hidden_order, last_order] }: DenseCase,
        biases: &'a mut [i32],
        requants: &'a mut [Requant],
    ) -> Self {
        let (hidden_biases, biases) = biases.split_at_mut_checked(shape.hidden).unwrap_or_default();
        let (hidden_requants, requants) = requants.split_at_mut_checked(shape.hidden).unwrap_or_default();
        let biases = biases.get_mut(..shape.outputs).unwrap_or_default();
        let requants = requants.get_mut(..shape.outputs).unwrap_or_default();
        let hidden = Layer::new(random, hidden_order, shape.inputs, hidden_biases, hidden_requants, false);
        let inputs = if shape.hidden == 0 { shape.inputs } else { shape.hidden };
        let last = Layer::new(random, last_order, inputs, biases, requants, true);
        Self { inputs: shape.inputs, hidden, last }
    }

    /// Writes the blob and returns its length, or `None` if `buffer` is too short.
    // Not inlined, like the parser: small boards do not have stack for both at once.
    #[inline(never)]
    pub fn encode(&self, buffer: &mut [u8]) -> Result<Option<usize>, EncodeError> {
        let layers = [self.hidden.source(), self.last.source()];
        let layers = layers.get(usize::from(self.hidden.biases.is_empty())..).unwrap_or_default();
        let image = Shape::grey(1, self.inputs as u16);
        write(image, self.last.biases.len(), &[NetworkSource::only(layers)], buffer)
    }
}

/// Writes the blob and returns its length, or `None` if `buffer` is too short.
pub fn write(
    image: Shape,
    classes: usize,
    networks: &[NetworkSource<'_>],
    buffer: &mut [u8],
) -> Result<Option<usize>, EncodeError> {
    let class_names = [""; MAX_OUTPUTS];
    let class_names = class_names.get(..classes).unwrap_or_default();
    let source = ModelSource { class_names, image, features: &[], networks, golden: &[], provenance: PROVENANCE };
    if source.encoded_length_bound() > buffer.len() {
        return Ok(None);
    }
    source.encode(buffer).map(Some)
}
