//! Inference: the only place that connects the kernels.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bytes::{i32s_equal, u16s_equal, write_i32s, write_u16s};
use crate::kernel::{DensePart, PairList, activate, argmax, dense, softmax};
use crate::model::{DenseLayer, MAX_CLASSES, MAX_WIDTH, Model};

/// The memory that inference writes: pairs of inputs, sums, hidden activations, logits,
/// probabilities.
///
/// `WIDTH` is the largest number of neurons in a hidden layer, `CLASSES` the largest number of
/// classes. [`Workspace::check`] checks a model against both. Its size is 1,036 bytes, plus 5 for
/// each unit of `WIDTH`, plus 10 for each of `CLASSES`.
#[derive(Clone, Debug)]
pub struct Workspace<const WIDTH: usize, const CLASSES: usize> {
    pairs: PairList,
    accumulators: [i32; WIDTH],
    /// Activations of a layer, until the sums of the next one are complete.
    activations: [u8; WIDTH],
    logits: [i32; CLASSES],
    scratch: [u32; CLASSES],
    probabilities: [u16; CLASSES],
}

/// A workspace for any model of the format. It has 86 KB, for a host.
pub type HostWorkspace = Workspace<MAX_WIDTH, MAX_CLASSES>;

/// A stage of an inference that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// Gathered the non-zero inputs of a layer. It alternates with `Accumulate`, once or several
    /// times for each layer.
    Gather {
        /// The layer, from 0.
        layer: usize,
    },
    /// Added the products of these inputs.
    Accumulate {
        /// The layer, from 0.
        layer: usize,
    },
    /// Converted the accumulators of a hidden layer to activations.
    Activations {
        /// The layer, from 0.
        layer: usize,
        /// The layer's outputs.
        activations: &'a [u8],
    },
    /// Converted the accumulators of the last layer to logits.
    Logits {
        /// The layer, from 0.
        layer: usize,
    },
    /// Computed the probabilities and the class.
    Softmax,
}

/// The outputs of the network for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction<'a> {
    /// Index of the largest logit, the lowest index of several equal ones.
    pub class: usize,
    /// Logits in Q15.16, one for each class.
    pub logits: &'a [i32],
    /// Probabilities in Q1.15, one for each class. Their sum is exactly 32768.
    pub probabilities: &'a [u16],
}

impl Prediction<'_> {
    /// Writes logits and probabilities as little-endian bytes to the start of `target`, and returns
    /// both.
    ///
    /// Returns `None` if `target` has fewer than six bytes for each class. The link and the answers
    /// file carry these bytes.
    pub fn to_bytes<'b>(&self, target: &'b mut [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let (logits, rest) = target.split_at_mut_checked(self.logits.len().checked_mul(4)?)?;
        let (probabilities, _) = rest.split_at_mut_checked(self.probabilities.len().checked_mul(2)?)?;
        write_i32s(self.logits, logits)?;
        write_u16s(self.probabilities, probabilities)?;
        Some((logits, probabilities))
    }
}

/// The reason why inference is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InferError {
    /// The image does not have the model's number of pixels.
    #[error("image: found {found} pixels, expected {expected}")]
    InputLength {
        /// Pixels of the model's images.
        expected: u32,
        /// Pixels of the image given.
        found: u32,
    },
    /// A hidden layer of the model does not fit the workspace.
    #[error("the model's widest hidden layer has {needed} neurons, but this build has room for {available}")]
    Width {
        /// Neurons of the widest hidden layer.
        needed: u32,
        /// Largest width that the workspace supports.
        available: u32,
    },
    /// The model has more classes than the workspace supports.
    #[error("the model has {needed} classes, but this build has room for {available}")]
    Classes {
        /// Classes of the model.
        needed: u32,
        /// Largest number of classes that the workspace supports.
        available: u32,
    },
}

/// The reason why a self-test failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SelfTestError {
    /// The logits differ from those stored at export.
    #[error("golden vector {vector}: this machine computes other logits than the host that exported the model")]
    Logits {
        /// The vector, from 0.
        vector: u32,
    },
    /// The logits are equal, but the probabilities differ from those stored at export.
    #[error("golden vector {vector}: this machine computes other probabilities than the host that exported the model")]
    Probabilities {
        /// The vector, from 0.
        vector: u32,
    },
    /// Inference is impossible.
    #[error(transparent)]
    Infer(#[from] InferError),
}

impl<const WIDTH: usize, const CLASSES: usize> Workspace<WIDTH, CLASSES> {
    /// Returns an empty workspace.
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

