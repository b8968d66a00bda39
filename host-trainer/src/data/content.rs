//! The content of a data set's files, as every reader returns it.

use std::path::{Path, PathBuf};

use prenda::{MAX_WIDTH, Shape};
use serde::{Deserialize, Serialize};

use super::{DatasetError, HeldOut, OwnedFeature, Reading, Split, ValidationOrder, idx};

/// Most images of a split: the provenance counts them in 32 bits, and memory is finite.
pub const MAX_IMAGES: usize = 1 << 24;
/// Most bytes of a split's pixels.
pub const MAX_PIXEL_BYTES: usize = 1 << 30;

/// Images of one shape with their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub shape: Shape,
    /// `[image][row][column][channel]`.
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
}

/// The way from files to images, which `predict --image` repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// Their subjects were placed like those of the data set.
    #[default]
    Subject,
    /// Whole images were scaled.
    Whole,
}

/// The content of a data set's files.
#[derive(Debug)]
pub struct Content {
    pub train: Part,
    /// `None` if the files do not say which images are for testing.
    pub test: Option<Part>,
    /// The names of the classes, if the files have them.
    pub class_names: Option<Vec<String>>,
    pub files: Vec<PathBuf>,
    pub framing: Framing,
    /// One for each value of a row, or none for images.
    pub features: Vec<OwnedFeature>,
}

impl Part {
    /// Returns the number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.shape.count().max(1)
    }

    /// Fails if the number of images of the split of this name is not that of labels.
    pub fn check_counts(&self, path: &Path, split: &'static str) -> Result<(), DatasetError> {
        let (images, labels) = (self.len(), self.labels.len());
        if images == labels {
            return Ok(());
        }
        Err(DatasetError::Counts { folder: path.to_owned(), split, images, labels })
    }

    /// Returns the header of an IDX file of these images.
    pub fn image_header(&self) -> Vec<u8> {
        idx::image_header(self.len(), self.shape)
    }

    /// Returns the header of an IDX file of these labels.
    pub fn label_header(&self) -> Vec<u8> {
        idx::label_header(self.labels.len())
    }

    /// Makes colours grey.
    pub fn make_grey(&mut self) {
        if self.shape.channels != 3 {
            return;
        }
        let (pixels, _) = self.pixels.as_chunks::<3>();
        self.pixels = pixels.iter().map(|pixel| grey(*pixel)).collect();
        self.shape.channels = 1;
    }
}

impl From<Part> for Split {
    fn from(part: Part) -> Self {
        Self { width: part.shape.count(), pixels: part.pixels, labels: part.labels }
    }
}

impl Content {
    /// Returns the training and the test split. Chooses test images by class if the files have
    /// none.
    ///
    /// # Errors
    ///
    /// Returns an error if there are neither test images nor a share of them, or both.
    pub fn splits(&mut self, path: &Path, reading: &Reading) -> Result<Part, DatasetError> {
        match (self.test.take(), reading.test_share) {
            (Some(test), None) => Ok(test),
            (Some(_), Some(_)) => {
                Err(DatasetError::option(path, "it has test images of its own; leave out --test-share"))
            }
            (None, None) => Err(DatasetError::option(path, "it has no test images of its own; add --test-share 0.15")),
            (None, Some(share)) => {
                let train = &mut self.train;
                train.check_counts(path, "training")?;
                let indices = choose_test(&train.labels, share, reading);
                let shape = train.shape;
                let mut split = Split {
                    width: shape.count(),
                    pixels: std::mem::take(&mut train.pixels),
                    labels: std::mem::take(&mut train.labels),
                };
                let test = split.take(&indices);
                (train.pixels, train.labels) = (split.pixels, split.labels);
                let is_empty = train.labels.is_empty() || test.labels.is_empty();
                let part = Part { shape, pixels: test.pixels, labels: test.labels };
                let reason = || format!("--test-share {share} leaves a split without images; choose another share");
                if is_empty { Err(DatasetError::option(path, reason())) } else { Ok(part) }
            }
        }
    }
}

/// Returns the indices of the images for testing, a `share` of each class, of images with these
/// `labels`.
pub fn choose_test(labels: &[u8], share: f64, reading: &Reading) -> Vec<usize> {
    let count = (share * labels.len() as f64).round() as usize;
    HeldOut { count, order: ValidationOrder::Class, seed: reading.seed() }.choose(labels)
}

