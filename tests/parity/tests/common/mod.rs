//! What the suites share: where things lie, what has to be there, and models that are not as they
//! were.

use std::env;
use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};

/// What `PARITY_REQUIRE` may name beside devices: the command-line tool of probe-rs.
pub const TOOL: &str = "probe-rs";

/// The folder with a model and the host's answers.
pub fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"))
}

/// The folder of the boards' ELFs.
pub fn firmware_folder() -> PathBuf {
    env::var_os("PARITY_FIRMWARE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/prenda/firmware")),
        PathBuf::from,
    )
}

/// The names in `PARITY_REQUIRE`.
pub fn required() -> Vec<String> {
    let names = env::var("PARITY_REQUIRE").unwrap_or_default();
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Something that must be there and is not.
pub fn missing(name: &str, reason: String) -> Trial {
    Trial::test(format!("{name}::is_there"), move || Err(Failed::from(reason)))
}

/// A trial that cannot be made here.
pub fn ignored(name: String, reason: &str) -> Trial {
    Trial::test(name, || Ok(())).with_kind(reason).with_ignored_flag(true)
}

/// A model with a flipped bit, which its checksum tells of.
pub fn damaged(model: &[u8]) -> Vec<u8> {
    let mut model = model.to_vec();
    model[50_000] ^= 0x10;
    model
}
