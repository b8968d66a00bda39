//! Hands the binaries their board's linker script, and the code the name of its architecture.

use std::env;
use std::path::{Path, PathBuf};

/// Architectures that differ in registers, as `cfg` names, and how their targets begin.
const ARCHITECTURES: [(&str, &str); 3] = [("armv6m", "thumbv6m"), ("armv7m", "thumbv7"), ("armv8m", "thumbv8m")];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=boards");
    let target = env::var("TARGET").unwrap_or_default();
    for (name, beginning) in ARCHITECTURES {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if target.starts_with(beginning) {
            println!("cargo::rustc-cfg={name}");
        }
    }
    // On a host there is no binary to link.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let boards = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("boards");
    let chosen: Vec<PathBuf> = folders(&boards).filter(|folder| is_chosen(folder)).collect();
    let [board] = chosen.as_slice() else {
        let names: Vec<_> = folders(&boards).map(|folder| name_of(&folder)).collect();
        println!("cargo::error=choose one board by `--features BOARD`; the boards are: {}", names.join(", "));
        return;
    };
    // From here and not from rustflags, which an environment variable could erase.
    println!("cargo::rustc-link-arg-bins=-L{}", board.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
}

/// The boards' folders, by name.
fn folders(boards: &Path) -> impl Iterator<Item = PathBuf> {
    let mut folders: Vec<PathBuf> =
        boards.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders.into_iter().filter(|folder| folder.join("board.toml").is_file())
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether the board's feature is on.
fn is_chosen(folder: &Path) -> bool {
    env::var_os(format!("CARGO_FEATURE_{}", name_of(folder).to_uppercase().replace('-', "_"))).is_some()
}
