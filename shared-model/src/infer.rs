//! The one place that strings the kernels together.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::blob::{DenseLayer, MAX_CLASSES, MAX_WIDTH, ModelView};
use crate::bytes::{i32s_equal, u16s_equal, write_i32s, write_u16s};
use crate::kernel::{argmax, dense, softmax};

/// Room for everything that inference writes: hidden activations, logits, probabilities.
///
/// `WIDTH` is the largest number of neurons in a hidden layer, `CLASSES` the largest number of classes; a model is
/// checked against both by [`Workspace::check`].
#[derive(Clone, Debug)]
pub struct Workspace<const WIDTH: usize, const CLASSES: usize> {
    /// One layer's activations are read while the next one's are written.
    activations: [[u8; WIDTH]; 2],
    logits: [i32; CLASSES],
    scratch: [u32; CLASSES],
    probabilities: [u16; CLASSES],
}

/// A workspace for any model of the format. 35 KB: a desk's, not a device's.
pub type HostWorkspace = Workspace<MAX_WIDTH, MAX_CLASSES>;

/// What the network says of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction<'a> {
    /// Index of the largest logit; the lowest of several equal ones.
    pub class: usize,
    /// One logit for each class, Q15.16.
    pub logits: &'a [i32],
    /// One probability for each class, Q1.15; they add up to exactly 32768.
    pub probabilities: &'a [u16],
}

/// A part of an inference that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// Inputs of a layer that are not zero are gathered. With [`Accumulate`](Self::Accumulate) it may come several times
    /// for a layer.
    Gather {
        /// The layer, from 0.
        layer: usize,
    },
    /// Their products are added up.
    Accumulate {
        /// The layer, from 0.
        layer: usize,
    },
    /// A hidden layer's accumulators are activations.
    Activations {
        /// The layer, from 0.
        layer: usize,
        /// One for each of the layer's outputs.
        activations: &'a [u8],
    },
    /// The last layer's are logits.
    Logits {
        /// The layer, from 0.
        layer: usize,
    },
    /// Probabilities and class are there.
    Softmax,
}

impl Prediction<'_> {
    /// Writes logits and probabilities to the front of `target` as the link and the answers file carry them, as
    /// little-endian bytes, and returns both; nothing where `target` has fewer than six bytes for each class.
    pub fn to_bytes<'b>(&self, target: &'b mut [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let (logits, rest) = target.split_at_mut_checked(self.logits.len().checked_mul(4)?)?;
        let (probabilities, _) = rest.split_at_mut_checked(self.probabilities.len().checked_mul(2)?)?;
        write_i32s(self.logits, logits)?;
        write_u16s(self.probabilities, probabilities)?;
        Some((logits, probabilities))
    }
}

/// Why a picture cannot be inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InferError {
    /// The picture has another number of pixels than the model.
    #[error("the picture has {found} pixels, the model takes {expected}")]
    InputLength {
        /// Pixels that the model takes.
        expected: u32,
        /// Pixels given.
        found: u32,
    },
    /// A hidden layer of the model does not fit the workspace.
    #[error("the model's widest hidden layer has {needed} neurons, this build has room for {available}")]
    Width {
        /// Neurons of the widest hidden layer.
        needed: u32,
        /// Neurons that the workspace has room for.
        available: u32,
    },
    /// The model has more classes than the workspace has room for.
    #[error("the model has {needed} classes, this build has room for {available}")]
    Classes {
        /// Classes of the model.
        needed: u32,
        /// Classes that the workspace has room for.
        available: u32,
    },
}

/// A golden vector whose answer is not the one that was stored at export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SelfTestError {
    /// The logits differ.
    #[error("golden vector {vector}: this machine computes other logits than the host that exported the model")]
    Logits {
        /// The vector, from 0.
        vector: u32,
    },
    /// The logits agree, the probabilities differ.
    #[error("golden vector {vector}: this machine computes other probabilities than the host that exported the model")]
    Probabilities {
        /// The vector, from 0.
        vector: u32,
    },
    /// It cannot be inferred at all.
    #[error(transparent)]
    Infer(#[from] InferError),
}

