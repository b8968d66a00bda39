//! A model's answers over the test split, in fixed point.

use serde::{Deserialize, Serialize};

/// What a model answers over the test split. Shares and probabilities are 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The model's id.
    pub model_id: String,
    /// Test images.
    #[serde(rename = "pictures")]
    pub images: u32,
    /// Of these, how many are classified correctly.
    pub correct: u32,
    /// The share of these.
    pub accuracy: f64,
    /// The largest difference of a probability from the softmax of the same logits in `f64`.
    pub largest_softmax_error: f64,
    /// How often an image of a class is given a class, `[label][class]`.
    pub confusion: Vec<Vec<u32>>,
    /// Each class by itself.
    pub classes: Vec<ClassResult>,
    /// Wrong answers, the most confident first; only the first few.
    pub mistakes: Vec<Mistake>,
}

/// How well one class is told from the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassResult {
    /// Its name.
    pub name: String,
    /// Images of this class.
    #[serde(rename = "pictures")]
    pub images: u32,
    /// Images that are given this class, rightly or not.
    pub predicted: u32,
    /// Images of this class that are given it.
    pub correct: u32,
    /// Of the images that are given this class, the share that is of it; nothing where none is
    /// given it.
    pub precision: Option<f64>,
    /// Of the images of this class, the share that is given it; nothing where there are none.
    pub recall: Option<f64>,
}

/// An image that is classified wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its index in the test split, from 0.
    pub index: usize,
    /// Its class.
    pub label: usize,
    /// The class that it is given.
    pub class: usize,
    /// The probability of the class that it is given.
    pub probability: f64,
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An evaluation over named classes: `right` images of each are classified correctly, and one
    /// is given each other class.
    pub fn evaluation(names: &[&str], right: u32) -> Evaluation {
        let classes = names.len();
        let images = right + classes as u32 - 1;
        let row = |label| (0..classes).map(|class| if class == label { right } else { 1 }).collect();
        let share = f64::from(right) / f64::from(images);
        let class = |name: &&str| ClassResult {
            name: (*name).to_owned(),
            images,
            predicted: images,
            correct: right,
            precision: Some(share),
            recall: Some(share),
        };
        Evaluation {
            model_id: "01234567".to_owned(),
            images: images * classes as u32,
            correct: right * classes as u32,
            accuracy: share,
            largest_softmax_error: 0.0,
            confusion: (0..classes).map(row).collect(),
            classes: names.iter().map(class).collect(),
            mistakes: Vec::new(),
        }
    }
}
