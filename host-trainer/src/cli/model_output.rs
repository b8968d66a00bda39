//! The places of a new model: a file, a folder with its records, or both.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").args(["export", "run"]).required(true).multiple(true))]
pub struct ModelOutputArguments {
    /// File to write the model to; may be left out with --run, whose folder has one
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// Folder for the model, its evaluation and its plots, for report
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Replace the model in the folder even if it is another one
    #[arg(long, requires = "run")]
    pub overwrite: bool,
}