impl<const WIDTH: usize, const CLASSES: usize> Workspace<WIDTH, CLASSES> {
    /// An empty workspace.
    #[must_use]
    pub const fn new() -> Self {
        Self { activations: [[0; WIDTH]; 2], logits: [0; CLASSES], scratch: [0; CLASSES], probabilities: [0; CLASSES] }
    }

    /// Whether `model` fits.
    ///
    /// # Errors
    ///
    /// What is needed and what there is.
    pub fn check(model: &ModelView<'_>) -> Result<(), InferError> {
        // All inputs but the first layer's are hidden activations.
        let needed = model.layers().skip(1).map(DenseLayer::inputs).max().unwrap_or(0);
        if needed > WIDTH {
            return Err(InferError::Width { needed: needed as u32, available: WIDTH as u32 });
        }
        if model.classes() > CLASSES {
            return Err(InferError::Classes { needed: model.classes() as u32, available: CLASSES as u32 });
        }
        Ok(())
    }

    /// Infers one picture: raw pixels, row-major, one byte each.
    ///
    /// # Errors
    ///
    /// Where the picture or the workspace does not fit the model.
    pub fn infer(&mut self, model: &ModelView<'_>, pixels: &[u8]) -> Result<Prediction<'_>, InferError> {
        self.infer_with(model, pixels, &mut |_| ())
    }

    /// As [`infer`](Self::infer); `look` is told of every [`Stage`] as it ends.
    ///
    /// # Errors
    ///
    /// As [`infer`](Self::infer).
    pub fn infer_with(
        &mut self,
        model: &ModelView<'_>,
        pixels: &[u8],
        look: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Prediction<'_>, InferError> {
        if pixels.len() != model.input_width() {
            return Err(InferError::InputLength {
                expected: model.input_width() as u32,
                found: u32::try_from(pixels.len()).unwrap_or(u32::MAX),
            });
        }
        Self::check(model)?;

        let (hidden, last) = (model.hidden_layers(), model.last_layer());
        let [mut current, mut next] = self.activations.each_mut();
        let mut input = pixels;
        for (index, layer) in hidden.iter().enumerate() {
            look(Stage::Gather { layer: index });
            dense(layer, input, |output, accumulator| {
                if let Some(activation) = next.get_mut(output) {
                    *activation = layer.requant(output).activation(accumulator);
                }
            });
            core::mem::swap(&mut current, &mut next);
            input = current.get(..layer.outputs()).unwrap_or_default();
            look(Stage::Accumulate { layer: index });
            look(Stage::Activations { layer: index, activations: input });
        }
        let index = hidden.len();
        look(Stage::Gather { layer: index });
        dense(last, input, |output, accumulator| {
            if let Some(logit) = self.logits.get_mut(output) {
                *logit = last.requant(output).logit(accumulator);
            }
        });
        look(Stage::Accumulate { layer: index });
        look(Stage::Logits { layer: index });

        let classes = last.outputs();
        let logits = self.logits.get(..classes).unwrap_or_default();
        let probabilities = self.probabilities.get_mut(..classes).unwrap_or_default();
        softmax(logits, &mut self.scratch, probabilities);
        let class = argmax(logits);
        look(Stage::Softmax);
        Ok(Prediction { class, logits, probabilities })
    }
}

impl<const WIDTH: usize, const CLASSES: usize> Default for Workspace<WIDTH, CLASSES> {
    fn default() -> Self {
        Self::new()
    }
}

/// Infers every golden vector of `model` and compares all logits and probabilities with those stored at export.
///
/// # Errors
///
/// The first vector that differs.
pub fn self_test<const WIDTH: usize, const CLASSES: usize>(
    model: &ModelView<'_>,
    workspace: &mut Workspace<WIDTH, CLASSES>,
) -> Result<(), SelfTestError> {
    for (vector, golden) in (0_u32..).zip(model.golden()) {
        let prediction = workspace.infer(model, golden.input)?;
        if !i32s_equal(golden.logits, prediction.logits) {
            return Err(SelfTestError::Logits { vector });
        }
        if !u16s_equal(golden.probabilities, prediction.probabilities) {
            return Err(SelfTestError::Probabilities { vector });
        }
    }
    Ok(())
}
