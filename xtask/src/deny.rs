//! `cargo xtask deny`: licences, sources and versions of all dependencies, by cargo-deny and what deny.toml allows.

use anyhow::{Result, bail};

use crate::programs::find_program;
use crate::workspace::Workspace;

/// Where cargo-deny is not there.
const MISSING: &str = "cargo-deny is not installed; `cargo install cargo-deny --locked` builds it, in some minutes";

/// `cargo xtask deny [--advisories]`.
///
/// # Errors
/// When cargo-deny is not there, or finds something.
pub fn command(workspace: &Workspace, advisories: bool) -> Result<()> {
    if find_program("cargo-deny").is_none() {
        bail!(MISSING);
    }
    let job = workspace.cargo("deny").args(["--locked", "check", "--deny", "warnings", "licenses", "sources", "bans"]);
    if advisories { job.arg("advisories") } else { job }.run()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }

    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        source: Option<String>,
        checksum: Option<String>,
        #[serde(default)]
        dependencies: Vec<String>,
    }

    #[derive(Deserialize)]
    struct Deny {
        bans: Bans,
    }

    #[derive(Deserialize)]
    struct Bans {
        skip: Vec<Skip>,
    }

    #[derive(Deserialize)]
    struct Skip {
        #[serde(rename = "crate")]
        spec: String,
    }

    fn read<T: DeserializeOwned>(name: &str) -> T {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn every_dependency_is_of_crates_io_and_has_a_checksum() {
        let Lock { package } = read("Cargo.lock");
        let ours = boards_and_rooms();
        for Package { name, version, source, checksum, .. } in package {
            let source = source.as_deref();
            if ours.contains(&name.as_str()) {
                assert_eq!(source, None, "{name}");
            } else {
                assert_eq!(source, Some("registry+https://github.com/rust-lang/crates.io-index"), "{name} {version}");
                assert!(checksum.is_some_and(|sum| sum.len() == 64), "{name} {version}");
            }
        }
    }

    /// The packages of this workspace.
    fn boards_and_rooms() -> [&'static str; 7] {
        ["boards", "firmware", "host-trainer", "parity", "shared-model", "virtual-probe", "xtask"]
    }

    #[test]
    fn what_we_ask_for_ourselves_is_asked_for_once() {
        let Lock { package } = read("Cargo.lock");
        let ours = boards_and_rooms();
        let mut asked: Vec<String> = package
            .into_iter()
            .filter(|package| ours.contains(&package.name.as_str()))
            .flat_map(|package| package.dependencies)
            .collect();
        asked.sort();
        asked.dedup();
        // A name alone where there is one version, else name and version.
        let names: Vec<_> = asked.iter().filter_map(|asked| asked.split(' ').next()).collect();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None);
        assert!(names.contains(&"serde"), "{names:?}");
    }

    #[test]
    fn every_exception_is_still_one() {
        let Lock { package } = read("Cargo.lock");
        let Deny { bans: Bans { skip } } = read("deny.toml");
        assert!(!skip.is_empty());
        for Skip { spec } in skip {
            let (name, version) = spec.split_once('@').unwrap();
            let versions: Vec<_> =
                package.iter().filter(|package| package.name == name).map(|package| &*package.version).collect();
            let is_meant = |found: &&&str| found.strip_prefix(version).is_some_and(|rest| rest.starts_with('.'));
            assert!(versions.len() > 1 && versions.iter().filter(is_meant).count() == 1, "{spec}: {versions:?}");
        }
    }
}
