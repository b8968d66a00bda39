//! CIFAR-10's binary form: five files for training, one for testing, and the names of the classes.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use prenda::Shape;
use readers::cifar::{Records, SIDE};

use crate::data::content::{Content, Framing, Part};
use crate::data::{DatasetError, class_names};
use crate::support::bounded;

const TEST: &str = "test_batch.bin";
const NAMES: &str = "batches.meta.txt";
/// Longest file of names in bytes.
const MAX_NAMES_BYTES: u64 = 1 << 16;

/// Returns true if `folder` has the files of this form.
pub fn is_there(folder: &Path) -> bool {
    !batches(folder).is_empty() && folder.join(TEST).is_file()
}

/// Returns the files for training.
fn batches(folder: &Path) -> Vec<PathBuf> {
    (1..=5).map(|number| folder.join(format!("data_batch_{number}.bin"))).filter(|path| path.is_file()).collect()
}

/// Reads the data set in `folder`.
///
/// # Errors
///
/// Returns an error if a file is cut off or has other labels.
pub fn read(folder: &Path) -> Result<Content, DatasetError> {
    let train = batches(folder);
    let test = vec![folder.join(TEST)];
    let names = bounded::read(&folder.join(NAMES), MAX_NAMES_BYTES).unwrap_or_default();
    let names: Vec<String> = String::from_utf8_lossy(&names)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let are_names = names.len() == 10 && names.iter().all(|name| class_names::check(name).is_ok());
    Ok(Content {
        train: part(&train)?,
        test: Some(part(&test)?),
        class_names: are_names.then_some(names),
        files: [train, test].concat(),
        framing: Framing::Subject,
        features: Vec::new(),
    })
}

fn part(paths: &[PathBuf]) -> Result<Part, DatasetError> {
    let mut records = Records::default();
    for path in paths {
        let fail = |source| DatasetError::Read { path: path.to_owned(), source };
        let file = bounded::open(path).map_err(fail)?;
        let length = file.metadata().map_err(fail)?.len();
        let readable = length.min(readers::MAX_VALUES as u64) as usize;
        records.pixels.try_reserve_exact(readable).map_err(|source| fail(source.into()))?;
        let appended = records.append(&mut BufReader::new(file));
        appended.map_err(|error| DatasetError::content(path, host_support::errors::chain(&error)))?;
    }
    let side = SIDE as u16;
    let Records { pixels, labels } = records;
    Ok(Part { shape: Shape { rows: side, columns: side, channels: 3 }, pixels, labels })
}
