//! A workspace in the caller's memory, for a size that is known only at run time.

use bytemuck::try_cast_slice_mut;

use crate::error::{InferError, SelfTestError};
use crate::infer::{Buffers, infer_in};
use crate::model::Model;
use crate::prediction::{Prediction, compare_golden};

/// Like [`Workspace`](crate::Workspace), in memory whose size is not in the type: at least
/// [`Model::workspace_bytes`].
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::BorrowedWorkspace;
///
/// let mut memory = vec![0_u32; model.workspace_bytes().div_ceil(4)];
/// let answer = BorrowedWorkspace::new(&mut memory).infer(&model, &[0; 784]).unwrap();
/// assert_eq!(answer.class, 5);
/// ```
#[derive(Debug)]
pub struct BorrowedWorkspace<'w>(&'w mut [u32]);

impl<'w> BorrowedWorkspace<'w> {
    /// Returns a workspace in `memory`, whatever it contains.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::BorrowedWorkspace;
    ///
    /// let mut memory = [0xAAAA_AAAA; 115]; // shared with something else
    /// let workspace = BorrowedWorkspace::new(&mut memory);
    /// assert_eq!(workspace.self_test(&model), Ok(()));
    /// ```
    #[must_use]
    pub fn new(memory: &'w mut [u32]) -> Self {
        Self(memory)
    }

    /// Classifies one image: raw pixels, row-major, one byte each. The outputs are in the memory.
    ///
    /// # Errors
    ///
    /// Returns an [`InferError`] if the image or the memory does not fit the model.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::{BorrowedWorkspace, InferError};
    ///
    /// let mut memory = [0; 100];
    /// let error = BorrowedWorkspace::new(&mut memory).infer(&model, &[0; 784]).unwrap_err();
    /// assert_eq!(error, InferError::Memory { needed: 460, available: 400 });
    /// ```
    pub fn infer<const LAYERS: usize>(
        self,
        model: &Model<'_, LAYERS>,
        pixels: &[u8],
    ) -> Result<Prediction<'w>, InferError> {
        let available = self.0.len().saturating_mul(4);
        let needed = model.workspace_bytes();
        if available < needed {
            return Err(InferError::Memory { needed: needed as u32, available: available as u32 });
        }
        let classes = model.classes();
        let (outputs, memory) = self.0.split_at_mut_checked(outputs_words(classes)).unwrap_or_default();
        let (logits, outputs) = outputs.split_at_mut_checked(classes).unwrap_or_default();
        let (scratch, probabilities) = outputs.split_at_mut_checked(classes).unwrap_or_default();
        let logits = try_cast_slice_mut(logits).unwrap_or_default();
        let probabilities = try_cast_slice_mut(probabilities).unwrap_or_default();
        infer_in(Buffers { memory, logits, scratch, probabilities }, model, pixels, &mut |_| ())
    }

    /// Classifies every golden vector, like [`self_test`](crate::self_test).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`self_test`](crate::self_test).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::BorrowedWorkspace;
    ///
    /// let mut memory = vec![0; model.workspace_bytes().div_ceil(4)];
    /// assert_eq!(BorrowedWorkspace::new(&mut memory).self_test(&model), Ok(()));
    /// ```
    pub fn self_test<const LAYERS: usize>(self, model: &Model<'_, LAYERS>) -> Result<(), SelfTestError> {
        for (vector, golden) in (0_u32..).zip(model.golden()) {
            let prediction = BorrowedWorkspace(self.0).infer(model, golden.input)?;
            compare_golden(vector, &prediction, golden.logits, golden.probabilities)?;
        }
        Ok(())
    }
}

/// Returns the words of the logits, of softmax and of the probabilities.
fn outputs_words(classes: usize) -> usize {
    classes.wrapping_mul(2).wrapping_add(classes.div_ceil(2))
}
