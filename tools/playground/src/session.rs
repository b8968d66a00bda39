//! The state of a page: its model, and the operations on it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::hint::black_box;

use photos::{Form, Polarity, Raster};
use prenda::{Classifier, HostWorkspace, Model};

use crate::PlaygroundError;
use crate::comparison::Comparison;

/// Most pixels of a photo. The conversion takes about ten bytes for each.
pub const MAX_PIXELS: u32 = 40_000_000;

/// The way from a photo to the model's image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Framing {
    /// Its subject is placed like those of Fashion-MNIST.
    #[default]
    FashionMnist,
    /// Its subject is placed like those of another data set.
    Subject(Form),
    /// The whole photo is scaled.
    Whole,
}

/// The state of a page. Each operation replaces the output, which the page reads.
#[derive(Debug, Default)]
pub struct Session {
    model: Vec<u8>,
    workspace: Box<HostWorkspace>,
    framing: Framing,
    comparison: Comparison,
    /// The result of the last operation.
    pub output: Vec<u8>,
}

impl Session {
    /// Opens a model, if its golden vectors give the same outputs here as on the host that exported
    /// it. Writes its facts as text, separated by zeros: id, rows, columns, channels, networks,
    /// golden vectors, test images, those classified correctly, layers, and the class names.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not a model, or not computed here. The old model then stays open.
    pub fn open(&mut self, bytes: Vec<u8>) -> Result<(), PlaygroundError> {
        let model = Model::parse(&bytes)?;
        (&model, &mut *self.workspace).self_test().map_err(PlaygroundError::SelfTest)?;
        let (shape, origin) = (model.image(), model.provenance());
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(text, "{}\0{}\0{}\0{}", model.id(), shape.rows, shape.columns, shape.channels);
        let _ = write!(text, "\0{}\0{}", model.networks().len(), model.golden().count());
        let _ = write!(text, "\0{}\0{}\0", origin.test_images, origin.test_correct_fixed);
        for (index, network) in model.networks().enumerate() {
            let _ = write!(text, "{}{network}", if index > 0 { ", then " } else { "" });
        }
        for name in model.class_names() {
            text.push('\0');
            text.push_str(&name.replace('\0', "\u{fffd}"));
        }
        drop(model);
        self.output = text.into_bytes();
        self.model = bytes;
        self.comparison = Comparison::default();
        self.framing = Framing::default();
        Ok(())
    }

    /// Sets the way from photos to images, which the run of the model records: nothing for
    /// [`Framing::Whole`], otherwise the numbers of a [`Form`].
    ///
    /// # Errors
    ///
    /// Returns an error if the numbers are not a form.
    pub fn set_framing(&mut self, numbers: &[u8]) -> Result<(), PlaygroundError> {
        self.output.clear();
        let (numbers, rest) = numbers.as_chunks::<8>();
        let numbers: Vec<f64> = numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        self.framing = if numbers.is_empty() && rest.is_empty() {
            Framing::Whole
        } else {
            Framing::Subject(Form::from_numbers(&numbers).ok_or(PlaygroundError::Form)?)
        };
        Ok(())
    }

    /// Classifies an image. Writes class and network, then the logits and the probabilities.
    ///
    /// # Errors
    ///
    /// Returns an error if no model is open, or the image has another size.
    pub fn infer(&mut self, pixels: &[u8]) -> Result<(), PlaygroundError> {
        let model = parse(&self.model)?;
        let prediction = self.workspace.infer(&model, pixels)?;
        self.output.clear();
        for value in [prediction.class as u32, prediction.network as u32] {
            self.output.extend(value.to_le_bytes());
        }
        self.output.extend(prediction.logits.iter().flat_map(|logit| logit.to_le_bytes()));
        self.output.extend(prediction.probabilities.iter().flat_map(|share| share.to_le_bytes()));
        Ok(())
    }

    /// Classifies an image `count` times, for a benchmark.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`infer`](Self::infer).
    pub fn repeat(&mut self, pixels: &[u8], count: u32) -> Result<(), PlaygroundError> {
        let model = parse(&self.model)?;
        for _ in 0..count {
            black_box(self.workspace.infer(&model, black_box(pixels))?);
        }
        self.output.clear();
        Ok(())
    }

