//! Inference: runs the networks of a model on an image, in the memory of a workspace.

use crate::error::{InferError, SelfTestError, wrong_length};
use crate::kernel::{argmax, lead, softmax};
use crate::model::{MAX_CLASSES, MAX_WIDTH, Model, SPARE_PAIRS};
use crate::prediction::{Prediction, compare_golden};
use crate::run::{Stage, run};
use crate::weights::MAX_PAIRS;

/// The memory that inference writes: for the layers, logits and probabilities.
///
/// `MEMORY` is at least [`Model::memory_bytes`], and `CLASSES` at least the number of classes.
/// [`Workspace::check`] checks a model against both. The size in bytes is `MEMORY` plus 10 for
/// each of `CLASSES`, each rounded up to a multiple of 4.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Model, Workspace};
///
/// let blob = std::fs::read("shoes.bin")?; // on a device: a region of flash
/// let model = Model::parse(&blob)?;
/// let mut workspace = Workspace::<360, 10>::new(); // 360 is `model.memory_bytes()`
/// let answer = workspace.infer(&model, &[0; 784])?;
/// assert_eq!(answer.class, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Workspace<const MEMORY: usize, const CLASSES: usize> {
    memory: Words<MEMORY>,
    logits: [i32; CLASSES],
    scratch: [u32; CLASSES],
    probabilities: [u16; CLASSES],
}

/// A workspace for any model of the format. It has 118 KB, for a host.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// let mut workspace = prenda::HostWorkspace::new();
/// assert_eq!(workspace.infer(&model, &[0; 784]).unwrap().class, 5);
/// assert!(size_of_val(&workspace) > model.workspace_bytes());
/// ```
pub type HostWorkspace = Workspace<MAX_MEMORY, MAX_CLASSES>;

/// The largest [`Model::memory_bytes`]: of a convolution with [`MAX_WIDTH`] outputs, inputs of a
/// window, and activations before and after it, and with a list of pairs.
const MAX_MEMORY: usize = 7 * MAX_WIDTH + 8 * (MAX_PAIRS + SPARE_PAIRS);

/// Bytes, aligned for words.
#[derive(Clone, Debug)]
#[repr(C, align(4))]
struct Words<const BYTES: usize>([u8; BYTES]);

impl<const MEMORY: usize, const CLASSES: usize> Workspace<MEMORY, CLASSES> {
    /// Returns an empty workspace.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Workspace;
    ///
    /// // In a firmware: the value of a static, which is zeroed at the start and takes no flash.
    /// const WORKSPACE: Workspace<360, 10> = Workspace::new();
    /// assert_eq!(size_of_val(&WORKSPACE), 460);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { memory: Words([0; MEMORY]), logits: [0; CLASSES], scratch: [0; CLASSES], probabilities: [0; CLASSES] }
    }

    /// Checks that `model` fits the workspace.
    ///
    /// # Errors
    ///
    /// Returns [`InferError::Memory`] if [`Model::memory_bytes`] is above `MEMORY`, or
    /// [`InferError::Classes`] if the model has more than `CLASSES` classes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::{InferError, Workspace};
    ///
    /// assert_eq!(Workspace::<360, 10>::check(&model), Ok(()));
    /// let reason = InferError::Classes { needed: 10, available: 2 };
    /// assert_eq!(Workspace::<360, 2>::check(&model), Err(reason));
    /// ```
    pub fn check<const LAYERS: usize>(model: &Model<'_, LAYERS>) -> Result<(), InferError> {
        check_sizes(model, MEMORY, CLASSES)
    }

    /// Classifies one image: raw pixels, row-major, one byte each.
    ///
    /// # Errors
    ///
    /// Returns an [`InferError`] if the image or the workspace does not fit the model.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let mut workspace = prenda::Workspace::<360, 10>::new();
    /// let boot = model.golden().next().unwrap().input; // 28 rows of 28 pixels
    /// let answer = workspace.infer(&model, boot).unwrap();
    /// assert_eq!((answer.class, answer.logits[0]), (9, -906_514));
    /// ```
    pub fn infer<const LAYERS: usize>(
        &mut self,
        model: &Model<'_, LAYERS>,
        pixels: &[u8],
    ) -> Result<Prediction<'_>, InferError> {
        self.infer_with(model, pixels, &mut |_| ())
    }

    /// Like [`infer`](Self::infer), but calls `on_stage` after each stage.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`infer`](Self::infer).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::{Stage, Workspace};
    ///
    /// let mut active = 0;
    /// let mut count_active = |stage: Stage<'_>| {
    ///     if let Stage::Activations { activations, .. } = stage {
    ///         active = activations.iter().filter(|&&activation| activation > 0).count();
    ///     }
    /// };
    /// Workspace::<360, 10>::new().infer_with(&model, &[0; 784], &mut count_active).unwrap();
    /// assert_eq!(active, 45); // of 64 outputs, for a black image
    /// ```
    pub fn infer_with<const LAYERS: usize>(
        &mut self,
        model: &Model<'_, LAYERS>,
        pixels: &[u8],
        on_stage: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Prediction<'_>, InferError> {
        Self::check(model)?;
        let Self { memory, logits, scratch, probabilities } = self;
        // They are aligned.
        let memory = bytemuck::try_cast_slice_mut(memory.0.as_chunks_mut::<4>().0).unwrap_or_default();
        infer_in(Buffers { memory, logits, scratch, probabilities }, model, pixels, on_stage)
    }
}

