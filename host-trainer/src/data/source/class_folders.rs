//! A folder for each class, with its images: `train/CLASS/*` and `test/CLASS/*`, or `CLASS/*`.
//!
//! Classes are numbered in the order of their names, byte by byte. Images come in turn from each
//! class, so that the first ones are of all classes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use image::DynamicImage;
use prenda::{MAX_CLASSES, Shape};
use rayon::prelude::*;

use crate::data::content::{Content, Framing, MAX_IMAGES, Part, pixel_count, shape};
use crate::data::image::{ReadError, convert_whole, read_colours};
use crate::data::{DatasetError, Reading, class_names};
use crate::support::progress;
use crate::text::printable;

const TRAIN: &str = "train";
const TEST: &str = "test";

/// Most unreadable images that an error names.
const MAX_NAMED: usize = 5;

/// The images of each class, by its name.
type Classes = BTreeMap<String, Vec<PathBuf>>;

/// An image that is not in the part.
enum Problem {
    Unreadable(ReadError),
    /// Its rows, columns and channels are not those of the data set.
    Shape([usize; 3]),
}

/// Returns true if `folder` contains a folder that could be a class.
pub fn has_folders(folder: &Path) -> bool {
    entries(folder).is_ok_and(|entries| entries.iter().any(|path| path.is_dir()))
}

/// Reads the images in `folder`.
///
/// # Errors
///
/// Returns an error if a class has no images, an image cannot be read, or images differ in size or
/// in being grey, unless `reading` allows it.
pub fn read(folder: &Path, reading: &Reading) -> Result<Content, DatasetError> {
    let [train, test] = [TRAIN, TEST].map(|name| folder.join(name));
    let (train, test) = match (train.is_dir(), test.is_dir()) {
        (true, true) => (classes(&train)?, Some(classes(&test)?)),
        (false, false) => (classes(folder)?, None),
        (has_train, _) => {
            let [found, missing] = if has_train { [TRAIN, TEST] } else { [TEST, TRAIN] };
            let reason = format!("it has a folder {found} but no folder {missing}; add it, or name {found} itself");
            return Err(DatasetError::content(folder, reason));
        }
    };
    let names: Vec<String> = train.keys().cloned().collect();
    if let Some(name) = test.iter().flat_map(Classes::keys).find(|name| !train.contains_key(*name)) {
        return Err(DatasetError::content(folder, format!("{TEST} has the class {name}, but {TRAIN} does not")));
    }
    let (train, test) = (in_turn(train, &names), test.map(|test| in_turn(test, &names)));
    let files = train.iter().chain(test.iter().flatten()).map(|(path, _)| path.clone()).collect();
    let shape = find_shape(folder, &train, reading)?;
    let train = read_part(folder, &train, shape, reading)?;
    check_present(folder, &train.labels, &names)?;
    let test = test.map(|test| read_part(folder, &test, shape, reading)).transpose()?;
    let class_names = Some(names);
    Ok(Content { train, test, class_names, files, framing: Framing::Whole, features: Vec::new() })
}

/// Returns the classes in `folder` with the paths of their images, in the order of their names.
fn classes(folder: &Path) -> Result<Classes, DatasetError> {
    let mut classes = Classes::new();
    for path in entries(folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        if !path.is_dir() {
            let reason = "expected a folder for each class, with images in it; move this file elsewhere";
            return Err(DatasetError::content(&path, reason));
        }
        let name = name.ok_or_else(|| DatasetError::content(&path, "the name of the class is not UTF-8"))?;
        class_names::check(&name)
            .map_err(|reason| DatasetError::content(&path, format!("the class's name: {reason}")))?;
        let images = entries(&path)?;
        if let Some(inner) = images.iter().find(|image| image.is_dir()) {
            return Err(DatasetError::content(inner, "found a folder in the folder of a class, expected images"));
        }
        if images.is_empty() {
            return Err(DatasetError::content(&path, "the class has no images; add some, or remove the folder"));
        }
        classes.insert(name, images);
    }
    let images: usize = classes.values().map(Vec::len).sum();
    if !(2..=MAX_CLASSES.min(256)).contains(&classes.len()) || images > MAX_IMAGES {
        let reason = format!(
            "{} classes with {images} images, expected 2..=256 folders of classes and at most {MAX_IMAGES} images",
            classes.len()
        );
        return Err(DatasetError::content(folder, reason));
    }
    Ok(classes)
}

