//! Inference: the only place that connects the kernels.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bytes::{i32s_equal, u16s_equal, write_i32s, write_u16s};
use crate::kernel::{DensePart, PairList, Scratch, activate, argmax, convolve, dense, depthwise, pool, softmax};
use crate::model::{BYTES_PER_WIDTH, Layer, LayerKind, MAX_CLASSES, MAX_WIDTH, Model, Network};

/// The memory that inference writes: pairs of inputs, accumulators, activations, logits,
/// probabilities.
///
/// `WIDTH` is at least [`Model::width`], and `CLASSES` at least the number of classes.
/// [`Workspace::check`] checks a model against both. Its size is 1,036 bytes, plus 5 for each unit
/// of `WIDTH`, rounded up to a multiple of 4, plus 10 for each of `CLASSES`.
#[derive(Clone, Debug)]
pub struct Workspace<const WIDTH: usize, const CLASSES: usize> {
    pairs: PairList,
    values: Values<WIDTH>,
    logits: [i32; CLASSES],
    scratch: [u32; CLASSES],
    probabilities: [u16; CLASSES],
}

/// A workspace for any model of the format. It has 118 KB, for a host.
pub type HostWorkspace = Workspace<MAX_MODEL_WIDTH, MAX_CLASSES>;

/// The largest [`Model::width`]: [`MAX_WIDTH`] accumulators, as many inputs of a window, and as
/// many activations before and after a layer.
const MAX_MODEL_WIDTH: usize = (7 * MAX_WIDTH).div_ceil(BYTES_PER_WIDTH);

/// Accumulators and a window's inputs at the start, then activations.
#[derive(Clone, Debug)]
#[repr(C, align(4))]
struct Values<const WIDTH: usize>([[u8; BYTES_PER_WIDTH]; WIDTH]);

/// A stage of an inference that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// Gathered the non-zero inputs of a dense layer. It alternates with `Accumulate`, once or
    /// several times for each layer, unless the layer is pruned or in vectors.
    Gather {
        /// Index in [`Model::layers`].
        layer: usize,
    },
    /// Added the products of these inputs. Of a layer with a window: computed all activations.
    Accumulate {
        /// Index in [`Model::layers`].
        layer: usize,
    },
    /// Converted the accumulators of a hidden layer to activations.
    Activations {
        /// Index in [`Model::layers`].
        layer: usize,
        /// The layer's outputs.
        activations: &'a [u8],
    },
    /// Converted the accumulators of a network's last layer to logits.
    Logits {
        /// Index in [`Model::layers`].
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
    /// The network that answered, from 0: always 0 unless the model is a cascade.
    pub network: usize,
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
    /// The layers of the model do not fit the workspace.
    #[error("the model needs a workspace of width {needed}, but this build has {available}")]
    Width {
        /// [`Model::width`].
        needed: u32,
        /// Width of the workspace.
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
            values: Values([[0; BYTES_PER_WIDTH]; WIDTH]),
            logits: [0; CLASSES],
            scratch: [0; CLASSES],
            probabilities: [0; CLASSES],
        }
    }

    /// Checks that `model` fits the workspace.
    ///
    /// # Errors
    ///
    /// Returns [`InferError::Width`] if [`Model::width`] is above `WIDTH`, or
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
        let Self { pairs, values, logits, scratch, probabilities } = self;
        let values = values.0.as_flattened_mut();
        infer_in(Buffers { pairs, values, logits, scratch, probabilities }, model, pixels, on_stage)
    }
}

/// Checks that `model` fits a workspace of these sizes.
#[inline(never)]
fn check_sizes(model: &Model<'_>, width: usize, classes: usize) -> Result<(), InferError> {
    if model.memory_bytes() > width.saturating_mul(BYTES_PER_WIDTH) {
        return Err(InferError::Width { needed: model.width() as u32, available: width as u32 });
    }
    if model.classes() > classes {
        return Err(InferError::Classes { needed: model.classes() as u32, available: classes as u32 });
    }
    Ok(())
}

/// A workspace that a model fits, without its sizes in the type: one copy of the code serves all.
struct Buffers<'w> {
    pairs: &'w mut PairList,
    /// Aligned to four bytes.
    values: &'w mut [u8],
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
    let Buffers { pairs, values, logits, scratch, probabilities } = buffers;
    let logits = logits.get_mut(..model.classes()).unwrap_or_default();
    let (head, activations) = values.split_at_mut_checked(model.head_bytes()).unwrap_or_default();
    let (mut answered, mut first_layer) = (0, 0_usize);
    for (index, network) in model.networks().enumerate() {
        let memory = Memory { pairs: &mut *pairs, head: &mut *head, activations: &mut *activations };
        run(network, first_layer, memory, pixels, logits, on_stage);
        answered = index;
        if network.margin().is_none_or(|margin| is_certain(logits, margin)) {
            break;
        }
        first_layer = first_layer.wrapping_add(network.layers().len());
    }
    let probabilities = probabilities.get_mut(..model.classes()).unwrap_or_default();
    softmax(logits, scratch, probabilities);
    let class = argmax(logits);
    on_stage(Stage::Softmax);
    Ok(Prediction { class, network: answered, logits, probabilities })
}

