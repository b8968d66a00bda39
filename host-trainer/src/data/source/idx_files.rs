//! Four IDX files in a folder.

use std::path::{Path, PathBuf};

use prenda::Shape;

use crate::data::content::{Content, Framing, Part};
use crate::data::idx::{IdxImages, IdxLabels, read_images, read_labels};
use crate::data::{DatasetError, IdxFile, Origin, names};

/// Reads the data set in `folder`.
///
/// # Errors
///
/// Returns an error if a file is missing or damaged.
pub fn read(folder: &Path, origin: Origin) -> Result<Content, DatasetError> {
    let path = |file: IdxFile| names::find(file, folder).ok_or_else(|| names::explain(file, folder, origin));
    let files = IdxFile::ALL.map(path).into_iter().collect::<Result<Vec<PathBuf>, _>>()?;
    let [train_images, train_labels, test_images, test_labels] = files.as_slice() else {
        return Err(names::explain(IdxFile::TrainImages, folder, origin));
    };
    Ok(Content {
        train: part(read_images(train_images)?, read_labels(train_labels)?),
        test: Some(part(read_images(test_images)?, read_labels(test_labels)?)),
        class_names: None,
        framing: Framing::Subject,
        features: Vec::new(),
        files,
    })
}

fn part(images: IdxImages, labels: IdxLabels) -> Part {
    let IdxImages { rows, columns, channels, pixels } = images;
    // At most 16,384 each, checked by `read_images`.
    let [rows, columns, channels] = [rows, columns, channels].map(|size| size as u16);
    Part { shape: Shape { rows, columns, channels }, pixels, labels: labels.labels }
}
