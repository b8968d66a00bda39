//! A model with very short frames, so that some pass a line that damages every tenth byte, and
//! with a different answer for each image.

use prenda::{
    AnswersHeader, EncodeError, LayerKind, LayerSource, Model, ModelSource, NetworkSource, Provenance, Record, Requant,
    Shape, WeightOrder,
};

/// One image for each value of the first pixel.
const IMAGES: usize = 256;

/// Factor 2^20. Logits of different pixels then differ by at least 16, and the smaller one's
/// probability is zero.
const REQUANT: Requant = match Requant::new(Requant::MIN_MULTIPLIER, 10) {
    Some(requant) => requant,
    None => panic!("both are in range"),
};

/// A model from two pixels to two logits, each a pixel times 2^20.
#[derive(Debug)]
pub struct Echo {
    /// The blob.
    pub model: Vec<u8>,
    /// Header of the answers.
    pub header: AnswersHeader,
    images: Vec<Image>,
}

#[derive(Debug)]
struct Image {
    pixels: [u8; 2],
    class: u16,
    logits: [u8; 8],
    probabilities: [u8; 4],
}

impl Echo {
    /// Encodes the model and computes its answers.
    ///
    /// # Errors
    ///
    /// Never: the model is constant, and a test encodes it.
    pub fn new() -> Result<Self, EncodeError> {
        let layer = LayerSource {
            kind: LayerKind::Dense,
            order: WeightOrder::default(),
            biases: &[0; 2],
            requants: &[REQUANT; 2],
            weights: &[1, 0, 0, 1],
        };
        let layers = [layer];
        let source = ModelSource {
            class_names: &["first", "second"],
            image: Shape::grey(1, 2),
            features: &[],
            networks: &[NetworkSource::only(&layers)],
            golden: &[],
            provenance: Provenance { trainer: "nobody", backend: "none", ..Provenance::default() },
        };
        let mut model = vec![0; source.encoded_length_bound()];
        let length = source.encode(&mut model)?;
        model.truncate(length);
        let id = Model::parse(&model)?.id();
        let header = AnswersHeader { model: id, images: IMAGES as u32, inputs: 2, classes: 2, networks: 1 };
        Ok(Self { model, header, images: (0..=u8::MAX).map(Image::new).collect() })
    }

    /// Returns every image with its answer.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.images.iter().map(|Image { pixels, class, logits, probabilities }| Record {
            pixels,
            label: *class as u8,
            class: *class,
            network: 0,
            logits,
            probabilities,
        })
    }
}

impl Image {
    fn new(first: u8) -> Self {
        // The difference is odd, so the pixels differ.
        let pixels = [first, first ^ (first.wrapping_mul(74) | 1)];
        let [one, other] = pixels.map(|pixel| (i32::from(pixel) << 20).to_le_bytes());
        let class = u16::from(pixels[1] > pixels[0]);
        let [sure, never] = [32_768_u16, 0].map(u16::to_le_bytes);
        let probabilities = if class == 0 { [sure, never] } else { [never, sure] };
        let mut image = Self { pixels, class, logits: [0; 8], probabilities: [0; 4] };
        image.logits.copy_from_slice([one, other].as_flattened());
        image.probabilities.copy_from_slice(probabilities.as_flattened());
        image
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn answers_differ_between_images() {
        let echo = Echo::new().unwrap();
        let answers: HashSet<_> = echo.records().map(|record| record.logits.to_vec()).collect();
        assert_eq!(answers.len(), IMAGES);
        assert!(echo.records().all(|record| record.pixels[0] != record.pixels[1]));
        assert!(echo.records().any(|record| record.class == 0) && echo.records().any(|record| record.class == 1));
    }
}
