//! The macro of [prenda](https://docs.rs/prenda), which re-exports and documents it.
//!
//! ```text
//!  mod shoes = "shoes.bin"; --arguments--> name, path --Model::parse--> Model
//!                                                                         |
//!  source of the module <--generate-- memory of the workspace <--plan-----+
//! ```

use std::path::Path;
use std::{env, fs};

use prenda_core::Model;
use proc_macro::TokenStream;

use crate::arguments::Arguments;

mod arguments;
mod generate;
mod plan;

/// Reads a model while the program is compiled: see `prenda::include_model!`.
#[proc_macro]
pub fn include_model(input: TokenStream) -> TokenStream {
    let source = Arguments::parse(input).and_then(|arguments| expand(&arguments));
    let source = source.unwrap_or_else(|error| format!("::core::compile_error!({error:?});"));
    source.parse().unwrap_or_default()
}

/// Returns the source of the module.
fn expand(arguments: &Arguments) -> Result<String, String> {
    let path = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(&arguments.path);
    let bytes = fs::read(&path)
        .map_err(|error| format!("{}: {error}; the path is relative to the folder of Cargo.toml", path.display()))?;
    let model = Model::parse(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(generate::module(arguments, &path, &model))
}
