//! The data set: four IDX files in a folder, checked before use.

mod augment;
mod checksum;
mod class_names;
mod download;
mod error;
mod held_out;
mod idx;
pub mod image;
mod locate;
mod names;
mod origin;
mod soft_labels;
mod split;
mod statistics;

use std::path::{Path, PathBuf};

use self::idx::{IdxImages, IdxLabels};

pub use augment::{VERSIONS, Version};
pub use checksum::{Hash, hex, sha256};
pub use class_names::ClassNamesError;
pub use error::DatasetError;
pub use held_out::{HeldOut, Validation, ValidationOrder};
pub use locate::Places;
pub use origin::Origin;
pub use soft_labels::{Description, SoftLabels, SoftLabelsError};
pub use split::Split;
pub use statistics::Statistics;

/// The classes of Fashion-MNIST, in the order of their labels.
pub const FASHION_MNIST_CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// One of a data set's four files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdxFile {
    TrainImages,
    TrainLabels,
    TestImages,
    TestLabels,
}

impl IdxFile {
    pub const ALL: [Self; 4] = [Self::TrainImages, Self::TrainLabels, Self::TestImages, Self::TestLabels];

    /// Returns the file's name without `.gz`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrainImages => "train-images-idx3-ubyte",
            Self::TrainLabels => "train-labels-idx1-ubyte",
            Self::TestImages => "t10k-images-idx3-ubyte",
            Self::TestLabels => "t10k-labels-idx1-ubyte",
        }
    }
}

/// The data set to load. The default is Fashion-MNIST, wherever it is found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The user's `--data`, which may name any consistent data set. Other places must have
    /// Fashion-MNIST.
    pub folder: Option<&'a Path>,
    /// The folder that the model's run recorded; `folder` has priority.
    pub recorded: Option<&'a Path>,
    /// The user's `--class-names`. The default is `class-names.txt` in the data set's folder, if it
    /// exists.
    pub class_names: Option<&'a Path>,
}

/// A checked data set: shapes agree, and labels are 0, 1, .. without a gap.
#[derive(Clone, Debug)]
pub struct Dataset {
    pub folder: PathBuf,
    /// The reason for choosing this folder.
    pub origin: Origin,
    pub rows: u16,
    pub columns: u16,
    /// One name for each class.
    pub class_names: Vec<String>,
    /// The file with the names, if they were read from a file.
    pub class_names_file: Option<PathBuf>,
    /// True if all four files are Fashion-MNIST's.
    pub is_fashion_mnist: bool,
    /// SHA-256 of the training images' file followed by the training labels' file, decompressed.
    pub train_hash: Hash,
    /// The same for the test images and labels.
    pub test_hash: Hash,
    pub train: Split,
    pub test: Split,
}

impl Dataset {
    /// Finds a data set, or downloads Fashion-MNIST, then reads and checks it.
    ///
    /// # Errors
    ///
    /// Returns an error if no data set is found, or if it fails a check.
    pub fn load(wanted: Wanted<'_>) -> Result<Self, DatasetError> {
        let recorded = wanted.recorded.map(Path::to_owned);
        let places = Places { recorded, ..Places::of_this_system(wanted.folder) };
        let (folder, origin) = match places.locate()? {
            Some(found) => found,
            None => (download::fill(&places.cache.ok_or(DatasetError::NoCache)?)?, Origin::Downloaded),
        };
        Self::read(folder, origin, wanted.class_names)
    }

    /// Returns a hash of images, labels and class names, in hexadecimal digits, unless they are
    /// Fashion-MNIST's.
    pub fn unusual_hash(&self) -> Option<String> {
        if self.is_fashion_mnist && self.class_names == FASHION_MNIST_CLASSES {
            return None;
        }
        let names = self.class_names.join("\n");
        Some(hex(&checksum::sha256_of_parts(&[&self.train_hash, &self.test_hash, names.as_bytes()])))
    }

