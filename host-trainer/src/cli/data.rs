use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use prenda::Shape;
use serde::Serialize;

use super::messages::feature_lines;
use super::{DataArguments, OutputArguments, UsageError, check_folder_apart, describe, line};
use crate::data::{CLASS_NAMES_FILE, Dataset, FeatureSummary, IdxFile, Origin, OwnedFeature, find_idx, hex};
use crate::support::files;
use crate::text::Shown;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer data                                        find or download Fashion-MNIST
  host-trainer data photos --test-share 0.15 --image-size 28x28 --grey --export digits")]
pub struct DataCommandArguments {
    /// The same as --data
    #[arg(value_name = "PATH", conflicts_with = "data")]
    path: Option<PathBuf>,
    /// Folder to write the data set to, as four IDX files and class-names.txt; created if it is
    /// missing
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct DataOutput {
    folder: Shown<PathBuf>,
    origin: Origin,
    fashion_mnist: bool,
    #[serde(rename = "train_pictures")]
    train_images: usize,
    #[serde(rename = "test_pictures")]
    test_images: usize,
    rows: u16,
    columns: u16,
    channels: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    features: Vec<FeatureSummary>,
    classes: Vec<String>,
    class_names_file: Option<Shown<PathBuf>>,
    #[serde(rename = "train_pictures_by_class")]
    train_images_by_class: Vec<usize>,
    #[serde(rename = "test_pictures_by_class")]
    test_images_by_class: Vec<usize>,
    train_sha256: String,
    written: Vec<Shown<PathBuf>>,
}

impl DataCommandArguments {
    pub fn run(mut self) -> Result<()> {
        self.data.data = self.path.or(self.data.data);
        let data = self.data.load()?;
        if let (Some(folder), false) = (&self.export, data.features.is_empty()) {
            let folder = folder.display();
            let text = format!(
                "--export {folder} writes images, which have no scaling of features; train with --data and --features"
            );
            return Err(UsageError(text).into());
        }
        let written = self.export.as_deref().map(|folder| export(&data, folder)).transpose()?.unwrap_or_default();
        let classes = data.class_names.len();
        let output = DataOutput {
            folder: Shown(data.folder),
            origin: data.origin,
            fashion_mnist: data.is_fashion_mnist,
            train_images: data.train.len(),
            test_images: data.test.len(),
            rows: data.shape.rows,
            columns: data.shape.columns,
            channels: data.shape.channels,
            features: data.features.iter().map(OwnedFeature::summary).collect(),
            classes: data.class_names,
            class_names_file: data.class_names_file.map(Shown),
            train_images_by_class: data.train.count_classes(classes),
            test_images_by_class: data.test.count_classes(classes),
            train_sha256: hex(&data.train_hash),
            written: written.into_iter().map(Shown).collect(),
        };
        self.output.print(&output, || output.text())
    }
}

impl DataOutput {
    fn text(&self) -> String {
        let name =
            if self.fashion_mnist { "Fashion-MNIST, all checksums match" } else { "not Fashion-MNIST, but consistent" };
        let shape = Shape { rows: self.rows, columns: self.columns, channels: self.channels };
        let named_by = self.class_names_file.as_ref();
        let named_by = named_by.map(|file| format!(", named by {file}")).unwrap_or_default();
        let mut text = [
            line("folder", format_args!("{} ({})", self.folder, self.origin.named_by())),
            line("data set", name),
            line("training images", self.train_images),
            line("test images", self.test_images),
            line("image size", describe(shape)),
            feature_lines(&self.features),
            line("classes", format_args!("{}{named_by}", self.classes.len())),
        ]
        .concat();
        let counts = self.train_images_by_class.iter().zip(&self.test_images_by_class);
        for (class, (train, test)) in self.classes.iter().zip(counts) {
            text += &line(&format!("  {class}"), format_args!("{train} for training, {test} for testing"));
        }
        text.extend(self.written.iter().map(|file| line("written", file)));
        text
    }
}

/// Writes `data` to `folder` as IDX files and the names of its classes. Returns their paths.
fn export(data: &Dataset, folder: &Path) -> Result<Vec<PathBuf>> {
    let is_grey = data.shape.channels == 1;
    let name = |file: IdxFile| if is_grey { file.name().to_owned() } else { file.name().replace("idx3", "idx4") };
    let paths = IdxFile::ALL.map(|file| folder.join(name(file)));
    for (file, path) in IdxFile::ALL.into_iter().zip(&paths) {
        if let Some(other) = find_idx(file, folder).filter(|found| found != path) {
            let (folder, other) = (folder.display(), other.display());
            return Err(
                UsageError(format!("--export {folder} has another data set, {other}; name another folder")).into()
            );
        }
    }
    let names = folder.join(CLASS_NAMES_FILE);
    let all: Vec<PathBuf> = paths.into_iter().chain([names]).collect();
    let inputs: Vec<PathBuf> = data.files().collect();
    check_folder_apart("--export", folder, all.iter().cloned(), &inputs)?;
    files::create_folder(folder)?;

    let contents = data.idx_files().map(|(header, content)| [&header, content].concat());
    let names = data.class_names.join("\n") + "\n";
    let contents = contents.iter().map(Vec::as_slice).chain([names.as_bytes()]);
    files::write_all(&all.iter().map(PathBuf::as_path).zip(contents).collect::<Vec<_>>())?;
    Ok(all)
}
