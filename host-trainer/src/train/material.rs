//! The data that a network is trained on.

use crate::data::{SoftLabels, Split};
use crate::network::DenseParameters;

/// What the training images are like beside their number of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Columns of an image, 1 or more.
    pub columns: usize,
    /// Classes, and outputs of the network.
    pub classes: usize,
}

/// What there is to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The training images.
    pub train: &'a Split,
    /// Images held out of training.
    pub validation: Option<&'a Split>,
    /// A teacher's answers for the training images.
    pub soft_labels: Option<&'a SoftLabels>,
    /// What the images are like.
    pub shape: Shape,
    /// The network to begin with, for pixels in 0..=1, where it is not trained from the start.
    pub start: Option<&'a [DenseParameters]>,
}
