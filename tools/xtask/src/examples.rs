//! The projects in `examples`. Each is copied out of the repository, as a user would copy it, built
//! there by plain cargo, and run in QEMU if it can.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use host_support::files;
use serde::Deserialize;

use crate::image;
use crate::output::print;
use crate::process::Job;
use crate::sizes::{self, Sizes};
use crate::workspace::{Workspace, shown};

/// The image that examples classify, and the answer that they print.
const IMAGE: &str = "ankle-boot.gray";
const ANSWER: &str = "Ankle boot";

/// The file with the answers for all rows of another example, as the host computes them.
const ANSWERS: &str = "answers.txt";

/// A project in `examples` that cargo builds.
pub struct Example {
    pub name: String,
    folder: PathBuf,
    /// The name of the package and its program.
    package: String,
    /// The compiler's name for its target.
    pub triple: String,
    /// The command that runs the program, without the program's path.
    runner: Vec<String>,
}

/// The part of Cargo.toml that we read.
#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// The part of .cargo/config.toml that we read.
#[derive(Deserialize)]
struct Config {
    build: Build,
    target: BTreeMap<String, Target>,
}

#[derive(Deserialize)]
struct Build {
    target: String,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    runner: String,
}

/// Returns the projects, sorted by name.
pub fn all() -> Result<Vec<Example>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.join("Cargo.toml").is_file());
    let mut examples = folders.map(Example::read).collect::<Result<Vec<_>>>()?;
    examples.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(examples)
}

/// `cargo xtask check examples`: like [`verify`], and prints sizes.
pub fn command(workspace: &Workspace) -> Result<()> {
    for example in all()? {
        let program = example.verify(workspace)?;
        let Sizes { flash, ram } = Sizes::of_elf(&program)?;
        print(format_args!("{}: flash {}, variables {}", example.name, sizes::bytes(flash), sizes::bytes(ram)))?;
    }
    Ok(())
}

/// Builds every project; its program becomes NAME.elf in target/prenda/examples. Runs those that
/// print answers and that QEMU can run, and checks their answers.
pub fn verify(workspace: &Workspace) -> Result<()> {
    all()?.iter().try_for_each(|example| example.verify(workspace).map(drop))
}

impl Example {
    fn read(folder: PathBuf) -> Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let manifest: Manifest = read_toml(&folder.join("Cargo.toml"))?;
        let Config { build: Build { target: triple }, target } = read_toml(&folder.join(".cargo/config.toml"))?;
        let runner = target.get(&triple).map(|target| target.runner.as_str()).unwrap_or_default();
        let runner = runner.split_whitespace().map(str::to_owned).collect();
        Ok(Self { name, folder, package: manifest.package.name, triple, runner })
    }

    /// Returns the path of its Cargo.toml.
    pub fn manifest(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }

    /// Returns the program of QEMU that runs the example.
    pub fn emulator(&self) -> Option<&str> {
        self.runner.first().map(String::as_str).filter(|program| program.starts_with("qemu-system-"))
    }

    fn verify(&self, workspace: &Workspace) -> Result<PathBuf> {
        let program = self.build(workspace).with_context(|| format!("examples/{}", self.name))?;
        if let (Some(emulator), Some(answer)) = (self.emulator(), self.answer()?) {
            let job = Job::new(emulator).args(self.runner.iter().skip(1)).arg(&program);
            job.record()?.wait_for(&answer).with_context(|| format!("examples/{}", self.name))?;
        }
        Ok(program)
    }

    /// Returns the text that the program prints, if it prints answers.
    fn answer(&self) -> Result<Option<String>> {
        let answers = self.folder.join(ANSWERS);
        if answers.is_file() {
            let text = fs::read_to_string(&answers);
            return text.map(Some).with_context(|| format!("cannot read {}", shown(&answers)));
        }
        Ok(self.folder.join(IMAGE).is_file().then(|| ANSWER.to_owned()))
    }

    /// Builds the program in a copy of the folder; returns the path of the program.
    fn build(&self, workspace: &Workspace) -> Result<PathBuf> {
        // Cargo reads the configuration of all folders above the current one.
        let outside = tempfile::tempdir().context("cannot create a temporary folder")?;
        let copy = outside.path().join(&self.name);
        copy_for_user(workspace, &self.name, &copy)?;

        // Common to all, so that a dependency of several is compiled once.
        let target = workspace.target.join("examples");
        // Debug information, which only a person reads, would be gigabytes.
        let job = image::build_for(&self.triple, &copy)?.env("CARGO_PROFILE_RELEASE_DEBUG", "false");
        // These flags would replace those of the example, which name its linker script.
        let job = job.without_env("RUSTFLAGS").within(&copy);
        job.args(["--release", "--locked", "--target-dir"]).arg(&target).run()?;
        let program = workspace.folder("examples")?.join(format!("{}.elf", self.name));
        files::copy(&target.join(&self.triple).join("release").join(&self.package), &program)?;
        Ok(program)
    }
}

fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", shown(path)))?;
    toml::from_str(&text).with_context(|| format!("cannot parse {}", shown(path)))
}

/// Copies the example `name` as its user would: without what was built, and with
/// `[patch.crates-io]` pointed at the repository.
pub fn copy_for_user(workspace: &Workspace, name: &str, to: &Path) -> Result<()> {
    copy_folder(&workspace.root.join("examples").join(name), to)?;
    point_at(&workspace.root, &to.join("Cargo.toml"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry.with_context(|| format!("cannot read {}", from.display()))?;
        let (path, new) = (entry.path(), to.join(entry.file_name()));
        if !path.is_dir() {
            files::copy(&path, &new)?;
        } else if entry.file_name() != "target" {
            copy_folder(&path, &new)?;
        }
    }
    Ok(())
}

fn point_at(root: &Path, manifest: &Path) -> Result<()> {
    let text = fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let root = root.to_str().context("the path of this repository is not UTF-8")?;
    Ok(files::write(manifest, text.replace("\"../../", &format!("\"{root}/")).as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_names_its_target_and_its_runner() {
        let examples = all().unwrap();
        let named = |name: &str| examples.iter().find(|example| example.name == name).unwrap();
        let hifive1 = named("hifive1");
        assert_eq!((&*hifive1.package, &*hifive1.triple), ("hifive1-shoes", "riscv32imc-unknown-none-elf"));
        assert_eq!(hifive1.emulator(), Some("qemu-system-riscv32"));
        assert_eq!(named("embassy-pico2").emulator(), None);
        assert_eq!(hifive1.answer().unwrap().as_deref(), Some(ANSWER));
        assert_eq!(named("iris").answer().unwrap().map(|text| text.lines().count()), Some(150));
        assert_eq!(named("served").answer().unwrap(), None);
    }

    #[test]
    fn a_copy_has_no_build_and_finds_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("target/release")).unwrap();
        fs::create_dir_all(from.join(".cargo")).unwrap();
        fs::write(from.join(".cargo/config.toml"), "").unwrap();
        fs::write(from.join("Cargo.toml"), "prenda = { path = \"../../shared-model\" }").unwrap();
        copy_folder(&from, &to).unwrap();
        point_at(Path::new("/r"), &to.join("Cargo.toml")).unwrap();
        assert!(to.join(".cargo/config.toml").is_file() && !to.join("target").exists());
        assert_eq!(fs::read_to_string(to.join("Cargo.toml")).unwrap(), "prenda = { path = \"/r/shared-model\" }");
    }
}
