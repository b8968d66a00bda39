//! Errors of the encoder.

use thiserror::Error;

use crate::model::BlobError;

/// The reason why a network cannot be encoded as a blob.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{EncodeError, ModelSource, NetworkSource, Provenance, Shape};
///
/// # let (class_names, image, provenance) = (&["a"], Shape::grey(1, 1), Provenance::default());
/// let networks = &[NetworkSource { layers: &[], margin: Some(1) }]; // the last has no margin
/// # let (features, golden) = (&[], &[]);
/// let source = ModelSource { class_names, image, features, networks, golden, provenance };
/// assert_eq!(source.encode(&mut [0; 300]), Err(EncodeError::Margin { network: 0 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The lengths of a layer's tables do not match each other or the previous layer.
    #[error(
        "layer {layer}: found {weights} weights and {requants} requantizations, \
         expected those of {inputs} inputs and {outputs} outputs"
    )]
    Shape {
        /// The layer, from 0.
        layer: usize,
        /// Inputs of the layer's matrix.
        inputs: usize,
        /// Outputs: the number of biases.
        outputs: usize,
        /// Number of requantizations.
        requants: usize,
        /// Number of weights.
        weights: usize,
    },
    /// A network of a cascade has no margin, or the last one has one.
    #[error("network {network}: expected a margin for each network but the last")]
    Margin {
        /// The network, from 0.
        network: usize,
    },
    /// The buffer is shorter than the blob.
    /// [`ModelSource::encoded_length_bound`](crate::ModelSource::encoded_length_bound) returns a
    /// sufficient length.
    #[error("the buffer is too short for the encoded model")]
    BufferTooShort,
    /// The blob is longer than a 32-bit length allows.
    #[error("the encoded model is too long for the format, expected at most 2^32 - 1 bytes")]
    TooLarge,
    /// The encoded blob does not parse: the network breaks a rule of the format.
    #[error(transparent)]
    Blob(#[from] BlobError),
}