/// Returns the entries of `folder`, sorted. Those that systems add on their own are left out.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let fail = |source| DatasetError::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_own = name.starts_with('.') || matches!(&*name, "__MACOSX" | "Thumbs.db" | "desktop.ini");
        if !is_own && name != class_names::FILE_NAME {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Returns all images with their labels: the first of each class, then the second of each, ..
fn in_turn(classes: Classes, names: &[String]) -> Vec<(PathBuf, u8)> {
    let mut images = Vec::new();
    for (name, paths) in classes {
        // At most 256 names, and every class is one of them.
        let label = names.binary_search(&name).unwrap_or_default() as u8;
        images.extend(paths.into_iter().enumerate().map(|(rank, path)| (rank, label, path)));
    }
    images.sort_unstable();
    images.into_iter().map(|(_, label, path)| (path, label)).collect()
}

/// Returns the shape of all images: that of the first one, changed as `reading` says.
fn find_shape(folder: &Path, images: &[(PathBuf, u8)], reading: &Reading) -> Result<Shape, DatasetError> {
    let mut readable = images.iter().map(|(path, _)| (path, read_colours(path)));
    let first = readable.find(|(_, image)| image.is_ok() || !reading.skip_unreadable);
    let (path, [rows, columns, channels]) = match first {
        Some((path, Ok((image, _)))) => (path, sizes(&image)),
        // Counted with the others.
        Some((path, Err(_))) => (path, [1, 1, 1]),
        None => return Err(DatasetError::content(folder, "none of its images can be read")),
    };
    let [rows, columns] = reading.image_size.map_or([rows, columns], |size| size.map(usize::from));
    let channels = if reading.grey { 1 } else { channels };
    shape([rows, columns, channels]).map_err(|reason| DatasetError::content(path, reason))
}

/// Returns rows, columns and channels.
fn sizes(image: &DynamicImage) -> [usize; 3] {
    [image.height() as usize, image.width() as usize, if image.color().has_color() { 3 } else { 1 }]
}

/// Reads the images at these paths on all cores.
fn read_part(folder: &Path, images: &[(PathBuf, u8)], shape: Shape, reading: &Reading) -> Result<Part, DatasetError> {
    let width = shape.count();
    let length = pixel_count(images.len(), shape).map_err(|reason| DatasetError::content(folder, reason))?;
    let mut pixels = Vec::new();
    let reserved = pixels.try_reserve_exact(length);
    reserved.map_err(|source| DatasetError::Read { path: folder.to_owned(), source: source.into() })?;
    pixels.resize(length, 0);

    let bar = progress::steps(images.len() as u64, "reading images");
    let targets = pixels.par_chunks_exact_mut(width).zip(images).enumerate();
    let problems = targets.filter_map(|(index, (target, (path, _)))| {
        bar.inc(1);
        read_image(path, shape, reading, target).err().map(|problem| (index, problem))
    });
    let problems: Vec<(usize, Problem)> = problems.collect();
    bar.finish_and_clear();

    let unreadable: Vec<(usize, &ReadError)> = problems
        .iter()
        .filter_map(|(index, problem)| match problem {
            Problem::Unreadable(error) => Some((*index, error)),
            Problem::Shape(_) => None,
        })
        .collect();
    if !unreadable.is_empty() {
        let errors: Vec<String> =
            unreadable.iter().take(MAX_NAMED).map(|(_, error)| host_support::errors::chain(*error)).collect();
        let rest = unreadable.len().saturating_sub(MAX_NAMED);
        let rest = if rest > 0 { format!("\n  and {rest} more") } else { String::new() };
        let list = format!(
            "{} of {} images cannot be read:\n  {}{rest}",
            unreadable.len(),
            images.len(),
            errors.iter().map(|error| printable(error)).collect::<Vec<_>>().join("\n  ")
        );
        if !reading.skip_unreadable {
            return Err(DatasetError::content(folder, format!("{list}\nremove them, or add --skip-unreadable")));
        }
        progress::log(format_args!("warning: {}: left out: {list}", folder.display()));
    }
    let other = problems.iter().find_map(|(index, problem)| match problem {
        Problem::Shape(found) => Some((images.get(*index)?, found)),
        Problem::Unreadable(_) => None,
    });
    if let Some(((path, _), found)) = other {
        return Err(DatasetError::content(path, describe_other(*found, shape, reading)));
    }

    let mut labels: Vec<u8> = images.iter().map(|(_, label)| *label).collect();
    for (index, _) in unreadable.iter().rev() {
        pixels.drain(index * width..(index + 1) * width);
        labels.remove(*index);
    }
    Ok(Part { shape, pixels, labels })
}

/// Reads the image at `path` into `target`, which has room for `shape`.
fn read_image(path: &Path, shape: Shape, reading: &Reading, target: &mut [u8]) -> Result<(), Problem> {
    let (image, _) = read_colours(path).map_err(Problem::Unreadable)?;
    let [rows, columns, channels] = sizes(&image);
    let is_sized = reading.image_size.is_some() || [rows, columns] == [shape.rows, shape.columns].map(usize::from);
    if !is_sized || !reading.grey && channels != usize::from(shape.channels) {
        return Err(Problem::Shape([rows, columns, channels]));
    }
    let (pixels, _) = convert_whole(image, shape);
    target.iter_mut().zip(pixels).for_each(|(target, pixel)| *target = pixel);
    Ok(())
}

/// Describes an image of the shape `found` among images of the shape `expected`.
fn describe_other([rows, columns, channels]: [usize; 3], expected: Shape, reading: &Reading) -> String {
    let kind = |is_grey: bool| if is_grey { "grey" } else { "in colour" };
    let Shape { rows: other_rows, columns: other_columns, channels: other_channels } = expected;
    if !reading.grey && channels != usize::from(other_channels) {
        return format!(
            "the image is {}, expected {} like the first one; add --grey",
            kind(channels == 1),
            kind(other_channels == 1)
        );
    }
    format!(
        "the image has {rows} x {columns} pixels, expected {other_rows} x {other_columns} like the first one; add \
         --image-size {other_rows}x{other_columns}"
    )
}

/// Fails if a class has no image left.
fn check_present(folder: &Path, labels: &[u8], names: &[String]) -> Result<(), DatasetError> {
    let is_absent = |label: usize| !labels.iter().any(|found| usize::from(*found) == label);
    match names.iter().enumerate().find(|(label, _)| is_absent(*label)) {
        Some((_, name)) => Err(DatasetError::content(folder, format!("no image of the class {name} can be read"))),
        None => Ok(()),
    }
}
