//! `cargo xtask playground`: one HTML page that runs a model in a browser.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use host_support::files;

use crate::output::print;
use crate::workspace::{Workspace, shown};
use crate::{image, run_folder, setup};

/// The device of `parity` that runs in a browser.
pub const WASM: &str = "wasm";

const PACKAGE: &str = "playground";

/// A cascade for Fashion-MNIST.
const DEFAULT_MODEL: &str = "models/cascade.bin";

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask playground\n  \
    cargo xtask playground --model runs/mine --out mine.html")]
pub struct Options {
    /// The model in the page, or the folder of its run, which also has the form of its images
    /// [default: models/cascade.bin]
    #[arg(long, value_name = "FILE|DIR")]
    model: Option<PathBuf>,
    /// The page to write [default: prenda/playground/playground.html in the target folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn command(workspace: &Workspace, options: Options) -> Result<()> {
    let Options { model, out } = options;
    let model = model.map_or_else(|| workspace.root.join(DEFAULT_MODEL), run_folder::model_of);
    if !model.is_file() {
        bail!("model {} does not exist; name one with --model FILE", shown(&model));
    }
    let out = match out {
        Some(out) => out,
        None => workspace.folder(PACKAGE)?.join("playground.html"),
    };
    if files::is_same(&out, &model) {
        bail!("--out {} would overwrite the model; name another file", shown(&out));
    }
    setup::ensure_target(image::BROWSER_TRIPLE)?;
    let sizes = write(workspace, &model, &out)?;
    print(format_args!("{}{}: open it in a browser", sizes, shown(&out)))
}

/// Writes the page for the device of `parity`, next to the firmware of the boards.
pub fn build_device(workspace: &Workspace) -> Result<()> {
    let out = workspace.folder("firmware")?.join(format!("{WASM}.html"));
    write(workspace, &workspace.root.join(DEFAULT_MODEL), &out).map(drop)
}

/// Builds the program, and writes the page with it. Returns the sizes in words.
fn write(workspace: &Workspace, model: &Path, out: &Path) -> Result<String> {
    let registry = cargo_home().map(|home| home.join("registry/src"));
    image::wasm_library(workspace, PACKAGE, registry.as_deref())?.run()?;
    workspace.build_program("playground-page")?;
    let program = image::built_wasm(workspace, PACKAGE);
    let job = workspace.job("playground-page").arg("--program").arg(program);
    job.arg("--model").arg(model).arg("--out").arg(out).capture().context("cannot write the page")
}

/// Returns cargo's folder, whose path must not be in the program.
fn cargo_home() -> Option<PathBuf> {
    let home = || Some(directories::BaseDirs::new()?.home_dir().join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}
