//! CSV files with a label and the pixels of an image in each row, as on Kaggle, or with features:
//! one file, or one for training and one for testing in a folder.

use std::fs;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use readers::table::{Cell, Table, TableError};

use super::{scale_rows, shape_of_row};
use crate::data::content::{Content, Framing, Part, pixel_count};
use crate::data::{DatasetError, OwnedFeature, Reading, class_names};
use crate::support::bounded;
use crate::support::gunzip::{self, Gunzip};

/// Returns the files for training and testing in `folder`, if there is one of each.
pub fn find_pair(folder: &Path) -> Option<[PathBuf; 2]> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let find = |end: &str| {
        let is_it = |name: &&String| {
            let name = name.to_ascii_lowercase();
            name.strip_suffix(".gz").unwrap_or(&name).ends_with(end)
        };
        let mut found = names.iter().filter(is_it);
        found.next().filter(|_| found.next().is_none()).map(|name| folder.join(name))
    };
    Some([find("train.csv")?, find("test.csv")?])
}

/// Reads a file, or a file for training and one for testing. Rows of numbers are scaled by
/// `features`, if there are any.
///
/// # Errors
///
/// Returns an error that names line and column of a cell that is not a number of 0..=255, or not a
/// number.
pub fn read(
    train: PathBuf,
    test: Option<PathBuf>,
    reading: &Reading,
    features: &[OwnedFeature],
) -> Result<Content, DatasetError> {
    let label = reading.label_column.as_deref();
    let (features, train_table, test_table) = if reading.features {
        let test_table = test.as_ref().map(|path| table(path, label)).transpose()?;
        let scaled = scale_rows(table(&train, label)?, test_table, reading, features);
        scaled.map_err(|reason| DatasetError::content(&train, reason))?
    } else {
        let read = |path: &PathBuf| table(path, label);
        (Vec::new(), read(&train)?, test.as_ref().map(read).transpose()?)
    };
    let class_names = train_table.classes.clone();
    if let Some(name) =
        class_names.iter().flatten().find_map(|name| class_names::check(name).err().map(|error| (name, error)))
    {
        return Err(DatasetError::content(&train, format!("the label {:?}: {}", name.0, name.1)));
    }
    let test_part = match (&test, test_table) {
        (Some(path), Some(mut table)) => {
            rename(&mut table, class_names.as_deref()).map_err(|reason| DatasetError::content(path, reason))?;
            Some(part(path, table, reading)?)
        }
        _ => None,
    };
    let part = part(&train, train_table, reading)?;
    let files = [Some(train), test].into_iter().flatten().collect();
    Ok(Content { train: part, test: test_part, class_names, files, framing: Framing::Subject, features })
}

/// Gives the labels of `table` their places among the `classes` of the training images.
fn rename(table: &mut Table, classes: Option<&[String]>) -> Result<(), String> {
    let Some(classes) = classes else {
        return match &table.classes {
            Some(names) => Err(format!("its labels are names, such as {:?}, unlike those for training", names.first())),
            None => Ok(()),
        };
    };
    // Names of numbers are numbers.
    let names = table.classes.take().unwrap_or_else(|| (0..=u8::MAX).map(|label| label.to_string()).collect());
    let place = |name: &String| classes.binary_search(name).ok().map(|place| place as u8);
    let places: Vec<Option<u8>> = names.iter().map(place).collect();
    for label in &mut table.labels {
        let found = places.get(usize::from(*label)).copied().flatten();
        let name = || names.get(usize::from(*label)).cloned().unwrap_or_default();
        *label = found.ok_or_else(|| format!("the label {:?} is not one of the training images", name()))?;
    }
    Ok(())
}

fn part(path: &Path, table: Table, reading: &Reading) -> Result<Part, DatasetError> {
    let shape = shape_of_row(table.width, reading);
    let shape = shape.and_then(|shape| pixel_count(table.labels.len(), shape).map(|_| shape));
    let shape = shape.map_err(|reason| DatasetError::content(path, reason))?;
    Ok(Part { shape, pixels: table.values, labels: table.labels })
}

/// Reads the table at `path`, gzipped or not.
fn table<T: Cell>(path: &Path, label: Option<&str>) -> Result<Table<T>, DatasetError> {
    let fail = |source| DatasetError::Read { path: path.to_owned(), source };
    let mut file = BufReader::new(bounded::open(path).map_err(fail)?);
    let mut start = Vec::new();
    file.by_ref().take(gunzip::MAGIC.len() as u64).read_to_end(&mut start).map_err(fail)?;
    let is_compressed = start == gunzip::MAGIC;
    let file = Cursor::new(start).chain(file);
    let table = if is_compressed { Table::read(Gunzip::new(file), label) } else { Table::read(file, label) };
    table.map_err(|error| {
        let advice = match &error {
            TableError::Cell { found, .. } if size_of::<T>() == 1 && found.parse::<f64>().is_ok() => {
                "; if each column is a feature, such as a sensor's value, add --features"
            }
            _ => "",
        };
        DatasetError::content(path, format!("{error}{advice}"))
    })
}
