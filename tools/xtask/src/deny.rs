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
    struct Manifest {
        workspace: Members,
    }

    #[derive(Deserialize)]
    struct Members {
        members: Vec<String>,
    }

    #[derive(Deserialize)]
    struct Member {
        package: Name,
    }

    #[derive(Deserialize)]
    struct Name {
        name: String,
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
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
        toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn every_dependency_is_of_crates_io_and_has_a_checksum() {
        for lock in ["Cargo.lock", "tests/fuzz/Cargo.lock"] {
            let Lock { package } = read(lock);
            let theirs: Vec<_> = package.iter().filter(|package| package.source.is_some()).collect();
            assert!(!theirs.is_empty(), "{lock}");
            for Package { name, version, source, checksum, .. } in theirs {
                let crates_io = "registry+https://github.com/rust-lang/crates.io-index";
                assert_eq!(source.as_deref(), Some(crates_io), "{lock}: {name} {version}");
                assert!(checksum.as_ref().is_some_and(|sum| sum.len() == 64), "{lock}: {name} {version}");
            }
        }
    }

    #[test]
    fn what_has_no_source_is_a_member_of_the_workspace() {
        let Manifest { workspace: Members { members } } = read("Cargo.toml");
        let named = members.iter().map(|member| {
            let Member { package: Name { name } } = read(&format!("{member}/Cargo.toml"));
            name
        });
        let mut named: Vec<_> = named.collect();
        named.sort();
        let Lock { package } = read("Cargo.lock");
        assert_eq!(our_packages(&package), named);
        // That of the fuzzer has its own package, and what it is made of.
        let Lock { package } = read("tests/fuzz/Cargo.lock");
        let others: Vec<_> = our_packages(&package).into_iter().filter(|name| !named.contains(name)).collect();
        assert_eq!(others, ["fuzz"]);
    }

    /// Those that come of no registry, which are in this repository.
    fn our_packages(packages: &[Package]) -> Vec<String> {
        let ours = packages.iter().filter(|package| package.source.is_none());
        let mut names: Vec<_> = ours.map(|package| package.name.clone()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_we_ask_for_ourselves_is_asked_for_once() {
        let Lock { package } = read("Cargo.lock");
        let ours = package.into_iter().filter(|package| package.source.is_none());
        let mut asked: Vec<String> = ours.flat_map(|package| package.dependencies).collect();
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
