//! Finding programs on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Finds an executable on `$PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let file: OsString = format!("{name}{}", std::env::consts::EXE_SUFFIX).into();
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(&file)).find(|path| is_executable(path))
}

/// Returns true if `path` is a file that may be executed.
pub fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    metadata.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_found_and_folders_and_texts_are_not_programs() {
        assert!(find_program("sh").is_some_and(|path| path.is_absolute()));
        assert!(find_program("no-such-program-of-prenda").is_none());
        assert!(!is_executable(Path::new("/")));
        assert!(!is_executable(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")));
    }
}
