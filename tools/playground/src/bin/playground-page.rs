//! `playground-page`: puts program, style, script and a model into one HTML page.
//!
//! `cargo xtask playground` builds the program and calls it.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Parser;
use flate2::Compression;
use flate2::write::GzEncoder;
use host_support::playground::model_element;
use host_support::{bounded, errors, files};
use photos::Form;
use prenda::Model;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const TEMPLATE: &str = include_str!("../../page/page.html");
const STYLE: &str = include_str!("../../page/page.css");
const SCRIPT: &str = include_str!("../../page/page.js");
const GENERATOR: &str = concat!("prenda ", env!("CARGO_PKG_VERSION"));

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// Largest program and largest page without its model, in bytes.
const MAX_PROGRAM: usize = 150_000;
const MAX_PAGE: usize = 150_000;

/// Writes the playground's page.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The program, compiled to WebAssembly.
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// The model in the page. The configuration next to it, if any, has the form of its images.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The page to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(text) => {
            // Standard output may be closed.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", errors::chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Writes the page and returns a line for each size.
fn run(arguments: &Arguments) -> Result<String> {
    let [program, model] = [&arguments.program, &arguments.model].map(|path| read(path));
    let (program, model) = (program?, model?);
    let view = Model::parse(&model).with_context(|| {
        let path = arguments.model.display();
        format!("cannot use {path}; export it again with `host-trainer train --export`")
    })?;
    let framing = framing(&arguments.model, &view);
    let element = model_element(&model, framing.as_deref());
    let page = page(&program, &element)?;
    let packed = gzip(&program)?.len();
    let rest = page.len() - element.len();
    check_size("the program", program.len(), MAX_PROGRAM)?;
    check_size("the page without its model", rest, MAX_PAGE)?;
    files::write(&arguments.out, page.as_bytes())?;
    let whole = gzip(page.as_bytes())?.len();
    Ok(format!(
        "program: {} bytes, {packed} as gzip\npage without its model: {rest} bytes\npage: {} bytes, {whole} as gzip\n",
        program.len(),
        page.len()
    ))
}

fn check_size(what: &str, found: usize, most: usize) -> Result<()> {
    ensure!(found <= most, "{what} has {found} bytes, expected at most {most}; find what made it larger");
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    bounded::read(path, MAX_BYTES).with_context(|| format!("cannot read {}", path.display()))
}

/// Returns the numbers of the form of the model's images, if its run records it: nothing for whole
/// images.
fn framing(model: &Path, view: &Model<'_>) -> Option<Vec<f64>> {
    let folder = files::folder_of(model);
    let config = bounded::read(&folder.join("config.json"), MAX_BYTES).ok()?;
    let result = bounded::read(&folder.join("result.json"), MAX_BYTES).ok()?;
    let [config, result] = [config, result].map(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let (config, result) = (config?, result?);
    // Otherwise the run is another model's.
    (result["model_id"] == view.id().to_string()).then_some(())?;
    if config["data"]["framing"] == "whole" {
        return Some(Vec::new());
    }
    let form: Form = serde_json::from_value(config["data"]["form"].clone()).ok()?;
    form.invalid_span().is_none().then(|| form.numbers().to_vec())
}

/// Fills the template.
fn page(program: &[u8], model: &str) -> Result<String> {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    // The program is code that the page compiles; the model and everything else is data.
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}' 'wasm-unsafe-eval'; style-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let program = BASE64_STANDARD.encode(gzip(program)?);
    let mut parts = TEMPLATE.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").context("the template has an open place")?;
        page += match name {
            "policy" => &policy,
            "generator" => GENERATOR,
            "style" => STYLE,
            "program" => &program,
            "model" => model,
            "script" => SCRIPT,
            other => anyhow::bail!("the template has a place for {other}, which nothing fills"),
        };
        page += rest;
    }
    Ok(page)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_template_is_filled() {
        let page = page(b"program", "MODEL").unwrap();
        assert!(!page.contains("{{") && page.contains("MODEL") && page.contains(GENERATOR));
        assert_eq!(page.matches("'sha256-").count(), 2);
        // An attribute would need a laxer policy.
        assert!(!TEMPLATE.contains("style=") && !TEMPLATE.contains("onclick"));
        // A script ends at the first of these, also inside of strings.
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"));
    }

    #[test]
    fn a_run_gives_the_form_of_its_images() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bin");
        let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/model.bin")).unwrap();
        let view = Model::parse(&bytes).unwrap();
        assert_eq!(framing(&path, &view), None);
        let write = |id: &str, config: &Value| {
            std::fs::write(folder.path().join("result.json"), serde_json::json!({"model_id": id}).to_string()).unwrap();
            std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        };
        let id = view.id().to_string();
        let form = serde_json::json!({"data": {"form": Form::FASHION_MNIST}});
        write(&id, &form);
        assert_eq!(framing(&path, &view), Some(Form::FASHION_MNIST.numbers().to_vec()));
        write("00000000", &form);
        assert_eq!(framing(&path, &view), None);
        write(&id, &serde_json::json!({"data": {"framing": "whole", "form": Form::FASHION_MNIST}}));
        assert_eq!(framing(&path, &view), Some(Vec::new()));
        write(&id, &serde_json::json!({"data": {"form": {}}}));
        assert_eq!(framing(&path, &view), None);
    }

    #[test]
    fn what_is_too_large_is_named() {
        let error = check_size("the program", MAX_PROGRAM + 1, MAX_PROGRAM).unwrap_err().to_string();
        assert!(error.contains("the program has 150001 bytes, expected at most 150000"), "{error}");
    }
}
