use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use prenda::compiled::Sizes;
use serde::Serialize;

use super::{OutputArguments, UsageError, check_output, line};
use crate::model::{CSource, crate_source};
use crate::run::model_file;
use crate::support::files;
use crate::text::{Shown, count};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer export runs/first --rust shoes
  host-trainer export runs/first --c firmware/src
  host-trainer export model.bin --c firmware/src --name shoes
  host-trainer export model.bin --sealed slot.bin")]
pub struct ExportArguments {
    /// Model file, or folder of the run that wrote it
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Folder for a crate that reads the model at compile time and infers with it; created if it is
    /// missing
    #[arg(long, value_name = "DIR", required_unless_present_any = ["c", "sealed"])]
    rust: Option<PathBuf>,
    /// Folder for a header and a C file with the model, its sizes and its class names; created if
    /// it is missing
    ///
    /// They go with prenda.h and libprenda.a of `cargo xtask package c`.
    #[arg(long, value_name = "DIR", conflicts_with = "rust")]
    c: Option<PathBuf>,
    /// File for the model with a seal after it, which `Model::from_sealed` trusts instead of
    /// proving again that no accumulator overflows
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rust", "c", "name"])]
    sealed: Option<PathBuf>,
    /// Name of the crate, or of the C files and the start of each name in them: small letters,
    /// digits and underscores
    #[arg(long, value_name = "NAME", default_value = "model", value_parser = identifier)]
    name: String,
    /// Replace files of another model
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct ExportOutput {
    model: Shown<PathBuf>,
    model_id: String,
    model_bytes: usize,
    workspace_bytes: usize,
    files: Vec<Shown<PathBuf>>,
}

impl ExportArguments {
    pub fn run(self) -> Result<()> {
        let name = &self.name;
        let model = model_file::resolve(&self.model);
        let bytes = model_file::read(&model)?;
        let view = model_file::load(&model, &bytes)?;
        let (option, files, workspace_bytes) = match (&self.rust, &self.c, &self.sealed) {
            (Some(folder), ..) => {
                let bytes = Sizes::of(&view).bytes(view.classes());
                ("--rust", inside(folder, crate_source::files(&view, name)), bytes)
            }
            (_, Some(folder), _) => {
                ("--c", inside(folder, CSource::of(&view, name).files(name)), view.workspace_bytes())
            }
            (.., Some(file)) => {
                ("--sealed", vec![(file.clone(), [&bytes[..], &view.seal()].concat())], view.workspace_bytes())
            }
            (None, None, None) => return Err(UsageError("expected --rust, --c or --sealed".to_owned()).into()),
        };
        for (path, content) in &files {
            check_output(option, path, [&model])?;
            let is_other = path.exists() && !fs::read(path).is_ok_and(|found| found == *content);
            if is_other && !self.overwrite {
                return Err(UsageError(format!(
                    "{} exists and has another content; add --overwrite to replace it, or choose another path or \
                     --name",
                    path.display()
                ))
                .into());
            }
        }
        for folder in files.iter().filter_map(|(path, _)| path.parent()) {
            files::create_folder(folder)?;
        }
        files.iter().try_for_each(|(path, _)| files::check_writable(path))?;
        let contents: Vec<_> = files.iter().map(|(path, content)| (path.as_path(), content.as_slice())).collect();
        files::write_all(&contents)?;
        let report = ExportOutput {
            model_id: view.id().to_string(),
            model_bytes: bytes.len(),
            workspace_bytes,
            files: files.into_iter().map(|(path, _)| Shown(path)).collect(),
            model: Shown(model),
        };
        self.output.print(&report, || report.text())
    }
}

impl ExportOutput {
    fn text(&self) -> String {
        let Self { model, model_id, model_bytes, workspace_bytes, files } = self;
        let mut text = line("model", format_args!("{model} ({model_id}, {model_bytes} bytes)"));
        text += &line("workspace", format_args!("{} bytes of RAM", count(*workspace_bytes as u64)));
        for file in files {
            text += &line("written", file);
        }
        text
    }
}

/// Returns `files` with their paths in `folder`.
fn inside(folder: &Path, files: Vec<(String, Vec<u8>)>) -> Vec<(PathBuf, Vec<u8>)> {
    files.into_iter().map(|(path, content)| (folder.join(path), content)).collect()
}

/// Parses the start of names in C.
fn identifier(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text == "prenda" {
        return Err("prenda.h is the library's header; choose another name".to_owned());
    }
    let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if starts_well && text.len() <= 64 && text.bytes().all(is_allowed) {
        return Ok(text.to_owned());
    }
    Err("expected a small letter, then small letters, digits and underscores, 64 at most".to_owned())
}
