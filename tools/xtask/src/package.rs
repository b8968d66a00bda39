//! `cargo xtask package`: folders of files for projects that are not built by cargo.

mod arduino;
mod c;
mod cores;
mod example;
mod zephyr;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use host_support::files;

use crate::image;
use crate::output::{log, print};
use crate::workspace::{Workspace, shown};

use cores::{CORES, Core};

pub use example::{C_EXAMPLE, build as build_example};

#[derive(Args)]
pub struct Options {
    #[arg(value_name = "KIND", value_enum)]
    kind: Kind,
    /// Run only dense layers, and these weight orders and other layers, separated by commas: less
    /// code. [default: all]
    ///
    /// `host-trainer inspect` prints those of a model. A library refuses other models by name.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = PARTS)]
    only: Vec<String>,
}

/// The features of prenda for weight orders and for layers.
const PARTS: [&str; 9] =
    ["blocks", "four-bit", "pairs", "ternary", "vectors", "cascade", "convolution", "depthwise", "pool"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A static library for each core, and prenda.h
    C,
    /// The same as a Zephyr module
    Zephyr,
    /// The same as an Arduino library
    Arduino,
}

/// Writes the folder prenda/package/`kind` of the target folder again, and prints its name.
pub fn command(workspace: &Workspace, Options { kind, only }: &Options) -> Result<()> {
    let libraries = build_all(workspace, only)?;
    let (name, fill): (_, Fill) = match kind {
        Kind::C => ("c", c::fill),
        Kind::Zephyr => ("zephyr", zephyr::fill),
        Kind::Arduino => ("arduino", arduino::fill),
    };
    let path = workspace.folder("package")?.join(name);
    if path.exists() {
        // A library of an earlier build would stay otherwise.
        fs::remove_dir_all(&path).with_context(|| format!("cannot remove folder {}", path.display()))?;
    }
    let folder = Folder { path: &path };
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        folder.copy(&workspace.root.join(licence), licence)?;
    }
    fill(&folder, &libraries)?;
    print(shown(&path))
}

/// Writes the files of a kind of package.
type Fill = fn(&Folder<'_>, &[Library]) -> Result<()>;

/// A static library for a core.
struct Library {
    core: &'static Core,
    /// The library, in a folder of its own below the target folder.
    path: PathBuf,
    /// The header that goes with it.
    header: PathBuf,
}

/// Builds the library for each core whose target is installed. It has `parts`, or all of them if
/// the list is empty.
fn build_all(workspace: &Workspace, parts: &[String]) -> Result<Vec<Library>> {
    let built = workspace.folder("library")?;
    let mut libraries = Vec::new();
    for core in &CORES {
        let features = core.features.iter().map(|feature| (*feature).to_owned());
        let features: Vec<_> = features.chain(parts.iter().map(|part| format!("prenda/{part}"))).collect();
        let Some(job) = image::static_library(workspace, "prenda-c", core.triple, &features) else {
            let triple = core.triple;
            log(format_args!("    skipped {}: `rustup target add {triple}` adds its compiler's library", core.name));
            continue;
        };
        job.flag("--no-default-features", !parts.is_empty()).run()?;
        let path = built.join(format!("{}.a", core.name));
        // The next core can have the same target, and so the same path.
        files::copy(&image::built_library(workspace, "prenda_c", core.triple), &path)?;
        let header = workspace.root.join("shared-model/c/include/prenda.h");
        libraries.push(Library { core, path, header });
    }
    if libraries.is_empty() {
        bail!("no compiler for any core is installed; run `cargo xtask setup`");
    }
    Ok(libraries)
}

/// A folder that is being filled.
struct Folder<'a> {
    path: &'a Path,
}

impl Folder<'_> {
    /// Copies `from` to the relative path `to`.
    fn copy(&self, from: &Path, to: &str) -> Result<()> {
        Ok(files::copy(from, &self.place(to)?)?)
    }

    /// Writes `text` to the relative path `to`.
    fn write(&self, to: &str, text: &str) -> Result<()> {
        Ok(files::write(&self.place(to)?, text.as_bytes())?)
    }

    /// Copies header and libraries to `include` and `lib`.
    fn copy_libraries(&self, libraries: &[Library]) -> Result<()> {
        for Library { core, path, header } in libraries {
            self.copy(header, "include/prenda.h")?;
            self.copy(path, &format!("lib/{}/libprenda.a", core.name))?;
        }
        Ok(())
    }

    /// Returns a path in the folder, and creates its parent folder.
    fn place(&self, to: &str) -> Result<PathBuf> {
        let path = self.path.join(to);
        let parent = files::folder_of(&path);
        fs::create_dir_all(parent).with_context(|| format!("cannot create folder {}", parent.display()))?;
        Ok(path)
    }
}

/// Returns a table of the libraries, in Markdown.
fn table(libraries: &[Library]) -> String {
    let mut table = "| folder in lib | core | flags of GCC |\n|---|---|---|\n".to_owned();
    for Library { core: Core { name, parts, flags, .. }, .. } in libraries {
        table += &format!("| `{name}` | {parts} | `{flags}` |\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills a folder with empty libraries for all cores.
    pub fn filled(fill: Fill) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        fs::write(&empty, "").unwrap();
        let library = |core| Library { core, path: empty.clone(), header: empty.clone() };
        let libraries: Vec<_> = CORES.iter().map(library).collect();
        fill(&Folder { path: folder.path() }, &libraries).unwrap();
        folder
    }

    #[test]
    fn the_readme_has_a_row_for_each_core() {
        let folder = filled(c::fill);
        let readme = fs::read_to_string(folder.path().join("README.md")).unwrap();
        for core in &CORES {
            assert!(folder.path().join("lib").join(core.name).join("libprenda.a").is_file(), "{}", core.name);
            assert!(readme.contains(&format!("| `{}` | ", core.name)), "{readme}");
        }
        assert!(folder.path().join("include/prenda.h").is_file());
    }
}
