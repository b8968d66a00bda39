//! A teacher's logits for every training image, in a safetensors file.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::augment::VERSIONS;
use super::{Dataset, HeldOut, ValidationOrder, hex, sha256};
use crate::limits::MAX_HEADER_BYTES;
use crate::support::bounded;
use crate::support::tensor_header::check_header;

/// The name of the file's only tensor, `[image, version, class]`.
const TENSOR: &str = "logits";

/// The key of the file's description of itself.
const DESCRIPTION: &str = "prenda-teacher";

/// The file's description of its soft labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// SHA-256 of the training images and labels.
    pub data_sha256: String,
    /// Number of training images that the teacher did not see.
    pub held_out: usize,
    /// The choice of these images.
    #[serde(default)]
    pub validation_order: ValidationOrder,
    /// The seed of the choice.
    #[serde(default)]
    pub seed: u64,
    /// Accuracy on these images, 0 to 1.
    pub held_out_accuracy: Option<f64>,
    /// Accuracy on the test images, 0 to 1.
    pub test_accuracy: f64,
}

/// A teacher's logits for each version of each training image.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftLabels {
    pub description: Description,
    classes: usize,
    /// `[image][version][class]`.
    logits: Vec<f32>,
}

/// Why soft labels cannot be encoded.
#[derive(Debug, Error)]
pub enum EncodeLabelsError {
    #[error(transparent)]
    Tensors(#[from] SafeTensorError),
    #[error(transparent)]
    Description(#[from] serde_json::Error),
}

/// Why soft labels cannot be used.
#[derive(Debug, Error)]
pub enum SoftLabelsError {
    #[error("cannot read {path}; make it with host-trainer teach --export {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a file of host-trainer teach: {reason}")]
    Content { path: PathBuf, reason: String },
    /// The teacher was trained on other images.
    #[error("{path} belongs to another data set; make one for this data set with host-trainer teach")]
    OtherData { path: PathBuf },
    /// The teacher was trained on images that are to be held out.
    #[error(
        "{path}: the teacher was trained on images that are to be held out; hold out at most {} with \
         --validation-order {}, or make another file with host-trainer teach --validation",
        .held_out.count,
        match .held_out.order {
            ValidationOrder::Class => format!("class and --seed {}", .held_out.seed),
            ValidationOrder::Last => "last".to_owned(),
        }
    )]
    Seen { path: PathBuf, held_out: HeldOut },
}

impl Description {
    /// Returns the images that the teacher did not see.
    fn held_out(&self) -> HeldOut {
        HeldOut { count: self.held_out, order: self.validation_order, seed: self.seed }
    }
}

impl SoftLabels {
    /// Creates soft labels from a teacher's `logits`, `[image][version][class]`.
    pub fn new(description: Description, classes: usize, logits: Vec<f32>) -> Self {
        debug_assert!(logits.len().is_multiple_of(VERSIONS * classes));
        Self { description, classes, logits }
    }

    /// Creates soft labels from `logits` that belong to no data set.
    #[cfg(test)]
    pub fn from_logits(classes: usize, logits: Vec<f32>) -> Self {
        let description = Description {
            data_sha256: String::new(),
            held_out: 0,
            validation_order: ValidationOrder::Last,
            seed: 0,
            held_out_accuracy: None,
            test_accuracy: 0.0,
        };
        Self::new(description, classes, logits)
    }

    /// Returns the logits of a version, 0..[`VERSIONS`], of an image. Empty if the image is absent.
    pub fn logits(&self, image: usize, version: usize) -> &[f32] {
        let start = (image * VERSIONS + version) * self.classes;
        self.logits.get(start..start + self.classes).unwrap_or_default()
    }

