//! The data set: images in files of any form, or rows of features, checked before use.
//!
//! ```text
//!  --data --source--> Content --splits--> training and test split --checks--> Dataset
//! ```

mod augment;
mod checksum;
mod class_names;
mod content;
mod download;
mod error;
mod features;
mod held_out;
mod idx;
pub mod image;
mod locate;
mod names;
mod origin;
mod reading;
mod soft_labels;
mod source;
mod split;
mod statistics;

use std::path::{Path, PathBuf};

use prenda::Shape;

use self::content::{Content, Part};

pub use augment::{VERSIONS, Version, mirror};
pub use checksum::{Hash, hex, sha256};
pub use class_names::{ClassNamesError, FILE_NAME as CLASS_NAMES_FILE};
pub use content::Framing;
pub use error::DatasetError;
pub use features::{FeatureSummary, OwnedFeature};
pub use held_out::{HeldOut, Validation, ValidationOrder};
pub use locate::Places;
pub use names::find as find_idx;
pub use origin::Origin;
pub use reading::Reading;
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

/// The data set of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// `None` for Fashion-MNIST, which has its own places.
    pub place: Option<PathBuf>,
    pub reading: Reading,
}

/// The data set to load. The default is Fashion-MNIST, wherever it is found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The user's `--data`, which may name any consistent data set. Other places must have
    /// Fashion-MNIST.
    pub folder: Option<&'a Path>,
    /// The data set that the model's run recorded; `folder` has priority.
    pub recorded: Option<&'a Recorded>,
    /// The user's options; `None` for those that the run recorded.
    pub reading: Option<&'a Reading>,
    /// The features of a model, which scale rows; those of the data set are measured otherwise.
    pub features: &'a [OwnedFeature],
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
    /// The shape of all images.
    pub shape: Shape,
    /// The options with which they were read.
    pub reading: Reading,
    pub framing: Framing,
    /// One for each value of a row, or none for images.
    pub features: Vec<OwnedFeature>,
    /// One name for each class.
    pub class_names: Vec<String>,
    /// The file with the names, if they were read from a file.
    pub class_names_file: Option<PathBuf>,
    /// True if all four files are Fashion-MNIST's.
    pub is_fashion_mnist: bool,
    /// SHA-256 of the training images followed by the training labels, each as an IDX file of
    /// unsigned bytes.
    pub train_hash: Hash,
    /// The same for the test images and labels.
    pub test_hash: Hash,
    pub train: Split,
    pub test: Split,
    /// The files that the images and labels were read from.
    sources: Vec<PathBuf>,
}

impl Dataset {
    /// Finds a data set, or downloads Fashion-MNIST, then reads and checks it.
    ///
    /// # Errors
    ///
    /// Returns an error if no data set is found, or if it fails a check.
    pub fn load(wanted: Wanted<'_>) -> Result<Self, DatasetError> {
        let recorded = wanted.recorded.and_then(|recorded| recorded.place.clone());
        let places = Places { recorded, ..Places::of_this_system(wanted.folder) };
        let (folder, origin) = match places.locate()? {
            Some(found) => found,
            None => (download::fill(&places.cache.ok_or(DatasetError::NoCache)?)?, Origin::Downloaded),
        };
        let recorded = wanted.recorded.map(|recorded| &recorded.reading);
        let reading = wanted.reading.or(recorded).cloned().unwrap_or_default();
        match Self::read(&folder, origin, &reading, wanted) {
            // The recorded options may belong to another form of the same data set.
            Err(DatasetError::Option { .. }) if wanted.reading.is_none() => {
                Self::read(&folder, origin, &Reading::default(), wanted)
            }
            read => read,
        }
    }

    fn read(folder: &Path, origin: Origin, reading: &Reading, wanted: Wanted<'_>) -> Result<Self, DatasetError> {
        let mut content = source::read(folder, origin, reading, wanted.features)?;
        if reading.grey {
            content.train.make_grey();
            content.test.iter_mut().for_each(Part::make_grey);
        }
        let test = content.splits(folder, reading)?;
        Self::check(folder.to_owned(), origin, reading.clone(), content, test, wanted.class_names)
    }

