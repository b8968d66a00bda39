use cycles::Operations;
use serde::{Deserialize, Serialize};

use super::pixel_bytes::PixelBytes;

/// The evaluation of a model over the test split. Shares and probabilities are 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub model_id: String,
    /// Test images.
    #[serde(rename = "pictures")]
    pub images: u32,
    /// Test images classified correctly.
    pub correct: u32,
    /// Share of test images classified correctly.
    pub accuracy: f64,
    /// Mean cross-entropy of the logits, 0 or more; `None` in older files.
    #[serde(default)]
    pub loss: Option<f64>,
    /// The largest difference between a probability and the softmax of the same logits in `f64`.
    pub largest_softmax_error: f64,
    /// The confusion matrix: image counts, `[label][predicted class]`.
    pub confusion: Vec<Vec<u32>>,
    pub classes: Vec<ClassResult>,
    /// The most confident mistakes, in order of falling confidence.
    pub mistakes: Vec<Mistake>,
    /// The first test images of different classes; empty in older files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// The results of each network of a cascade, in their order; empty for other models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkResult>,
    /// The mean operations of an inference; `None` in older files, and for weights in vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Operations>,
}

impl Evaluation {
    /// Returns the evaluation without the pixels of its images.
    pub fn without_images(mut self) -> Self {
        self.samples.clear();
        self.mistakes.iter_mut().for_each(|mistake| mistake.pixels = PixelBytes::default());
        self
    }

    /// Returns the mean and the largest number of multiplications for an image of a cascade; `None`
    /// for other models.
    pub fn multiplications(&self) -> Option<(f64, u64)> {
        let mut sum = 0;
        let mut mean = 0.0;
        for network in &self.networks {
            sum += network.multiplications;
            mean += network.share * sum as f64;
        }
        (!self.networks.is_empty()).then_some((mean, sum))
    }
}

/// The result of one network of a cascade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkResult {
    /// Images that it answered.
    #[serde(rename = "pictures")]
    pub images: u32,
    /// Images that it answered correctly.
    pub correct: u32,
    /// Share of all images that it answered.
    pub share: f64,
    /// `correct / images`; `None` if it answered no image.
    pub accuracy: Option<f64>,
    /// Its multiplications for an image without zero pixels.
    pub multiplications: u64,
}

/// The result of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassResult {
    pub name: String,
    /// Images with this label.
    #[serde(rename = "pictures")]
    pub images: u32,
    /// Images predicted as this class, correctly or not.
    pub predicted: u32,
    /// Images with this label that are predicted as this class.
    pub correct: u32,
    /// `correct / predicted`; `None` if no image is predicted as this class.
    pub precision: Option<f64>,
    /// `correct / images`; `None` if no image has this label.
    pub recall: Option<f64>,
    /// The harmonic mean of precision and recall; `None` without images and predictions, and in
    /// older files.
    #[serde(default)]
    pub f1: Option<f64>,
}

/// An image that is classified wrongly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its index in the test split, from 0.
    pub index: usize,
    pub label: usize,
    pub class: usize,
    pub probability: f64,
    /// The image; empty in older files.
    #[serde(default, skip_serializing_if = "PixelBytes::is_empty")]
    pub pixels: PixelBytes,
}

/// A test image, and the answer of the model in fixed point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its index in the test split, from 0.
    pub index: usize,
    pub label: usize,
    /// The probability of each class, 0..=1.
    pub probabilities: Vec<f64>,
    pub pixels: PixelBytes,
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Builds an evaluation over named classes: of each class, `correct` images are classified
    /// correctly, and one image is predicted as each other class.
    pub fn evaluation(names: &[&str], correct: u32) -> Evaluation {
        let classes = names.len();
        let images = correct + classes as u32 - 1;
        let row = |label| (0..classes).map(|class| if class == label { correct } else { 1 }).collect();
        let share = f64::from(correct) / f64::from(images);
        let class = |name: &&str| ClassResult {
            name: (*name).to_owned(),
            images,
            predicted: images,
            correct,
            precision: Some(share),
            recall: Some(share),
            f1: Some(share),
        };
        Evaluation {
            model_id: "01234567".to_owned(),
            images: images * classes as u32,
            correct: correct * classes as u32,
            accuracy: share,
            loss: Some(0.5),
            largest_softmax_error: 0.0,
            confusion: (0..classes).map(row).collect(),
            classes: names.iter().map(class).collect(),
            mistakes: Vec::new(),
            samples: Vec::new(),
            networks: Vec::new(),
            operations: None,
        }
    }
}