/// Returns the brightness of red, green and blue by Rec. 709, like the crate `image`.
pub fn grey([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 2126 * u32::from(red) + 7152 * u32::from(green) + 722 * u32::from(blue);
    ((sum + 5000) / 10_000) as u8
}

/// Returns the shape of images, if a model can have it.
///
/// # Errors
///
/// Returns what is wrong otherwise.
pub fn shape([rows, columns, channels]: [usize; 3]) -> Result<Shape, String> {
    let count = rows.saturating_mul(columns).saturating_mul(channels);
    if !matches!(channels, 1 | 3) {
        return Err(format!("its images have {channels} channels, expected 1 (grey) or 3 (red, green, blue)"));
    }
    let word = |size: usize| u16::try_from(size).ok().filter(|_| (1..=MAX_WIDTH).contains(&count));
    match (word(rows), word(columns)) {
        (Some(rows), Some(columns)) => Ok(Shape { rows, columns, channels: channels as u16 }),
        _ => Err(format!(
            "its images have {rows} x {columns} pixels with {channels} channels, expected 1..={MAX_WIDTH} values in \
             all; add a smaller --image-size"
        )),
    }
}

/// Checks the number of images, and returns the number of their pixel values.
///
/// # Errors
///
/// Returns what is wrong with it.
pub fn pixel_count(images: usize, shape: Shape) -> Result<usize, String> {
    let bytes = images.checked_mul(shape.count()).filter(|bytes| *bytes <= MAX_PIXEL_BYTES);
    let bytes = bytes.filter(|_| (1..=MAX_IMAGES).contains(&images));
    bytes.ok_or_else(|| {
        format!(
            "{images} images of {} values, expected 1..={MAX_IMAGES} images and at most {} MiB in all",
            shape.count(),
            MAX_PIXEL_BYTES >> 20
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(channels: u16, count: u8) -> Part {
        let shape = Shape { rows: 1, columns: 2, channels };
        let pixels = (0..count * 2 * channels as u8).collect();
        Part { shape, pixels, labels: (0..count).map(|index| index % 2).collect() }
    }

    fn content(train: Part, test: Option<Part>) -> Content {
        Content { train, test, class_names: None, files: Vec::new(), framing: Framing::Whole, features: Vec::new() }
    }

    #[test]
    fn test_images_are_chosen_by_class_and_seed() {
        let share = |test_share, test_seed| Reading { test_share, test_seed, ..Reading::default() };
        let split = |reading: &Reading| {
            let mut content = content(part(1, 20), None);
            let test = content.splits(Path::new("data"), reading).unwrap();
            (content.train, test)
        };
        let (train, test) = split(&share(Some(0.2), None));
        assert_eq!((train.len(), test.len(), test.labels.iter().sum::<u8>()), (16, 4, 2));
        assert_eq!(split(&share(Some(0.2), Some(1))).1, test);
        assert_ne!(split(&share(Some(0.2), Some(2))).1, test);
        let error = |test, reading: &Reading| {
            content(part(1, 20), test).splits(Path::new("data"), reading).unwrap_err().to_string()
        };
        assert!(error(None, &share(None, None)).contains("add --test-share"));
        assert!(error(None, &share(Some(0.001), None)).contains("without images"));
        assert!(error(Some(part(1, 2)), &share(Some(0.5), None)).contains("leave out --test-share"));
    }

    #[test]
    fn colours_become_grey_like_those_of_images() {
        let mut colours = part(3, 2);
        colours.make_grey();
        assert_eq!((colours.shape, colours.len()), (Shape::grey(1, 2), 2));
        for pixel in (0..5000_u32).map(|index| [index * 7, index * 11, index * 13].map(|value| value as u8)) {
            let image = image::RgbImage::from_pixel(1, 1, image::Rgb(pixel));
            assert_eq!(image::DynamicImage::from(image).into_luma8().into_raw(), [grey(pixel)], "{pixel:?}");
        }
    }

    #[test]
    fn shapes_are_bounded() {
        assert_eq!(shape([28, 28, 1]), Ok(Shape::grey(28, 28)));
        assert!(shape([28, 28, 4]).unwrap_err().contains("4 channels"));
        for sizes in [[0, 28, 1], [129, 128, 1], [128, 128, 3], [usize::MAX, 2, 3]] {
            assert!(shape(sizes).unwrap_err().contains("--image-size"), "{sizes:?}");
        }
        assert_eq!(pixel_count(2, Shape::grey(3, 3)), Ok(18));
        for images in [0, MAX_IMAGES + 1, usize::MAX] {
            pixel_count(images, Shape::grey(3, 3)).unwrap_err();
        }
    }
}
