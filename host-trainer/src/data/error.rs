use std::io;
use std::path::{Path, PathBuf};

use prenda::Shape;
use thiserror::Error;

/// Why a data set cannot be used.
#[derive(Debug, Error)]
pub enum DatasetError {
    #[error(
        "no {name}.gz or {name} in {folder} ({named_by}); a data set is four IDX files, gzipped or not, or a folder \
         for each class with images"
    )]
    Missing { name: &'static str, folder: PathBuf, named_by: &'static str },
    #[error(
        "{folder} ({named_by}) does not exist; name a data set, such as a folder with train-images-idx3-ubyte and \
         three other IDX files"
    )]
    NoFolder { folder: PathBuf, named_by: &'static str },
    #[error("{path} ({named_by}) is a file; name the folder that contains the four IDX files")]
    NotAFolder { path: PathBuf, named_by: &'static str },
    #[error("cannot read folder {folder} ({named_by})")]
    Folder { folder: PathBuf, named_by: &'static str, source: io::Error },
    /// A file has the right name, but cannot be used.
    #[error("data file {path} {reason}")]
    Unusable { path: PathBuf, reason: String },
    #[error(
        "{folder} ({named_by}) has files of several data sets, whose names begin with {}; copy the four files of one \
         into a folder of their own",
        .prefixes.join(", ")
    )]
    Several { folder: PathBuf, named_by: &'static str, prefixes: Vec<String> },
    #[error("data set {path}: {reason}")]
    Content { path: PathBuf, reason: String },
    /// An option does not apply, or is missing.
    #[error("data set {path}: {reason}")]
    Option { path: PathBuf, reason: String },
    #[error("cannot read data file {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("data file {path} is damaged or cut off: it does not decompress; get it again")]
    Decompress { path: PathBuf, source: io::Error },
    /// A file is shorter than its header says. Both counts are decompressed and include the header.
    #[error("data file {path} is cut off: found {found} bytes of the {expected} in its header; get it again")]
    Truncated { path: PathBuf, expected: u64, found: u64 },
    /// A file is longer than the `expected` bytes, header included.
    #[error("data file {path} has bytes after the {expected} in its header; get it again")]
    Trailing { path: PathBuf, expected: u64 },
    /// A file that does not begin like IDX.
    #[error("data file {path} does not begin like IDX {kind}: {found}")]
    Foreign { path: PathBuf, kind: &'static str, found: String },
    /// A file of another type, or with other dimensions.
    #[error("data file {path}: found {found}, expected {expected}")]
    Layout { path: PathBuf, found: String, expected: &'static str },
    /// An item is not a byte.
    #[error("data file {path}: {kind}: item {index} of {element} is {item}, expected 0..=255; scale the values")]
    Item { path: PathBuf, kind: &'static str, element: &'static str, index: usize, item: i64 },
    /// A number in a header is out of range.
    #[error("data file {path}: found a {what} of {found}, expected {least}..={most}")]
    Size { path: PathBuf, what: &'static str, found: u64, least: u64, most: u64 },
    #[error(
        "{folder}: {images} images but {labels} labels in the {split} split; are files of different data sets mixed?"
    )]
    Counts { folder: PathBuf, split: &'static str, images: usize, labels: usize },
    #[error(
        "{folder}: training images of {} x {} pixels but test images of {} x {}; all images must have the same size",
        .train.rows, .train.columns, .test.rows, .test.columns
    )]
    Shapes { folder: PathBuf, train: Shape, test: Shape },
    #[error(
        "{folder}: training images with {} channels but test images with {}; convert them, or add --grey",
        .train.channels, .test.channels
    )]
    Channels { folder: PathBuf, train: Shape, test: Shape },
    /// No training image has the label `absent`, but one has a larger label.
    #[error(
        "the training labels in {folder} go up to {largest}, but no image has label {absent}; \
         labels must be 0, 1, .. without a gap"
    )]
    LabelGap { folder: PathBuf, largest: u8, absent: usize },
    /// A test image has a label that no training image has.
    #[error(
        "test image {image} in {folder} has label {label}, but the training images have {classes} classes, \
         labels 0..={}",
        .classes - 1
    )]
    LabelRange { folder: PathBuf, image: usize, label: u8, classes: usize },
    #[error("all training images in {folder} have label 0; at least two classes are needed")]
    OneClass { folder: PathBuf },
    #[error(transparent)]
    ClassNames(#[from] super::ClassNamesError),
    /// A file that `--data` does not name is not Fashion-MNIST's. Hashes are of decompressed bytes.
    #[error(
        "data file {path} is not Fashion-MNIST's: SHA-256 {found}, expected {expected}; \
         get it again, or use the folder as it is with --data"
    )]
    NotFashionMnist { path: PathBuf, found: String, expected: &'static str },
    #[error(
        "cannot download {address}; install Debian's dataset-fashion-mnist, \
         or get the four files elsewhere and name their folder with --data or FASHION_MNIST_DIR"
    )]
    Download { address: String, source: Box<ureq::Error> },
    #[error(
        "{address} is not Fashion-MNIST's file ({reason}); nothing was kept; \
         install Debian's dataset-fashion-mnist, or name a folder with --data"
    )]
    Downloaded { address: String, reason: String },
    #[error("cannot keep a downloaded file in the cache")]
    Cache(#[source] crate::support::files::WriteError),
    #[error("no data set found, and this system has no cache folder; name a folder with --data or FASHION_MNIST_DIR")]
    NoCache,
}

impl DatasetError {
    pub fn content(path: &Path, reason: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), reason: reason.into() }
    }

    pub fn option(path: &Path, reason: impl Into<String>) -> Self {
        Self::Option { path: path.to_owned(), reason: reason.into() }
    }
}