/// Returns true if the largest logit exceeds the second largest by at least `margin`.
///
/// Also true for a single logit. Equal largest logits differ by zero.
fn is_certain(logits: &[i32], margin: i32) -> bool {
    let (mut largest, mut second) = (i32::MIN, i32::MIN);
    for &logit in logits {
        second = second.max(logit.min(largest));
        largest = largest.max(logit);
    }
    logits.len() < 2 || largest.abs_diff(second) >= margin.unsigned_abs()
}

/// The memory of a network's layers.
struct Memory<'b> {
    pairs: &'b mut PairList,
    /// Accumulators, then a window's inputs.
    head: &'b mut [u8],
    activations: &'b mut [u8],
}

/// Runs one network, and writes its logits. `first` is the index of its first layer in the model.
fn run(
    network: Network<'_, '_>,
    first: usize,
    memory: Memory<'_>,
    pixels: &[u8],
    logits: &mut [i32],
    on_stage: &mut dyn FnMut(Stage<'_>),
) {
    let Memory { pairs, head, activations } = memory;
    let Some((last, hidden)) = network.layers().split_last() else { return };
    let mut place = Place { start: 0, end: 0 };
    let mut index = first;
    for layer in hidden {
        let is_first = place.end == 0;
        if layer.is_dense() {
            let matrix = layer.any_matrix();
            let input = if is_first { pixels } else { place.of(activations) };
            let accumulators = accumulators(head, layer);
            dense(matrix, input, pairs, accumulators, &mut |part| on_stage(part.of(index)));
            // The accumulators are complete, so the activations can be written over the input.
            place = Place { start: 0, end: layer.outputs() };
            activate(matrix, accumulators, place.of_mut(activations));
        } else if cfg!(feature = "format-2") {
            place = place.next(layer.outputs(), activations.len());
            let (input, output) = place.split(activations, layer.inputs());
            let input = if is_first { pixels } else { input };
            walk(layer, input, pairs, head, output);
            on_stage(Stage::Accumulate { layer: index });
        }
        on_stage(Stage::Activations { layer: index, activations: place.of(activations) });
        index = index.wrapping_add(1);
    }
    let input = if place.end == 0 { pixels } else { place.of(activations) };
    let matrix = last.any_matrix();
    dense(matrix, input, pairs, logits, &mut |part| on_stage(part.of(index)));
    for (logit, requant) in logits.iter_mut().zip(matrix.requants()) {
        *logit = requant.logit(*logit);
    }
    on_stage(Stage::Logits { layer: index });
}

/// Runs a layer that moves a window over its input.
#[inline(never)]
fn walk(layer: &Layer<'_>, input: &[u8], pairs: &mut PairList, head: &mut [u8], output: &mut [u8]) {
    match layer.kind() {
        LayerKind::Convolution(window) => {
            let bytes = layer.any_matrix().outputs().wrapping_mul(4);
            let (head, rest) = head.split_at_mut_checked(bytes).unwrap_or_default();
            let accumulators = accumulators(head, layer);
            let copied = rest.get_mut(..layer.any_matrix().inputs()).unwrap_or_default();
            convolve(layer, window, input, Scratch { pairs, accumulators, window: copied }, output);
        }
        LayerKind::Depthwise(window) => depthwise(layer, window, input, accumulators(head, layer), output),
        LayerKind::MaxPool(window) => pool(layer, window, false, input, output),
        LayerKind::AveragePool(window) => pool(layer, window, true, input, output),
        LayerKind::Dense => {}
    }
}

/// Returns the accumulators of `layer` at the start of `head`.
fn accumulators<'h>(head: &'h mut [u8], layer: &Layer<'_>) -> &'h mut [i32] {
    let count = layer.any_matrix().outputs();
    let bytes = head.get_mut(..count.wrapping_mul(4)).unwrap_or_default();
    bytemuck::try_cast_slice_mut(bytes).unwrap_or_default()
}

/// The place of a layer's activations: at the start or at the end of their memory, in turns, so
/// that a layer can read its input while it writes its output.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    /// 0 before the first layer.
    end: usize,
}

impl Place {
    fn of(self, memory: &[u8]) -> &[u8] {
        memory.get(self.start..self.end).unwrap_or_default()
    }

    fn of_mut(self, memory: &mut [u8]) -> &mut [u8] {
        memory.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Returns the place of the next layer's `outputs` in a memory of `length` bytes.
    fn next(self, outputs: usize, length: usize) -> Self {
        let start = if self.start == 0 { length.wrapping_sub(outputs) } else { 0 };
        Self { start, end: start.wrapping_add(outputs) }
    }

    /// Returns the `inputs` at the other end of `memory`, and this place.
    fn split(self, memory: &mut [u8], inputs: usize) -> (&[u8], &mut [u8]) {
        let length = memory.len();
        if self.start == 0 {
            let (output, rest) = memory.split_at_mut_checked(self.end).unwrap_or_default();
            (rest.get(rest.len().wrapping_sub(inputs)..).unwrap_or_default(), output)
        } else {
            let (rest, output) = memory.split_at_mut_checked(self.start.min(length)).unwrap_or_default();
            (rest.get(..inputs).unwrap_or_default(), output)
        }
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
