//! The one place that strings the kernels together.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bytes::{i32s_equal, u16s_equal, write_i32s, write_u16s};
use crate::kernel::{DensePart, PairList, activate, argmax, dense, softmax};
use crate::model::{DenseLayer, MAX_CLASSES, MAX_WIDTH, Model};

/// Room for everything that inference writes: pairs of inputs, sums, hidden activations, logits, probabilities.
///
/// 1,036 bytes, 5 for each neuron of the widest hidden layer, and 10 for each class.
///
/// `WIDTH` is the largest number of neurons in a hidden layer, `CLASSES` the largest number of classes; a model is
/// checked against both by [`Workspace::check`].
#[derive(Clone, Debug)]
pub struct Workspace<const WIDTH: usize, const CLASSES: usize> {
    pairs: PairList,
    accumulators: [i32; WIDTH],
    /// A layer's, until the next one's sums are complete.
    activations: [u8; WIDTH],
    logits: [i32; CLASSES],
    scratch: [u32; CLASSES],
    probabilities: [u16; CLASSES],
}

/// A workspace for any model of the format. 86 KB: a desk's, not a device's.
pub type HostWorkspace = Workspace<MAX_WIDTH, MAX_CLASSES>;

/// A part of an inference that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// Inputs of a layer that are not zero are gathered. With `Accumulate` it may come several times for a layer.
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
        /// Its outputs.
        activations: &'a [u8],
    },
    /// The last layer's accumulators are logits.
    Logits {
        /// The layer, from 0.
        layer: usize,
    },
    /// Probabilities and class are there.
    Softmax,
}

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
    #[error("image: found {found} pixels, expected {expected}")]
    InputLength {
        /// Pixels that the model takes.
        expected: u32,
        /// Pixels given.
        found: u32,
    },
    /// A hidden layer of the model does not fit the workspace.
    #[error("the model's widest hidden layer has {needed} neurons, but this build has room for {available}")]
    Width {
        /// Neurons of the widest hidden layer.
        needed: u32,
        /// Neurons that the workspace has room for.
        available: u32,
    },
    /// The model has more classes than the workspace has room for.
    #[error("the model has {needed} classes, but this build has room for {available}")]
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
        Self {
            pairs: PairList::new(),
            accumulators: [0; WIDTH],
            activations: [0; WIDTH],
            logits: [0; CLASSES],
            scratch: [0; CLASSES],
            probabilities: [0; CLASSES],
        }
    }

    /// Whether `model` fits.
    ///
    /// # Errors
    ///
    /// What is needed and what there is.
    pub fn check(model: &Model<'_>) -> Result<(), InferError> {
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
    pub fn infer(&mut self, model: &Model<'_>, pixels: &[u8]) -> Result<Prediction<'_>, InferError> {
        self.infer_with(model, pixels, &mut |_| ())
    }

    /// As [`infer`](Self::infer); `on_stage` is told of each part when it has ended.
    ///
    /// # Errors
    ///
    /// As [`infer`](Self::infer).
    pub fn infer_with(
        &mut self,
        model: &Model<'_>,
        pixels: &[u8],
        on_stage: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Prediction<'_>, InferError> {
        if pixels.len() != model.input_width() {
            return Err(InferError::InputLength {
                expected: model.input_width() as u32,
                found: u32::try_from(pixels.len()).unwrap_or(u32::MAX),
            });
        }
        Self::check(model)?;

        let (hidden, last) = (model.hidden_layers(), model.last_layer());
        let mut width = None;
        for (index, layer) in hidden.iter().enumerate() {
            let input = width.and_then(|width| self.activations.get(..width)).unwrap_or(pixels);
            let accumulators = self.accumulators.get_mut(..layer.outputs()).unwrap_or_default();
            dense(layer, input, &mut self.pairs, accumulators, &mut |part| on_stage(part.of(index)));
            let activations = self.activations.get_mut(..layer.outputs()).unwrap_or_default();
            activate(layer, accumulators, activations);
            on_stage(Stage::Activations { layer: index, activations });
            width = Some(layer.outputs());
        }
        let input = width.and_then(|width| self.activations.get(..width)).unwrap_or(pixels);
        let logits = self.logits.get_mut(..last.outputs()).unwrap_or_default();
        dense(last, input, &mut self.pairs, logits, &mut |part| on_stage(part.of(hidden.len())));
        for (logit, requant) in logits.iter_mut().zip(last.requants()) {
            *logit = requant.logit(*logit);
        }
        on_stage(Stage::Logits { layer: hidden.len() });

        let probabilities = self.probabilities.get_mut(..last.outputs()).unwrap_or_default();
        softmax(logits, &mut self.scratch, probabilities);
        let class = argmax(logits);
        on_stage(Stage::Softmax);
        Ok(Prediction { class, logits, probabilities })
    }
}

impl DensePart {
    fn of(self, layer: usize) -> Stage<'static> {
        match self {
            Self::Gather => Stage::Gather { layer },
            Self::Accumulate => Stage::Accumulate { layer },
        }
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
    model: &Model<'_>,
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