impl<const LAYERS: usize> Model<'_, LAYERS> {
    /// Returns the size in bytes of the smallest [`Workspace`] for this model.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::Workspace;
    ///
    /// assert_eq!(model.workspace_bytes(), size_of::<Workspace<360, 10>>());
    /// ```
    #[must_use]
    pub fn workspace_bytes(&self) -> usize {
        self.memory_bytes().wrapping_add(self.classes().wrapping_mul(10).next_multiple_of(4))
    }
}

/// Checks that `model` fits a workspace of these sizes.
#[inline(never)]
fn check_sizes<const LAYERS: usize>(
    model: &Model<'_, LAYERS>,
    memory: usize,
    classes: usize,
) -> Result<(), InferError> {
    if model.memory_bytes() > memory {
        return Err(InferError::Memory { needed: model.memory_bytes() as u32, available: memory as u32 });
    }
    if model.classes() > classes {
        return Err(InferError::Classes { needed: model.classes() as u32, available: classes as u32 });
    }
    Ok(())
}

/// A workspace that a model fits, without its sizes in the type: one copy of the code serves all.
pub struct Buffers<'w> {
    pub memory: &'w mut [u32],
    pub logits: &'w mut [i32],
    pub scratch: &'w mut [u32],
    pub probabilities: &'w mut [u16],
}

/// Infers. It is not inlined, so that it is optimised like this crate and not like its caller.
pub fn infer_in<'w, const LAYERS: usize>(
    buffers: Buffers<'w>,
    model: &Model<'_, LAYERS>,
    pixels: &[u8],
    on_stage: &mut dyn FnMut(Stage<'_>),
) -> Result<Prediction<'w>, InferError> {
    if pixels.len() != model.input_width() {
        return Err(wrong_length(model.input_width(), pixels));
    }
    let Buffers { memory, logits, scratch, probabilities } = buffers;
    let logits = logits.get_mut(..model.classes()).unwrap_or_default();
    let (mut answered, mut first_layer) = (0, 0_usize);
    for (index, network) in model.networks().enumerate() {
        run(network, first_layer, memory, pixels, logits, on_stage);
        answered = index;
        if network.margin().is_none_or(|margin| lead(logits) >= margin.unsigned_abs()) {
            break;
        }
        first_layer = first_layer.wrapping_add(network.layers().len());
    }
    let probabilities = probabilities.get_mut(..model.classes()).unwrap_or_default();
    softmax(logits, scratch, probabilities);
    // Softmax ends here: an answer without probabilities still chooses the class.
    on_stage(Stage::Softmax);
    Ok(Prediction { class: argmax(logits), network: answered, logits, probabilities })
}

impl<const MEMORY: usize, const CLASSES: usize> Default for Workspace<MEMORY, CLASSES> {
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
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::{Workspace, self_test};
///
/// let mut workspace = Workspace::<360, 10>::new();
/// assert_eq!(self_test(&model, &mut workspace), Ok(())); // the same bits as at export
/// ```
pub fn self_test<const LAYERS: usize, const MEMORY: usize, const CLASSES: usize>(
    model: &Model<'_, LAYERS>,
    workspace: &mut Workspace<MEMORY, CLASSES>,
) -> Result<(), SelfTestError> {
    for (vector, golden) in (0_u32..).zip(model.golden()) {
        compare_golden(vector, &workspace.infer(model, golden.input)?, golden.logits, golden.probabilities)?;
    }
    Ok(())
}
