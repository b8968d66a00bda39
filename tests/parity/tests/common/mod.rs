//! Pieces that the suites share: folders, requirements, and changed models.

use std::env;
use std::path::PathBuf;

use checks::write_checksum;
use libtest_mimic::{Failed, Trial};
use prenda::Model;

/// The command-line tool of probe-rs, which `PARITY_REQUIRE` may name too.
pub const TOOL: &str = "probe-rs";

/// Returns the folder with committed models and the host's answers.
pub fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"))
}

/// Returns the folder of the boards' ELFs.
pub fn firmware_folder() -> PathBuf {
    env::var_os("PARITY_FIRMWARE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/prenda/firmware")),
        PathBuf::from,
    )
}

/// Returns the names in `PARITY_REQUIRE`.
pub fn required() -> Vec<String> {
    let names = env::var("PARITY_REQUIRE").unwrap_or_default();
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Returns a trial that fails because something required is missing.
pub fn missing(name: &str, reason: String) -> Trial {
    Trial::test(format!("{name}::is_there"), move || Err(Failed::from(reason)))
}

/// Returns a trial that cannot run here.
pub fn ignored(name: String, reason: &str) -> Trial {
    Trial::test(name, || Ok(())).with_kind(reason).with_ignored_flag(true)
}

/// Returns the model with a flipped bit, so that its checksum is wrong.
pub fn damaged(model: &[u8]) -> Vec<u8> {
    let mut model = model.to_vec();
    model[50_000] ^= 0x10;
    model
}

/// Returns the same network with another class name, and so with another id.
pub fn renamed(model: &[u8]) -> Result<Vec<u8>, Failed> {
    let name = Model::parse(model)?.class_names().next().ok_or("the model has no classes")?;
    let offset = name.as_ptr().addr() - model.as_ptr().addr();
    let mut renamed = model.to_vec();
    renamed[offset] = if name.starts_with('X') { b'Y' } else { b'X' };
    write_checksum(&mut renamed);
    Ok(renamed)
}
