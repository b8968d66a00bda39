//! A model with its memory, parsed or compiled in: a server does not see the difference.

use crate::error::InferError;
use crate::infer::{Workspace, self_test};
use crate::link::{DeviceFault, ModelInfo};
use crate::model::Model;
use crate::prediction::Prediction;
use crate::run::Stage;

/// A model with the memory that it needs.
///
/// A pair of a [`Model`] and a [`Workspace`] is one, and so is the `Workspace` of a model that was
/// compiled in.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::{Classifier, Workspace};
///
/// fn is_certain(classifier: &mut impl Classifier, pixels: &[u8]) -> bool {
///     classifier.infer(pixels).is_ok_and(|answer| answer.lead() > 1 << 17) // 2 in Q15.16
/// }
///
/// let mut workspace = Workspace::<360, 10>::new();
/// assert!(is_certain(&mut (&model, &mut workspace), &[0; 784]));
/// ```
pub trait Classifier {
    /// Bytes of the memory that inference writes, without the stack.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{Classifier, Model, Workspace};
    ///
    /// type Parsed<'m> = (&'m Model<'m, 2>, &'m mut Workspace<360, 10>);
    /// assert_eq!(Parsed::WORKSPACE_BYTES, 460);
    /// ```
    const WORKSPACE_BYTES: usize;

    /// Returns the description of the model for the link.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::{Classifier, Workspace};
    ///
    /// let info = (&model, &mut Workspace::<360, 10>::new()).info();
    /// assert_eq!((info.inputs, info.classes, info.layers), (784, 10, 2));
    /// ```
    fn info(&self) -> ModelInfo;

    /// Returns the number of networks: 1 unless the model is a cascade.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::{Classifier, Workspace};
    ///
    /// assert_eq!((&model, &mut Workspace::<360, 10>::new()).networks(), 1);
    /// ```
    fn networks(&self) -> usize;

    /// Classifies one image: raw pixels, row-major, one byte each.
    ///
    /// # Errors
    ///
    /// Returns an [`InferError`] if the image does not have the model's number of pixels, or the
    /// model does not fit its memory.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::{Classifier, InferError, Workspace};
    ///
    /// let mut workspace = Workspace::<360, 10>::new();
    /// let mut classifier = (&model, &mut workspace);
    /// assert_eq!(classifier.infer(&[0; 784]).map(|answer| answer.class), Ok(5));
    /// let error = classifier.infer(&[0; 10]).unwrap_err();
    /// assert_eq!(error, InferError::InputLength { expected: 784, found: 10 });
    /// ```
    fn infer(&mut self, pixels: &[u8]) -> Result<Prediction<'_>, InferError>;

    /// Like [`infer`](Self::infer), but calls `on_stage` after each stage. A model without
    /// stages never calls it, which is the default.
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
    /// use prenda::{Classifier, Stage, Workspace};
    ///
    /// let (mut workspace, mut layers) = (Workspace::<360, 10>::new(), 0);
    /// let mut on_stage = |stage: Stage<'_>| {
    ///     layers += u32::from(matches!(stage, Stage::Activations { .. } | Stage::Logits { .. }));
    /// };
    /// (&model, &mut workspace).infer_with(&[0; 784], &mut on_stage).unwrap();
    /// assert_eq!(layers, 2);
    /// ```
    fn infer_with(
        &mut self,
        pixels: &[u8],
        _on_stage: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Prediction<'_>, InferError> {
        self.infer(pixels)
    }

    /// Classifies the golden vectors and compares all outputs with those stored at export.
    ///
    /// # Errors
    ///
    /// Returns a [`DeviceFault`] if the model does not fit its memory, or an output differs.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::{Classifier, DeviceFault, InferError, Workspace};
    ///
    /// assert_eq!((&model, &mut Workspace::<360, 10>::new()).self_test(), Ok(()));
    /// let fault = DeviceFault::TooLarge(InferError::Memory { needed: 360, available: 100 });
    /// assert_eq!((&model, &mut Workspace::<100, 10>::new()).self_test(), Err(fault));
    /// ```
    fn self_test(&mut self) -> Result<(), DeviceFault>;
}

impl<const LAYERS: usize, const MEMORY: usize, const CLASSES: usize> Classifier
    for (&Model<'_, LAYERS>, &mut Workspace<MEMORY, CLASSES>)
{
    const WORKSPACE_BYTES: usize = size_of::<Workspace<MEMORY, CLASSES>>();

    fn info(&self) -> ModelInfo {
        ModelInfo {
            id: self.0.id(),
            bytes: self.0.bytes().len() as u32,
            inputs: self.0.input_width() as u32,
            classes: self.0.classes() as u16,
            layers: self.0.layers().len() as u8,
        }
    }

    fn networks(&self) -> usize {
        self.0.networks().len()
    }

    fn infer(&mut self, pixels: &[u8]) -> Result<Prediction<'_>, InferError> {
        self.1.infer(self.0, pixels)
    }

    fn infer_with(&mut self, pixels: &[u8], on_stage: &mut dyn FnMut(Stage<'_>)) -> Result<Prediction<'_>, InferError> {
        self.1.infer_with(self.0, pixels, on_stage)
    }

    fn self_test(&mut self) -> Result<(), DeviceFault> {
        Workspace::<MEMORY, CLASSES>::check(self.0).map_err(DeviceFault::TooLarge)?;
        self_test(self.0, self.1).map_err(DeviceFault::SelfTest)
    }
}

impl<C: Classifier + ?Sized> Classifier for &mut C {
    const WORKSPACE_BYTES: usize = C::WORKSPACE_BYTES;

    fn info(&self) -> ModelInfo {
        (**self).info()
    }

    fn networks(&self) -> usize {
        (**self).networks()
    }

    fn infer(&mut self, pixels: &[u8]) -> Result<Prediction<'_>, InferError> {
        (**self).infer(pixels)
    }

    fn infer_with(&mut self, pixels: &[u8], on_stage: &mut dyn FnMut(Stage<'_>)) -> Result<Prediction<'_>, InferError> {
        (**self).infer_with(pixels, on_stage)
    }

    fn self_test(&mut self) -> Result<(), DeviceFault> {
        (**self).self_test()
    }
}
