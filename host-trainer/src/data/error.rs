//! Why a data set cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a data set cannot be used: which file, what is wrong, what to do.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// A folder that was named does not hold a file.
    #[error("no {name}.gz and no {name} in {folder} ({named_by}); a data set is four IDX files, gzipped or not")]
    Missing {
        /// Base name of the file.
        name: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
        /// What named the folder.
        named_by: &'static str,
    },
    /// A file cannot be opened or read.
    #[error("cannot read data file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A gzipped file cannot be decompressed to its end.
    #[error("data file {path} is damaged or cut off: it does not decompress; get it again")]
    Decompress {
        /// The file.
        path: PathBuf,
        /// What the decompressor says.
        source: io::Error,
    },
    /// A file is shorter than its header says.
    #[error("data file {path} is cut off: {found} bytes of the {expected} that it should have; get it again")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header asks for, itself included.
        expected: u64,
        /// Bytes found, decompressed.
        found: u64,
    },
    /// A file goes on after the last item of its header's count.
    #[error("data file {path} has bytes behind the {expected} that its header asks for; get it again")]
    Trailing {
        /// The file.
        path: PathBuf,
        /// Bytes that the header asks for, itself included.
        expected: u64,
    },
    /// A file is not the kind of IDX file that its name says.
    #[error(
        "data file {path} does not begin like IDX {kind}: {found:#010x} instead of {expected:#010x}; are the files mixed up?"
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// `images` or `labels`.
        kind: &'static str,
        /// The first four bytes of such a file.
        expected: u32,
        /// The first four bytes found.
        found: u32,
    },
    /// A header asks for something that no data set of this program can have.
    #[error("data file {path}: {what} of {found} is outside {least}..={most}")]
    Size {
        /// The file.
        path: PathBuf,
        /// What is out of range.
        what: &'static str,
        /// Its value.
        found: u64,
        /// Least value.
        least: u64,
        /// Largest value.
        most: u64,
    },
    /// Images and labels do not belong together.
    #[error("{images} images but {labels} labels in {folder} ({split} split): are files of different data sets mixed?")]
    Counts {
        /// The folder.
        folder: PathBuf,
        /// `training` or `test`.
        split: &'static str,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The two splits have images of different shapes.
    #[error(
        "training images of {train_rows} x {train_columns} pixels but test images of {test_rows} x {test_columns} in {folder}"
    )]
    Shapes {
        /// The folder.
        folder: PathBuf,
        /// Rows of a training image.
        train_rows: usize,
        /// Columns of a training image.
        train_columns: usize,
        /// Rows of a test image.
        test_rows: usize,
        /// Columns of a test image.
        test_columns: usize,
    },
    /// The labels of a split are not 0, 1, .. without a gap.
    #[error(
        "the training labels in {folder} go up to {largest}, but no image has label {absent}: labels are 0, 1, .. without a gap"
    )]
    LabelGap {
        /// The folder.
        folder: PathBuf,
        /// The largest label.
        largest: u8,
        /// A smaller one that no image has.
        absent: usize,
    },
    /// A test image has a label that no training image has.
    #[error("test image {image} in {folder} has label {label}, but the training images have {classes} classes, labels 0..={}", .classes - 1)]
    LabelRange {
        /// The folder.
        folder: PathBuf,
        /// Index of the image.
        image: usize,
        /// Its label.
        label: u8,
        /// Number of classes.
        classes: usize,
    },
    /// One class only.
    #[error("all training images in {folder} have label 0: there is nothing to tell apart")]
    OneClass {
        /// The folder.
        folder: PathBuf,
    },
    /// The classes cannot be given their names.
    #[error(transparent)]
    ClassNames(#[from] super::ClassNamesError),
    /// A file is consistent but not Fashion-MNIST's, in a place where only Fashion-MNIST belongs.
    #[error(
        "data file {path} is not Fashion-MNIST's: SHA-256 {found}, expected {expected}; delete it or get it again, or name the folder by --data to use it as it is"
    )]
    NotFashionMnist {
        /// The file.
        path: PathBuf,
        /// Its hash, decompressed.
        found: String,
        /// Fashion-MNIST's.
        expected: &'static str,
    },
    /// The data set is nowhere, and cannot be downloaded.
    #[error(
        "cannot download {address}; install Debian's dataset-fashion-mnist, or get the four files elsewhere and name their folder by --data or FASHION_MNIST_DIR"
    )]
    Download {
        /// What was to be downloaded.
        address: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// What was downloaded is not the data set.
    #[error(
        "{address} is not Fashion-MNIST's file ({reason}); nothing was kept; install Debian's dataset-fashion-mnist, or name a folder by --data"
    )]
    Downloaded {
        /// What was downloaded.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The cache cannot be written to.
    #[error("cannot keep a downloaded file in the cache")]
    Cache(#[source] crate::support::files::WriteError),
    /// The system has no folder for caches.
    #[error(
        "no data set found, and this system names no folder for caches; name a folder by --data or FASHION_MNIST_DIR"
    )]
    NoCache,
}
