//! The outputs of an inference.

use crate::bytes::{i32s_equal, u16s_equal, write_i32s, write_u16s};
use crate::error::SelfTestError;
use crate::kernel::lead;

/// The outputs of the network for one image.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// # let mut workspace = prenda::Workspace::<360, 10>::new();
/// let boot = model.golden().next().unwrap().input;
/// let answer = workspace.infer(&model, boot).unwrap();
/// assert_eq!(model.class_names().nth(answer.class), Some("Ankle boot"));
/// assert_eq!(answer.probabilities[answer.class], 32_463); // 99 % of 32,768
/// ```
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
    /// Returns by how much the largest logit exceeds the second largest, in Q15.16.
    ///
    /// Equal largest logits give 0, a single class `u32::MAX`. A network of a cascade answers if
    /// this is at least its margin.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Prediction;
    ///
    /// let (logits, probabilities) = (&[65_536, -32_768, 0], &[20_572, 4_590, 7_606]);
    /// let answer = Prediction { class: 0, network: 0, logits, probabilities };
    /// assert_eq!(answer.lead(), 65_536); // 1 in Q15.16: e times as probable as the second
    /// ```
    #[must_use]
    pub fn lead(&self) -> u32 {
        lead(self.logits)
    }

    /// Writes logits and probabilities as little-endian bytes to the start of `target`, and returns
    /// both.
    ///
    /// Returns `None` if `target` has fewer than six bytes for each class. The link and the answers
    /// file carry these bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Prediction;
    ///
    /// let (logits, probabilities) = (&[-1, 65_536], &[8_812, 23_956]);
    /// let answer = Prediction { class: 1, network: 0, logits, probabilities };
    /// let mut target = [0; 64];
    /// let (logits, probabilities) = answer.to_bytes(&mut target).expect("12 bytes or more");
    /// assert_eq!(logits, [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 1, 0]);
    /// assert_eq!(probabilities, [0x6C, 0x22, 0x94, 0x5D]);
    /// ```
    pub fn to_bytes<'b>(&self, target: &'b mut [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let (logits, rest) = target.split_at_mut_checked(self.logits.len().checked_mul(4)?)?;
        let (probabilities, _) = rest.split_at_mut_checked(self.probabilities.len().checked_mul(2)?)?;
        write_i32s(self.logits, logits)?;
        write_u16s(self.probabilities, probabilities)?;
        Some((logits, probabilities))
    }
}

/// Compares the outputs for a golden vector with those stored at export.
pub fn compare_golden(
    vector: u32,
    prediction: &Prediction<'_>,
    logits: &[u8],
    probabilities: &[u8],
) -> Result<(), SelfTestError> {
    if !i32s_equal(logits, prediction.logits) {
        return Err(SelfTestError::Logits { vector });
    }
    if !u16s_equal(probabilities, prediction.probabilities) {
        return Err(SelfTestError::Probabilities { vector });
    }
    Ok(())
}
