//! Arrays of NumPy in one archive, under the names that Keras, MedMNIST and others give them.

use std::io::{Read, Seek};
use std::path::Path;

use readers::cifar::interleave;
use readers::npy::{Array, Numbers};
use readers::npz::Archive;
use readers::table::Table;

use super::{scale_rows, shape_of_row};
use crate::data::content::{Content, Framing, Part, pixel_count, shape};
use crate::data::{DatasetError, OwnedFeature, Reading};
use crate::support::{bounded, progress};
use crate::text::printable;

/// Names of images and labels: of training and of testing, or of all.
const NAMES: [&[&str]; 6] = [
    &["x_train", "y_train", "x_test", "y_test"],
    &["train_images", "train_labels", "test_images", "test_labels"],
    &["X_train", "y_train", "X_test", "y_test"],
    &["images", "labels"],
    &["x", "y"],
    &["X", "y"],
];

/// Most names that are printed.
const MAX_NAMED: usize = 20;

/// Reads the archive at `path`.
///
/// # Errors
///
/// Returns an error if its arrays have other names, or if they are not images and labels.
pub fn read(path: &Path, reading: &Reading, features: &[OwnedFeature]) -> Result<Content, DatasetError> {
    let fail = |source| DatasetError::Read { path: path.to_owned(), source };
    let refuse = |reason: String| DatasetError::content(path, reason);
    let file = bounded::open(path).map_err(fail)?;
    let mut archive = Archive::open(std::io::BufReader::new(file)).map_err(|error| refuse(error.to_string()))?;
    let names = choose(path, archive.names(), &reading.keys)?;
    let rest: Vec<&str> =
        archive.names().iter().filter(|name| !names.contains(*name)).map(String::as_str).take(MAX_NAMED).collect();
    if !rest.is_empty() {
        progress::log(format_args!("{}: not used: {}", path.display(), rest.join(", ")));
    }
    if reading.features {
        let tables = names.chunks_exact(2).map(|names| rows(&mut archive, names)).collect::<Result<Vec<_>, _>>();
        let mut tables = tables.map_err(refuse)?.into_iter();
        let (train, test) = (tables.next().unwrap_or_default(), tables.next());
        let (features, train, test) = scale_rows(train, test, reading, features).map_err(refuse)?;
        let part = |table: Table| {
            images(Array { shape: vec![table.labels.len(), table.width], values: table.values }, table.labels, reading)
        };
        let (train, test) = (part(train).map_err(refuse)?, test.map(part).transpose().map_err(refuse)?);
        let files = vec![path.to_owned()];
        return Ok(Content { train, test, class_names: None, files, framing: Framing::Subject, features });
    }
    let mut part = |names: &[String]| {
        let [images, labels] = names else { return Err(refuse("an array is missing".to_owned())) };
        let mut array = |name: &String| archive.array(name).map_err(|error| refuse(error.to_string()));
        let (pixels, found) = (array(images)?, array(labels)?);
        let named = |name: &String, reason: String| refuse(format!("array {}: {reason}", printable(name)));
        let labels = self::labels(found).map_err(|reason| named(labels, reason))?;
        let part = self::images(pixels, labels, reading);
        part.map_err(|reason| named(images, reason))
    };
    let (train, test) = names.split_at(2);
    let train = part(train)?;
    let test = if test.is_empty() { None } else { Some(part(test)?) };
    let files = vec![path.to_owned()];
    Ok(Content { train, test, class_names: None, files, framing: Framing::Subject, features: Vec::new() })
}

/// Reads an array of rows and one of labels, of these `names`.
fn rows<R: Read + Seek>(archive: &mut Archive<R>, names: &[String]) -> Result<Table<f64>, String> {
    let [rows, labels] = names else { return Err("an array is missing".to_owned()) };
    let numbers = archive.numbers(rows).map_err(|error| error.to_string())?;
    let labels = archive.array(labels).map_err(|error| error.to_string())?;
    let labels = self::labels(labels)?;
    let array = match numbers {
        Numbers::Bytes(Array { shape, values }) => Array { shape, values: values.into_iter().map(f64::from).collect() },
        Numbers::Others(array) => array,
    };
    let named = |reason: String| format!("array {}: found {}, {reason}", printable(rows), array.describe());
    let [count, width] = array.shape[..] else { return Err(named("expected rows x features".to_owned())) };
    if count != labels.len() || width == 0 {
        return Err(named(format!("expected a row with features for each of {} labels", labels.len())));
    }
    if let Some(index) = array.values.iter().position(|value| !value.is_finite()) {
        let (row, column) = (index / width, index % width);
        return Err(named(format!(
            "with {} in row {row}, column {column}, expected finite numbers",
            array.values[index]
        )));
    }
    Ok(Table { names: None, width, labels, classes: None, values: array.values })
}