    /// Checks that `model` fits the workspace.
    ///
    /// # Errors
    ///
    /// Returns [`InferError::Width`] if a hidden layer has more than `WIDTH` neurons, or
    /// [`InferError::Classes`] if the model has more than `CLASSES` classes.
    pub fn check(model: &Model<'_>) -> Result<(), InferError> {
        check_sizes(model, WIDTH, CLASSES)
    }

    /// Classifies one image: raw pixels, row-major, one byte each.
    ///
    /// # Errors
    ///
    /// Returns an [`InferError`] if the image or the workspace does not fit the model.
    pub fn infer(&mut self, model: &Model<'_>, pixels: &[u8]) -> Result<Prediction<'_>, InferError> {
        self.infer_with(model, pixels, &mut |_| ())
    }

    /// Like [`infer`](Self::infer), but calls `on_stage` after each stage.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`infer`](Self::infer).
    pub fn infer_with(
        &mut self,
        model: &Model<'_>,
        pixels: &[u8],
        on_stage: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Prediction<'_>, InferError> {
        Self::check(model)?;
        let Self { pairs, accumulators, activations, logits, scratch, probabilities } = self;
        infer_in(Buffers { pairs, accumulators, activations, logits, scratch, probabilities }, model, pixels, on_stage)
    }
}

/// Checks that `model` fits a workspace of these sizes.
#[inline(never)]
fn check_sizes(model: &Model<'_>, width: usize, classes: usize) -> Result<(), InferError> {
    // The inputs of all layers but the first are hidden activations.
    let needed = model.layers().skip(1).map(DenseLayer::inputs).max().unwrap_or(0);
    if needed > width {
        return Err(InferError::Width { needed: needed as u32, available: width as u32 });
    }
    if model.classes() > classes {
        return Err(InferError::Classes { needed: model.classes() as u32, available: classes as u32 });
    }
    Ok(())
}

/// A workspace that a model fits, without its sizes in the type: one copy of the code serves all.
struct Buffers<'w> {
    pairs: &'w mut PairList,
    accumulators: &'w mut [i32],
    activations: &'w mut [u8],
    logits: &'w mut [i32],
    scratch: &'w mut [u32],
    probabilities: &'w mut [u16],
}

/// Infers. It is not inlined, so that it is optimised like this crate and not like its caller.
fn infer_in<'w>(
    buffers: Buffers<'w>,
    model: &Model<'_>,
    pixels: &[u8],
    on_stage: &mut dyn FnMut(Stage<'_>),
) -> Result<Prediction<'w>, InferError> {
    if pixels.len() != model.input_width() {
        return Err(InferError::InputLength {
            expected: model.input_width() as u32,
            found: u32::try_from(pixels.len()).unwrap_or(u32::MAX),
        });
    }
    let (hidden, last) = (model.hidden_layers(), model.last_layer());
    let mut width = None;
    for (index, layer) in hidden.iter().enumerate() {
        let input = width.and_then(|width| buffers.activations.get(..width)).unwrap_or(pixels);
        let accumulators = buffers.accumulators.get_mut(..layer.outputs()).unwrap_or_default();
        dense(layer, input, buffers.pairs, accumulators, &mut |part| on_stage(part.of(index)));
        let activations = buffers.activations.get_mut(..layer.outputs()).unwrap_or_default();
        activate(layer, accumulators, activations);
        on_stage(Stage::Activations { layer: index, activations });
        width = Some(layer.outputs());
    }
    let input = width.and_then(|width| buffers.activations.get(..width)).unwrap_or(pixels);
    let logits = buffers.logits.get_mut(..last.outputs()).unwrap_or_default();
    dense(last, input, buffers.pairs, logits, &mut |part| on_stage(part.of(hidden.len())));
    for (logit, requant) in logits.iter_mut().zip(last.requants()) {
        *logit = requant.logit(*logit);
    }
    on_stage(Stage::Logits { layer: hidden.len() });

    let probabilities = buffers.probabilities.get_mut(..last.outputs()).unwrap_or_default();
    softmax(logits, buffers.scratch, probabilities);
    let class = argmax(logits);
    on_stage(Stage::Softmax);
    Ok(Prediction { class, logits, probabilities })
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

/// Classifies every golden vector of `model`, and compares all logits and probabilities with those
/// stored at export.
///
/// # Errors
///
/// Returns a [`SelfTestError`] for the first vector that differs or cannot be inferred.
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