    /// Returns the header and the content of each IDX file of this data set, in the order of
    /// [`IdxFile::ALL`].
    pub fn idx_files(&self) -> [(Vec<u8>, &[u8]); 4] {
        let files = [&self.train, &self.test].map(|split| {
            let images = (idx::image_header(split.len(), self.shape), split.pixels.as_slice());
            [images, (idx::label_header(split.len()), split.labels.as_slice())]
        });
        let [[images, labels], [test_images, test_labels]] = files;
        [images, labels, test_images, test_labels]
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
        self.sources.iter().cloned().chain(self.class_names_file.clone())
    }

    /// Checks that the splits fit together.
    fn check(
        folder: PathBuf,
        origin: Origin,
        reading: Reading,
        content: Content,
        test: Part,
        class_names: Option<&Path>,
    ) -> Result<Self, DatasetError> {
        let Content { train, class_names: found_names, files, framing, features, .. } = content;
        let is_fashion_mnist = check_fashion_mnist(origin, &files, &train, &test)?;
        let hash = |part: &Part| {
            checksum::sha256_of_parts(&[&part.image_header(), &part.pixels, &part.label_header(), &part.labels])
        };
        let (train_hash, test_hash) = (hash(&train), hash(&test));

        train.check_counts(&folder, "training")?;
        test.check_counts(&folder, "test")?;
        let shape = check_shapes(&folder, &train, &test)?;
        let classes = check_labels(&folder, &train.labels, &test.labels)?;
        let in_folder = folder.join(class_names::FILE_NAME);
        let class_names_file = class_names.map(Path::to_owned).or_else(|| in_folder.exists().then_some(in_folder));
        let class_names = match (&class_names_file, found_names) {
            (Some(file), _) => class_names::read(file, classes)?,
            (None, Some(names)) => names,
            (None, None) if is_fashion_mnist => FASHION_MNIST_CLASSES.map(str::to_owned).to_vec(),
            (None, None) => (0..classes).map(|class| class.to_string()).collect(),
        };
        Ok(Self {
            folder,
            origin,
            shape,
            reading,
            framing,
            features,
            class_names,
            class_names_file,
            is_fashion_mnist,
            train_hash,
            test_hash,
            train: train.into(),
            test: test.into(),
            sources: files,
        })
    }
}

/// Returns true if the images and labels are Fashion-MNIST's.
///
/// # Errors
///
/// Returns an error if they are not, and the user did not name them.
fn check_fashion_mnist(origin: Origin, files: &[PathBuf], train: &Part, test: &Part) -> Result<bool, DatasetError> {
    let mut is_fashion_mnist = true;
    for (place, (file, header, content)) in [
        (IdxFile::TrainImages, train.image_header(), &train.pixels),
        (IdxFile::TrainLabels, train.label_header(), &train.labels),
        (IdxFile::TestImages, test.image_header(), &test.pixels),
        (IdxFile::TestLabels, test.label_header(), &test.labels),
    ]
    .into_iter()
    .enumerate()
    {
        let found = hex(&checksum::sha256_of_parts(&[&header, content]));
        let expected = checksum::fashion_mnist(file);
        if found != expected {
            is_fashion_mnist = false;
            if !matches!(origin, Origin::Given | Origin::Run) {
                // The other places have four IDX files.
                let path = files.get(place).cloned().unwrap_or_default();
                return Err(DatasetError::NotFashionMnist { path, found, expected });
            }
        }
    }
    Ok(is_fashion_mnist)
}

/// Returns the shape of all images.
fn check_shapes(folder: &Path, train: &Part, test: &Part) -> Result<Shape, DatasetError> {
    let (folder, train, test) = (folder.to_owned(), train.shape, test.shape);
    if train == test {
        return Ok(train);
    }
    if train.channels != test.channels {
        return Err(DatasetError::Channels { folder, train, test });
    }
    Err(DatasetError::Shapes { folder, train, test })
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