    /// Returns the files that the data set was read from.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        IdxFile::ALL.into_iter().filter_map(|file| names::find(file, &self.folder)).chain(self.class_names_file.clone())
    }

    /// Reads and checks the data set in `folder`.
    fn read(folder: PathBuf, origin: Origin, class_names: Option<&Path>) -> Result<Self, DatasetError> {
        let path = |file: IdxFile| names::find(file, &folder).ok_or_else(|| names::explain(file, &folder, origin));
        let train_images = idx::read_images(&path(IdxFile::TrainImages)?)?;
        let train_labels = idx::read_labels(&path(IdxFile::TrainLabels)?)?;
        let test_images = idx::read_images(&path(IdxFile::TestImages)?)?;
        let test_labels = idx::read_labels(&path(IdxFile::TestLabels)?)?;

        let mut is_fashion_mnist = true;
        for (file, header, content) in [
            (IdxFile::TrainImages, &train_images.header[..], &train_images.pixels),
            (IdxFile::TrainLabels, &train_labels.header[..], &train_labels.labels),
            (IdxFile::TestImages, &test_images.header[..], &test_images.pixels),
            (IdxFile::TestLabels, &test_labels.header[..], &test_labels.labels),
        ] {
            let found = hex(&checksum::sha256_of_parts(&[header, content]));
            let expected = checksum::fashion_mnist(file);
            if found != expected {
                is_fashion_mnist = false;
                if !matches!(origin, Origin::Given | Origin::Run) {
                    return Err(DatasetError::NotFashionMnist { path: path(file)?, found, expected });
                }
            }
        }
        let hash = |images: &IdxImages, labels: &IdxLabels| {
            checksum::sha256_of_parts(&[&images.header, &images.pixels, &labels.header, &labels.labels])
        };
        let (train_hash, test_hash) = (hash(&train_images, &train_labels), hash(&test_images, &test_labels));

        check_counts(&folder, "training", &train_images, &train_labels)?;
        check_counts(&folder, "test", &test_images, &test_labels)?;
        let (rows, columns) = check_shapes(&folder, &train_images, &test_images)?;
        let classes = check_labels(&folder, &train_labels.labels, &test_labels.labels)?;
        let in_folder = folder.join(class_names::FILE_NAME);
        let class_names_file = class_names.map(Path::to_owned).or_else(|| in_folder.exists().then_some(in_folder));
        let class_names = match &class_names_file {
            Some(file) => class_names::read(file, classes)?,
            None if is_fashion_mnist => FASHION_MNIST_CLASSES.map(str::to_owned).to_vec(),
            None => (0..classes).map(|class| class.to_string()).collect(),
        };
        let width = train_images.rows * train_images.columns;
        Ok(Self {
            folder,
            origin,
            rows,
            columns,
            class_names,
            class_names_file,
            is_fashion_mnist,
            train_hash,
            test_hash,
            train: Split { width, pixels: train_images.pixels, labels: train_labels.labels },
            test: Split { width, pixels: test_images.pixels, labels: test_labels.labels },
        })
    }
}

fn check_counts(
    folder: &Path,
    split: &'static str,
    images: &IdxImages,
    labels: &IdxLabels,
) -> Result<(), DatasetError> {
    let (images, labels) = (images.pixels.len() / (images.rows * images.columns), labels.labels.len());
    if images == labels {
        return Ok(());
    }
    Err(DatasetError::Counts { folder: folder.to_owned(), split, images, labels })
}

/// Returns the size of all images, in rows and columns.
fn check_shapes(folder: &Path, train: &IdxImages, test: &IdxImages) -> Result<(u16, u16), DatasetError> {
    let shapes = || DatasetError::Shapes {
        folder: folder.to_owned(),
        train_rows: train.rows,
        train_columns: train.columns,
        test_rows: test.rows,
        test_columns: test.columns,
    };
    if (train.rows, train.columns) != (test.rows, test.columns) {
        return Err(shapes());
    }
    // Both are at most 16,384, checked by `idx::read_images`.
    let word = |size: usize| u16::try_from(size).map_err(|_| shapes());
    Ok((word(train.rows)?, word(train.columns)?))
}

/// Returns the number of classes.
fn check_labels(folder: &Path, train: &[u8], test: &[u8]) -> Result<usize, DatasetError> {
    let mut occurs = [false; u8::MAX as usize + 1];
    for &label in train {
        occurs[usize::from(label)] = true;
    }
    let folder = || folder.to_owned();
    let largest = train.iter().copied().max().unwrap_or(0);
    let classes = usize::from(largest) + 1;
    if let Some(absent) = occurs.iter().take(classes).position(|occurs| !occurs) {
        return Err(DatasetError::LabelGap { folder: folder(), largest, absent });
    }
    if classes == 1 {
        return Err(DatasetError::OneClass { folder: folder() });
    }
    match test.iter().position(|&label| label > largest) {
        Some(image) => Err(DatasetError::LabelRange { folder: folder(), image, label: test[image], classes }),
        None => Ok(classes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_and_checked() {
        let check = |train: &[u8], test: &[u8]| check_labels(Path::new("somewhere"), train, test);
        assert_eq!(check(&[1, 0, 2, 0], &[2, 2]).unwrap(), 3);
        assert!(matches!(check(&[0, 2], &[0]), Err(DatasetError::LabelGap { largest: 2, absent: 1, .. })));
        assert!(matches!(check(&[0, 0], &[0]), Err(DatasetError::OneClass { .. })));
        let error = check(&[0, 1], &[1, 0, 2]).unwrap_err();
        assert!(error.to_string().contains("test image 2 in somewhere has label 2"), "{error}");
        assert!(error.to_string().contains("labels 0..=1"), "{error}");
    }
}
