//! A model as a crate that reads it at compile time, with `prenda::include_model!`.

use prenda::Model;

/// Returns the files of a crate `name` for `model`: a path in its folder, and the content.
pub fn files(model: &Model<'_>, name: &str) -> Vec<(String, Vec<u8>)> {
    vec![
        ("Cargo.toml".to_owned(), manifest(model, name).into_bytes()),
        ("src/lib.rs".to_owned(), library(model, name).into_bytes()),
        ("model.bin".to_owned(), model.bytes().to_vec()),
    ]
}

fn manifest(model: &Model<'_>, name: &str) -> String {
    format!(
        "# Written by `host-trainer export`. On a thumbv8m.main target, enable a core of prenda, for example
# `cortex-m33`, in this list of features or in that of the firmware.
[package]
name = {name:?}
description = \"Model {id}, which prenda reads at compile time.\"
version = \"0.1.0\"
edition = \"2024\"
publish = false

[dependencies]
prenda = {{ version = \"{version}\", default-features = false, features = [\"macros\"] }}
",
        id = model.id(),
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn library(model: &Model<'_>, name: &str) -> String {
    let networks: String = model.networks().map(|network| format!("//! - `{network}`\n")).collect();
    format!(
        "//! Model {id}, read at compile time:
//!
{networks}//!
//! ```
//! let mut workspace = {name}::Workspace::new();
//! let answer = {name}::infer(&mut workspace, &[0; {name}::PIXELS]);
//! println!(\"{{}}\", {name}::NAMES[answer.class]);
//! ```

#![no_std]

prenda::include_model!(mod model = \"model.bin\");

pub use model::*;
",
        id = model.id(),
    )
}