/// Returns the names to read: two or four.
fn choose(path: &Path, found: &[String], keys: &[String]) -> Result<Vec<String>, DatasetError> {
    let has = |name: &str| found.iter().any(|found| found == name);
    let list = || found.iter().take(MAX_NAMED).map(|name| printable(name)).collect::<Vec<_>>().join(", ");
    if keys.is_empty() {
        let names = NAMES.into_iter().find(|names| names.iter().all(|name| has(name)));
        let names = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let advice = "name images and labels with --key TRAIN_IMAGES,TRAIN_LABELS,TEST_IMAGES,TEST_LABELS, or the \
                      first two with --test-share";
        return names.ok_or_else(|| DatasetError::content(path, format!("it has the arrays {}; {advice}", list())));
    }
    match keys.iter().find(|key| !has(key)) {
        Some(key) => Err(DatasetError::option(path, format!("--key: it has no array {key}, but {}", list()))),
        None if matches!(keys.len(), 2 | 4) => Ok(keys.to_vec()),
        None => Err(DatasetError::option(path, format!("--key has {} names, expected 2 or 4", keys.len()))),
    }
}

/// Returns the labels of an array.
fn labels(array: Array) -> Result<Vec<u8>, String> {
    match array.shape[..] {
        [_] | [_, 1] => Ok(array.values),
        _ => Err(format!(
            "found {}, expected one label for each image; save numpy.argmax(labels, 1) if there is a column for each \
             class",
            array.describe()
        )),
    }
}

/// Returns the images of an array, with `labels`.
fn images(array: Array, labels: Vec<u8>, reading: &Reading) -> Result<Part, String> {
    let described = array.describe();
    let Array { shape: sizes, values } = array;
    let is_first = |channels: usize, last: usize| channels == 3 && !matches!(last, 1 | 3);
    let (count, shape, is_planar) = match sizes[..] {
        [count, rows, columns, channels @ (1 | 3)] => (count, shape([rows, columns, channels])?, false),
        [count, channels, rows, columns] if is_first(channels, columns) => (count, shape([rows, columns, 3])?, true),
        [count, 1, rows, columns] | [count, rows, columns] => (count, shape([rows, columns, 1])?, false),
        [count, width] => (count, shape_of_row(width, reading)?, false),
        _ => {
            return Err(format!(
                "found {described}, expected images x rows x columns, with a dimension of 3 for colours"
            ));
        }
    };
    if reading.image_size.is_some_and(|size| size != [shape.rows, shape.columns]) {
        return Err(format!("found {described}, to which --image-size does not apply; scale the images before saving"));
    }
    pixel_count(count, shape)?;
    let pixels = if is_planar {
        let mut pixels = Vec::with_capacity(values.len());
        values.chunks_exact(shape.count()).for_each(|image| interleave(image, &mut pixels));
        pixels
    } else {
        values
    };
    Ok(Part { shape, pixels, labels })
}

#[cfg(test)]
mod tests {
    use prenda::Shape;

    use super::*;

    #[test]
    fn images_of_all_layouts_are_read() {
        let read = |shape: &[usize], size: Option<[u16; 2]>| {
            let values = (0..shape.iter().product::<usize>()).map(|index| index as u8).collect();
            let reading = Reading { image_size: size, ..Reading::default() };
            images(Array { shape: shape.to_vec(), values }, vec![0; shape[0]], &reading)
        };
        let colour = Shape { rows: 2, columns: 4, channels: 3 };
        for (sizes, size, shape) in [
            (&[5, 2, 4][..], None, Shape::grey(2, 4)),
            (&[5, 2, 4, 1], None, Shape::grey(2, 4)),
            (&[5, 1, 2, 4], None, Shape::grey(2, 4)),
            (&[5, 9], None, Shape::grey(3, 3)),
            (&[5, 8], Some([2, 4]), Shape::grey(2, 4)),
            (&[5, 2, 4, 3], None, colour),
            (&[5, 3, 2, 4], None, colour),
        ] {
            let part = read(sizes, size).unwrap();
            assert_eq!((part.shape, part.len()), (shape, 5), "{sizes:?}");
        }
        assert_eq!(read(&[1, 3, 2, 4], None).unwrap().pixels[..6], [0, 8, 16, 1, 9, 17]);
        for (sizes, size, part) in [
            (&[5, 8][..], None, "--image-size"),
            (&[5, 2, 4, 4], None, "expected images x rows x columns"),
            (&[5, 2, 4], Some([4, 2]), "does not apply"),
            (&[5], None, "expected images"),
            (&[0, 2, 4], None, "0 images"),
            (&[1, 200, 200], None, "200 x 200"),
        ] {
            let error = read(sizes, size).unwrap_err();
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(labels(Array { shape: vec![2, 3], values: vec![0; 6] }).unwrap_err().contains("argmax"));
    }
}