    /// Encodes the soft labels as a file.
    ///
    /// # Errors
    ///
    /// Returns an error if safetensors refuses the numbers or the description.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeLabelsError> {
        let data: Vec<u8> = self.logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
        let shape = vec![self.logits.len() / (VERSIONS * self.classes).max(1), VERSIONS, self.classes];
        let view = TensorView::new(Dtype::F32, shape, &data)?;
        let description = serde_json::to_string(&self.description)?;
        let header = HashMap::from([(DESCRIPTION.to_owned(), description)]);
        Ok(safetensors::serialize([(TENSOR, view)], Some(header))?)
    }

    /// Reads the soft labels in the file at `path` and returns them with the file's SHA-256 in
    /// hexadecimal digits. Leaves out those of the images that `held_out` takes from the training
    /// images of `data`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, belongs to other images, or its teacher has
    /// seen an image that is held out.
    pub fn read(path: &Path, data: &Dataset, held_out: HeldOut) -> Result<(Self, String), SoftLabelsError> {
        let (labels, sha256) = Self::read_all(path, data)?;
        Ok((labels.of_rest(held_out, data, path)?, sha256))
    }

    /// Reads the soft labels of all training images, like [`SoftLabels::read`].
    pub fn read_all(path: &Path, data: &Dataset) -> Result<(Self, String), SoftLabelsError> {
        let images = data.train.len();
        let logits = images * VERSIONS * data.class_names.len();
        let most = 4 * logits as u64 + MAX_HEADER_BYTES;
        let bytes = bounded::read(path, most).map_err(|source| match source.kind() {
            io::ErrorKind::FileTooLarge => SoftLabelsError::OtherData { path: path.to_owned() },
            _ => SoftLabelsError::Read { path: path.to_owned(), source },
        })?;
        let bad = |reason: String| SoftLabelsError::Content { path: path.to_owned(), reason };
        let labels = Self::decode(&bytes).map_err(bad)?;
        if labels.description.data_sha256 != hex(&data.train_hash) {
            return Err(SoftLabelsError::OtherData { path: path.to_owned() });
        }
        // The hash covers images and classes, but not the shape of the logits.
        if labels.classes != data.class_names.len() || labels.logits.len() != images * VERSIONS * labels.classes {
            return Err(bad(format!("expected logits for {images} images of {} classes", data.class_names.len())));
        }
        Ok((labels, hex(&sha256(&bytes))))
    }

    /// Returns the soft labels of the training images of `data` without those of `held_out`. `path`
    /// is the file that they were read from.
    pub fn of_rest(&self, held_out: HeldOut, data: &Dataset, path: &Path) -> Result<Self, SoftLabelsError> {
        let unseen = self.description.held_out();
        let (chosen, not_seen) = (held_out.choose(&data.train.labels), unseen.choose(&data.train.labels));
        if chosen.iter().any(|index| not_seen.binary_search(index).is_err()) {
            return Err(SoftLabelsError::Seen { path: path.to_owned(), held_out: unseen });
        }
        Ok(self.clone().without(&chosen))
    }

    /// Drops the logits of the images at `indices`, which ascend.
    fn without(mut self, indices: &[usize]) -> Self {
        if !indices.is_empty() {
            let kept = self.logits.chunks_exact(VERSIONS * self.classes).enumerate();
            let kept = kept.filter(|(index, _)| indices.binary_search(index).is_err());
            self.logits = kept.flat_map(|(_, logits)| logits).copied().collect();
        }
        self
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let text = |error: SafeTensorError| error.to_string();
        check_header(bytes).map_err(|error| error.to_string())?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(text)?;
        let description = header.metadata().as_ref().and_then(|all| all.get(DESCRIPTION));
        let description = description.ok_or("it has no description")?;
        let description = serde_json::from_str(description).map_err(|error| error.to_string())?;
        let tensors = SafeTensors::deserialize(bytes).map_err(text)?;
        let view = tensors.tensor(TENSOR).map_err(text)?;
        let (Dtype::F32, &[_, VERSIONS, classes]) = (view.dtype(), view.shape()) else {
            return Err(format!(
                "found logits {:?} {:?}, expected F32, one for each class",
                view.dtype(),
                view.shape()
            ));
        };
        let logits: Vec<f32> = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err("a logit is not a finite number".to_owned());
        }
        Ok(Self { description, classes, logits })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::support::damage::damaged;

    fn labels() -> SoftLabels {
        let description = Description {
            data_sha256: "00".to_owned(),
            held_out: 1,
            validation_order: ValidationOrder::Class,
            seed: 3,
            held_out_accuracy: Some(0.5),
            test_accuracy: 1.0 / 3.0,
        };
        SoftLabels::new(description, 3, (0..2 * VERSIONS * 3).map(|index| index as f32 / 7.0).collect())
    }

    #[test]
    fn soft_labels_round_trip() {
        let labels = labels();
        assert_eq!(SoftLabels::decode(&labels.encode().unwrap()), Ok(labels.clone()));
        let start = (VERSIONS + 2) as f32 * 3.0;
        assert_eq!(labels.logits(1, 2), [start / 7.0, (start + 1.0) / 7.0, (start + 2.0) / 7.0]);
        assert_eq!(labels.logits(2, 0), [0.0_f32; 0]);
    }

    #[test]
    fn images_that_are_held_out_have_no_soft_labels() {
        let labels = labels();
        let rest = labels.clone().without(&[0]);
        assert_eq!((rest.logits(0, 4), rest.logits(1, 0)), (labels.logits(1, 4), &[0.0_f32; 0][..]));
        assert_eq!(labels.clone().without(&[]), labels);
        // Files of earlier versions do not say which images the teacher did not see.
        let text = r#"{"data_sha256": "", "held_out": 2, "held_out_accuracy": null, "test_accuracy": 0.5}"#;
        let earlier: Description = serde_json::from_str(text).unwrap();
        assert_eq!(earlier.held_out(), HeldOut { count: 2, ..HeldOut::default() });
    }

    #[test]
    fn other_files_are_refused() {
        let bytes = labels().encode().unwrap();
        for length in [0, 7, 8, 100, bytes.len() - 1] {
            SoftLabels::decode(&bytes[..length]).expect_err("a part of a file");
        }
        let mut other = labels();
        other.logits[5] = f32::NAN;
        SoftLabels::decode(&other.encode().unwrap()).expect_err("a logit that is not a number");
        let data = 1.0_f32.to_le_bytes();
        let view = TensorView::new(Dtype::F32, vec![1], &data).unwrap();
        SoftLabels::decode(&safetensors::serialize([(TENSOR, view)], None).unwrap()).expect_err("no description");
    }

    proptest! {
        #[test]
        fn damaged_soft_labels_are_an_error_or_finite_numbers(bytes in damaged(labels().encode().unwrap())) {
            if let Ok(labels) = SoftLabels::decode(&bytes) {
                prop_assert!(labels.logits.iter().all(|logit| logit.is_finite()));
                prop_assert!(labels.logits.len().is_multiple_of(VERSIONS * labels.classes.max(1)));
            }
        }
    }
}
