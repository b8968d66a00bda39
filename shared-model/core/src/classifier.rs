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
pub trait Classifier {
    /// Bytes of the memory that inference writes, without the stack.
    const WORKSPACE_BYTES: usize;

    /// Returns the description of the model for the link.
    fn info(&self) -> ModelInfo;

    /// Returns the number of networks: 1 unless the model is a cascade.
    fn networks(&self) -> usize;

    /// Classifies one image: raw pixels, row-major, one byte each.
    ///
    /// # Errors
    ///
    /// Returns an [`InferError`] if the image does not have the model's number of pixels, or the
    /// model does not fit its memory.
    fn infer(&mut self, pixels: &[u8]) -> Result<Prediction<'_>, InferError>;

    /// Like [`infer`](Self::infer), but calls `on_stage` after each stage. A model without
    /// stages never calls it, which is the default.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`infer`](Self::infer).
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
