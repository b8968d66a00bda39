use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{DataArguments, OutputArguments, line};
use crate::data::{Origin, hex};
use crate::text::Shown;

#[derive(Debug, Args)]
pub struct DataCommandArguments {
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
    classes: Vec<String>,
    class_names_file: Option<Shown<PathBuf>>,
    #[serde(rename = "train_pictures_by_class")]
    train_images_by_class: Vec<usize>,
    #[serde(rename = "test_pictures_by_class")]
    test_images_by_class: Vec<usize>,
    train_sha256: String,
}

impl DataCommandArguments {
    pub fn run(self) -> Result<()> {
        let data = self.data.load()?;
        let classes = data.class_names.len();
        let output = DataOutput {
            folder: Shown(data.folder),
            origin: data.origin,
            fashion_mnist: data.is_fashion_mnist,
            train_images: data.train.len(),
            test_images: data.test.len(),
            rows: data.rows,
            columns: data.columns,
            classes: data.class_names,
            class_names_file: data.class_names_file.map(Shown),
            train_images_by_class: data.train.count_classes(classes),
            test_images_by_class: data.test.count_classes(classes),
            train_sha256: hex(&data.train_hash),
        };
        self.output.print(&output, || output.text())
    }
}

impl DataOutput {
    fn text(&self) -> String {
        let name =
            if self.fashion_mnist { "Fashion-MNIST, all checksums match" } else { "not Fashion-MNIST, but consistent" };
        let named_by = self.class_names_file.as_ref();
        let named_by = named_by.map(|file| format!(", named by {file}")).unwrap_or_default();
        let mut text = [
            line("folder", format_args!("{} ({})", self.folder, self.origin.named_by())),
            line("data set", name),
            line("training images", self.train_images),
            line("test images", self.test_images),
            line("image size", format_args!("{} rows, {} columns", self.rows, self.columns)),
            line("classes", format_args!("{}{named_by}", self.classes.len())),
        ]
        .concat();
        let counts = self.train_images_by_class.iter().zip(&self.test_images_by_class);
        for (class, (train, test)) in self.classes.iter().zip(counts) {
            text += &line(&format!("  {class}"), format_args!("{train} for training, {test} for testing"));
        }
        text
    }
}
