//! Checks that builds and tests compile the large dependencies with the same features, so that
//! cargo compiles them once.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Cargo's plan for a command: what it compiles, and from what.
struct Plan {
    units: Vec<Value>,
}

impl Plan {
    fn new(arguments: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // The plan is an unstable option.
        let output = Command::new(cargo)
            .args(arguments)
            .args(["--locked", "-Z", "unstable-options", "--unit-graph"])
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
        Self { units: plan["units"].as_array().unwrap().clone() }
    }

    /// Returns the libraries, each with its features and those of all that it is compiled from.
    fn libraries(&self) -> BTreeSet<(String, String)> {
        let mut described = vec![None; self.units.len()];
        (0..self.units.len())
            .filter(|index| self.units[*index]["target"]["kind"][0] == "lib" && self.units[*index]["mode"] == "build")
            .map(|index| (self.units[index]["target"]["name"].as_str().unwrap().to_owned(), index))
            .map(|(name, index)| (name, self.describe(index, &mut described)))
            .collect()
    }

    /// Describes a unit by a hash of all that it is compiled from.
    fn describe(&self, index: usize, described: &mut Vec<Option<String>>) -> String {
        if let Some(known) = &described[index] {
            return known.clone();
        }
        let unit = &self.units[index];
        let dependencies = unit["dependencies"].as_array().unwrap().iter();
        let indices = dependencies.map(|dependency| usize::try_from(dependency["index"].as_u64().unwrap()).unwrap());
        let parts: BTreeSet<String> = indices.map(|index| self.describe(index, described)).collect();
        let own = ["pkg_id", "target", "mode", "features", "platform"].map(|key| unit[key].to_string()).concat();
        let profile = ["opt_level", "debuginfo", "debug_assertions"].map(|key| unit["profile"][key].to_string());
        let text = format!("{own}{}{parts:?}", profile.concat());
        let hash = crc::Crc::<u64>::new(&crc::CRC_64_XZ).checksum(text.as_bytes());
        described[index] = Some(format!("{hash:016x}"));
        format!("{hash:016x}")
    }
}

/// Returns the libraries of `plan` that `tests` does not have with the same features.
fn compiled_again(plan: &Plan, tests: &Plan) -> Vec<String> {
    plan.libraries().difference(&tests.libraries()).map(|(name, _)| name.clone()).collect()
}

#[test]
fn libraries_are_compiled_once_for_programs_and_tests() {
    let tests = Plan::new(&["test", "--workspace", "--no-run"]);
    let programs = ["host-trainer", "parity", "bench", "estimate"].map(|name| ["--bin", name]).concat();
    let programs = Plan::new(&[&["build", "--workspace"][..], &programs].concat());
    assert!(programs.libraries().len() > 200);
    assert_eq!(compiled_again(&programs, &tests), [""; 0], "pin the features that differ, as Cargo.toml does");

    // The demo leaves out a backend and probe-rs, and what depends on the choice of backends.
    let demo = ["build", "-p", "host-trainer", "-p", "parity", "--no-default-features"];
    let again =
        compiled_again(&Plan::new(&[&demo[..], &["--bin", "host-trainer", "--bin", "parity"]].concat()), &tests);
    for large in ["burn_flex", "burn_autodiff", "gemm"] {
        assert!(!again.contains(&large.to_owned()), "the demo compiles {large} with other features: {again:?}");
    }
}
