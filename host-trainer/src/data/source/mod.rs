//! Reads data sets of any supported form. Content and names in a folder decide the form.

mod arrays;
mod cifar;
mod class_folders;
mod idx_files;
mod tables;

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use prenda::Shape;
use readers::table::Table;

use super::content::{Content, choose_test, shape};
use super::features::{check_names, scale};
use super::{DatasetError, Origin, OwnedFeature, Reading, names};
use crate::support::gunzip::{self, Gunzip};
use crate::support::{bounded, format};

/// The form of a data set.
enum Form {
    Idx,
    ClassFolders,
    Arrays,
    Tables { train: PathBuf, test: Option<PathBuf> },
    Cifar,
}

/// Reads the data set at `path`, as `reading` says. Scales rows with `features` if there are any;
/// otherwise measures them.
///
/// # Errors
///
/// Returns an error if a data set is missing, if one of its files cannot be used, or if an option
/// does not apply to its form.
pub fn read(
    path: &Path,
    origin: Origin,
    reading: &Reading,
    features: &[OwnedFeature],
) -> Result<Content, DatasetError> {
    let form = if path.is_file() { of_file(path)? } else { of_folder(path) };
    let (name, options) = match form {
        Form::Idx => ("IDX files", &["--grey"][..]),
        Form::ClassFolders => ("images", &["--image-size", "--grey", "--test-share", "--skip-unreadable"][..]),
        Form::Arrays => ("NumPy arrays", &["--image-size", "--grey", "--test-share", "--key", "--features"][..]),
        Form::Tables { .. } => ("CSV", &["--image-size", "--test-share", "--label-column", "--features"][..]),
        Form::Cifar => ("CIFAR-10's files", &["--grey"][..]),
    };
    if let Some(option) = reading.used().find(|option| !options.contains(option)) {
        let reason = format!("it consists of {name}, to which {option} does not apply; leave it out");
        return Err(DatasetError::option(path, reason));
    }
    match form {
        Form::Idx => idx_files::read(path, origin),
        Form::ClassFolders => class_folders::read(path, reading),
        Form::Arrays => arrays::read(path, reading, features),
        Form::Tables { train, test } => tables::read(train, test, reading, features),
        Form::Cifar => cifar::read(path),
    }
}

/// Returns the form of a data set in a folder. What is not recognized is refused as IDX files.
fn of_folder(path: &Path) -> Form {
    if names::has_idx(path) {
        return Form::Idx;
    }
    if cifar::is_there(path) {
        return Form::Cifar;
    }
    if let Some([train, test]) = tables::find_pair(path) {
        return Form::Tables { train, test: Some(test) };
    }
    if class_folders::has_folders(path) { Form::ClassFolders } else { Form::Idx }
}

/// Returns the form of a data set in one file.
fn of_file(path: &Path) -> Result<Form, DatasetError> {
    let fail = |source| DatasetError::Read { path: path.to_owned(), source };
    let start = |reader: &mut dyn Read| {
        let mut start = Vec::new();
        // A damaged file is refused by its reader.
        let _ = reader.take(format::START_BYTES as u64).read_to_end(&mut start);
        start
    };
    let mut found = start(&mut bounded::open(path).map_err(fail)?);
    if found.starts_with(&gunzip::MAGIC) {
        found = start(&mut Gunzip::new(BufReader::new(bounded::open(path).map_err(fail)?)));
    }
    match format::name(&found) {
        Some("a zip archive") => Ok(Form::Arrays),
        // IDX files begin with two zeros; four belong to a data set.
        _ if found.starts_with(&[0, 0]) => Ok(Form::Idx),
        Some(name) => {
            let advice = "expected an NPZ archive, a CSV file or a folder; docs/data.md has a script for other forms";
            Err(DatasetError::content(path, format!("it is {name}; {advice}")))
        }
        None => Ok(Form::Tables { train: path.to_owned(), test: None }),
    }
}

/// Makes inputs of the rows of `train` and `test`, and returns them with the features. Measures the
/// features if `wanted` has none.
///
/// # Errors
///
/// Returns an error that names a column that does not fit a model, or is not the model's.
fn scale_rows(
    train: Table<f64>,
    test: Option<Table<f64>>,
    reading: &Reading,
    wanted: &[OwnedFeature],
) -> Result<(Vec<OwnedFeature>, Table, Option<Table>), String> {
    let numbered = |width: usize| (0..width).map(|index| format!("feature {index}")).collect::<Vec<_>>();
    let features = if wanted.is_empty() {
        let names = train.names.clone().unwrap_or_else(|| numbered(train.width));
        let test = reading.test_share.map(|share| choose_test(&train.labels, share, reading)).unwrap_or_default();
        OwnedFeature::measure_all(&names, &train.values, &test)?
    } else {
        wanted.to_vec()
    };
    let scaled = |table: Table<f64>| {
        let Table { names, width, labels, classes, values } = table;
        let own = || features.iter().map(|feature| feature.name.clone()).collect();
        let unnamed = || if width == features.len() { own() } else { numbered(width) };
        check_names(&features, &names.clone().unwrap_or_else(unnamed))?;
        Ok::<_, String>(Table { names, width, labels, classes, values: scale(&features, &values) })
    };
    let (train, test) = (scaled(train)?, test.map(scaled).transpose()?);
    Ok((features, train, test))
}

/// Returns the shape of an image whose pixels, or features, are a row of `width`.
fn shape_of_row(width: usize, reading: &Reading) -> Result<Shape, String> {
    let side = width.isqrt();
    let usual = if reading.features { [1, width] } else { [side, side] };
    let [rows, columns] = reading.image_size.map_or(usual, |size| size.map(usize::from));
    if rows * columns == width {
        return shape([rows, columns, 1]);
    }
    Err(match reading.image_size {
        Some(_) => format!("a row has {width} values, expected {} for --image-size {rows}x{columns}", rows * columns),
        None => format!("a row has {width} values, which are not a square; add --image-size ROWSxCOLUMNS"),
    })
}
