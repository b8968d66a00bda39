//! The macro of [prenda](https://docs.rs/prenda), which re-exports and documents it.
//!
//! ```text
//!  mod shoes = "shoes.bin"; --arguments--> name, path --Model::parse--> Model
//!                                                                         |
//!  source of the module <--generate-- memory of the workspace <--Sizes----+
//! ```
//!
//! # Examples
//!
//! ```
//! # extern crate prenda_core as prenda; // the module refers to `prenda`
//! prenda_macros::include_model!(mod shoes = "shoes.bin");
//!
//! # fn main() {
//! let mut workspace = shoes::Workspace::new();
//! let answer = shoes::infer(&mut workspace, &[0; shoes::PIXELS]);
//! assert_eq!(shoes::NAMES[answer.class], "Sandal");
//! # }
//! ```

use std::path::Path;
use std::{env, fs};

use prenda_core::Model;
use proc_macro::TokenStream;

use crate::arguments::Arguments;

mod arguments;
mod generate;

/// Reads a model while the program is compiled: see `prenda::include_model!`.
#[proc_macro]
pub fn include_model(input: TokenStream) -> TokenStream {
    let source = Arguments::parse(input).and_then(|arguments| expand(&arguments));
    let source = source.unwrap_or_else(|error| format!("::core::compile_error!({error:?});"));
    source.parse().unwrap_or_else(|error| {
        let message = format!("cannot generate the module: {error}");
        TokenStream::from_iter(
            [format!("::core::compile_error!({message:?});")].iter().flat_map(|text| text.parse::<TokenStream>()),
        )
    })
}

/// Returns the source of the module.
fn expand(arguments: &Arguments) -> Result<String, String> {
    let path = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(&arguments.path);
    let bytes = fs::read(&path)
        .map_err(|error| format!("{}: {error}; the path is relative to the folder of Cargo.toml", path.display()))?;
    let model = Model::parse(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(generate::module(arguments, &path, &model))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(path: &str) -> Result<String, String> {
        expand(&Arguments { before: String::new(), name: "shoes".to_owned(), path: path.to_owned() })
    }

    #[test]
    fn errors_name_the_file_and_the_reason() {
        let missing = expanded("no-such-model.bin").unwrap_err();
        assert!(missing.contains("no-such-model.bin: No such file"), "{missing}");
        assert!(missing.contains("folder of Cargo.toml"), "{missing}");

        let mut bytes = fs::read("shoes.bin").unwrap();
        bytes[1000] ^= 1;
        let error = Model::parse(&bytes).unwrap_err();
        let file = env::temp_dir().join(format!("prenda-damaged-{}.bin", std::process::id()));
        fs::write(&file, bytes).unwrap();
        let damaged = expanded(file.to_str().unwrap()).unwrap_err();
        fs::remove_file(&file).unwrap();
        assert_eq!(damaged, format!("{}: {error}", file.display()));
    }

    #[test]
    fn the_module_has_the_sizes_of_the_model() {
        let source = expanded("shoes.bin").unwrap();
        for expected in ["PIXELS: usize = 784", "CLASSES: usize = 10", "sums: [i32; 64]", "list: [[u32; 2]; 37]"] {
            assert!(source.contains(expected), "{expected}");
        }
    }
}