    /// Writes the pixels of the golden vector `index`.
    ///
    /// # Errors
    ///
    /// Returns an error if no model is open, or it has no such vector.
    pub fn golden(&mut self, index: usize) -> Result<(), PlaygroundError> {
        let model = parse(&self.model)?;
        let golden = model.golden().nth(index);
        let golden = golden.ok_or(PlaygroundError::NoSample { index, shape: model.image() })?;
        self.output = golden.input.to_vec();
        Ok(())
    }

    /// Converts a photo, four bytes a pixel, to the model's image, like `host-trainer predict
    /// --image`. Writes the pixels, then in words the changes and, after a zero, the doubts.
    ///
    /// # Errors
    ///
    /// Returns an error if no model is open, or the photo is too large or blank.
    pub fn photo(
        &mut self,
        rgba: Vec<u8>,
        (width, height): (u32, u32),
        polarity: Option<Polarity>,
    ) -> Result<(), PlaygroundError> {
        let model = parse(&self.model)?;
        let shape = model.image();
        check_photo(width, height)?;
        let found = rgba.len();
        let photo = Raster::<4>::new(width, height, rgba);
        let photo = photo.ok_or(PlaygroundError::PhotoBytes { found, width, height })?;
        let (pixels, text, doubt) = match (self.framing, shape.channels) {
            (_, 2..) => {
                let (pixels, text) = photos::convert_whole_colour(&photo, shape);
                (pixels, text, None)
            }
            (Framing::Whole, _) => {
                let (pixels, text) = photos::convert_whole_grey(&photo.brightness(), shape);
                (pixels, text, None)
            }
            (framing, _) => {
                let form = if let Framing::Subject(form) = framing { form } else { Form::FASHION_MNIST };
                let size = (shape.rows.into(), shape.columns.into());
                let converted = photos::convert(&photo.brightness(), size, polarity, &form);
                let (pixels, conversion) = converted.ok_or(PlaygroundError::Blank)?;
                (pixels, conversion.text, conversion.doubt)
            }
        };
        self.output = pixels;
        self.output.extend(text.bytes().chain([0]).chain(doubt.unwrap_or_default().bytes()));
        Ok(())
    }

    /// Prepares to compare the open model with an answers file.
    ///
    /// # Errors
    ///
    /// Returns an error if no model is open, or the file is not for it.
    pub fn compare(&mut self, file: Vec<u8>) -> Result<(), PlaygroundError> {
        self.comparison = Comparison::new(file, &parse(&self.model)?)?;
        self.output.clear();
        Ok(())
    }

    /// Compares at most `count` more images. Writes eight counts: images in the file, images
    /// compared, logits compared, then different logits, probabilities, classes and networks, and
    /// images classified correctly.
    ///
    /// # Errors
    ///
    /// Returns an error if no model or no answers file is open.
    pub fn advance(&mut self, count: usize) -> Result<(), PlaygroundError> {
        let counts = self.comparison.advance(&parse(&self.model)?, &mut self.workspace, count)?;
        self.output = counts.values().iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(())
    }

    /// Writes the pixels of image `index` of the answers file, then its label.
    ///
    /// # Errors
    ///
    /// Returns an error if the file does not have this image.
    pub fn answered_image(&mut self, index: usize) -> Result<(), PlaygroundError> {
        let shape = parse(&self.model)?.image();
        let (pixels, label) = self.comparison.image(index).ok_or(PlaygroundError::NoSample { index, shape })?;
        self.output = pixels.to_vec();
        self.output.push(label);
        Ok(())
    }
}

/// Checks the size of a photo, before the page reads its pixels.
///
/// # Errors
///
/// Returns an error if it has no pixels, or too many.
pub fn check_photo(width: u32, height: u32) -> Result<(), PlaygroundError> {
    match width.checked_mul(height) {
        Some(1..=MAX_PIXELS) => Ok(()),
        _ => Err(PlaygroundError::PhotoSize { width, height }),
    }
}

fn parse(model: &[u8]) -> Result<Model<'_>, PlaygroundError> {
    if model.is_empty() { Err(PlaygroundError::NoModel) } else { Ok(Model::parse(model)?) }
}
