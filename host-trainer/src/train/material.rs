use prenda::Shape;

use crate::data::{SoftLabels, Split};
use crate::network::DenseParameters;

/// The data that a network is trained on.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    pub train: &'a Split,
    /// Images held out of training.
    pub validation: Option<&'a Split>,
    /// A teacher's answers for the training images.
    pub soft_labels: Option<&'a SoftLabels>,
    /// The shape of an image.
    pub image: Shape,
    /// Number of classes, which is the number of the network's outputs.
    pub classes: usize,
    /// The network to start from, for pixels in 0..=1. `None` starts with random weights.
    pub start: Option<&'a [DenseParameters]>,
}
