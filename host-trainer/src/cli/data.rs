//! `host-trainer data`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{DataArguments, OutputArguments, line};
use crate::dataset::{Dataset, Origin, hex};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct Found {
    folder: PathBuf,
    origin: Origin,
    fashion_mnist: bool,
    train_pictures: usize,
    test_pictures: usize,
    rows: u16,
    columns: u16,
    classes: Vec<String>,
    train_sha256: String,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let data = Dataset::load(self.data.data.as_deref())?;
        let found = Found {
            folder: data.folder,
            origin: data.origin,
            fashion_mnist: data.is_fashion_mnist,
            train_pictures: data.train.len(),
            test_pictures: data.test.len(),
            rows: data.rows,
            columns: data.columns,
            classes: data.class_names,
            train_sha256: hex(&data.train_hash),
        };
        self.output.print(&found, || {
            let name = if found.fashion_mnist {
                "Fashion-MNIST, all checksums agree"
            } else {
                "not Fashion-MNIST, but consistent"
            };
            [
                line("folder", format_args!("{} ({})", found.folder.display(), found.origin.named_by())),
                line("data set", name),
                line("training pictures", found.train_pictures),
                line("test pictures", found.test_pictures),
                line("size of a picture", format_args!("{} rows, {} columns", found.rows, found.columns)),
                line("classes", found.classes.join(", ")),
            ]
            .concat()
        })
    }
}
