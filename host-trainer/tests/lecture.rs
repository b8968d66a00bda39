//! The accuracy of the lecture's network on the real data set, in float and in fixed point.
//!
//! Without the data set these trials are ignored; with `PRENDA_REQUIRE_DATA=1` they fail.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use host_trainer::Places;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_host-trainer");

/// Minimum after five epochs, as the mean of three seeds.
const MIN_MEAN_ACCURACY: f64 = 0.865;
/// Minimum of a single seed. It is lower because seeds differ by half a point, and so does one seed
/// on processors that add in another order.
const MIN_ACCURACY: f64 = 0.855;
/// Maximum difference after one epoch between a graphics card and the processor, which adds in
/// another order.
const MAX_DIFFERENCE: f64 = 0.015;
/// Maximum loss of accuracy through fixed point.
const MAX_LOSS: f64 = 0.003;

type Case = fn() -> Result<(), Failed>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each trial keeps a core busy, and the smallest machine has two.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let cases: [(&str, Case); 8] = [
        ("flex::three_seeds", || accuracy("flex", &[1, 2, 3])),
        ("ndarray::three_seeds", || accuracy("ndarray", &[1, 2, 3])),
        ("flex::same_seed_same_bytes", || same_seed_same_bytes("flex")),
        ("ndarray::same_seed_same_bytes", || same_seed_same_bytes("ndarray")),
        ("wgpu::one_epoch", || one_epoch("wgpu")),
        ("wgpu::same_seed_same_bytes", || same_seed_same_bytes("wgpu")),
        ("cuda::one_epoch", || one_epoch("cuda")),
        ("cuda::same_seed_same_bytes", || same_seed_same_bytes("cuda")),
    ];
    let absent = absent_data();
    let is_required = env::var_os("PRENDA_REQUIRE_DATA").is_some_and(|value| value == "1");
    let backends = Backends::ask();
    let trials = cases.map(|(name, case)| {
        let no_backend = backends.unavailable(name);
        let name = format!("lecture::{name}");
        match (no_backend, absent.clone()) {
            (None, None) => Trial::test(name, case),
            (None, Some(reason)) if is_required => Trial::test(name, move || Err(reason.into())),
            (Some(reason), _) | (None, Some(reason)) => {
                Trial::test(name, || Ok(())).with_kind(reason).with_ignored_flag(true)
            }
        }
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

/// Returns the reason if the data set is missing. Does not download.
fn absent_data() -> Option<String> {
    match Places::of_this_system(None).locate() {
        Ok(Some(_)) => None,
        Ok(None) => {
            Some("Fashion-MNIST is not installed; `cargo xtask setup` or `host-trainer data` downloads it".to_owned())
        }
        Err(error) => Some(error.to_string()),
    }
}

/// Output of `train --backend list --json`.
struct Backends(Value);

impl Backends {
    fn ask() -> Self {
        let output = Command::new(PROGRAM).args(["train", "--backend", "list", "--json"]).stdin(Stdio::null()).output();
        Self(output.ok().and_then(|output| serde_json::from_slice(&output.stdout).ok()).unwrap_or_default())
    }

    /// Returns the reason if the backend of the trial `name` is unavailable. A backend missing from
    /// the list counts as available, so its trial fails.
    fn unavailable(&self, name: &str) -> Option<String> {
        let backend = name.split("::").next()?;
        let entry = self.0["backends"].as_array()?.iter().find(|entry| entry["backend"] == backend)?;
        if entry["is_built"] == false {
            return Some(format!("this build has no {backend}; `cargo xtask check gpu --backend {backend}` tests it"));
        }
        entry["devices"].as_array()?.is_empty().then(|| format!("no device for {backend} on this machine"))
    }
}

/// Trains the lecture's network for five epochs with each of `seeds` and checks its accuracy.
fn accuracy(backend: &str, seeds: &[u64]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut sum = 0.0;
    for &seed in seeds {
        let (report, _) = train_once(folder.path(), &["--backend", backend, "--seed", &seed.to_string()])?;
        let number = |key: &str| report[key].as_f64().ok_or_else(|| Failed::from(format!("no {key} in {report}")));
        let (float, fixed) = (number("test_accuracy_float")?, number("test_accuracy_fixed")?);
        if float < MIN_ACCURACY || float - fixed > MAX_LOSS {
            return Err(format!(
                "seed {seed}: found {float} in float and {fixed} in fixed point, expected at least {MIN_ACCURACY} and \
                 a loss of at most {MAX_LOSS}"
            )
            .into());
        }
        sum += float;
    }
    let mean = sum / seeds.len() as f64;
    if mean < MIN_MEAN_ACCURACY {
        return Err(format!("mean of seeds {seeds:?}: found {mean}, expected at least {MIN_MEAN_ACCURACY}").into());
    }
    Ok(())
}

/// Checks that one epoch on a graphics card reaches the same accuracy as on the processor.
fn one_epoch(backend: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let train = |backend| {
        let (report, _) = train_once(folder.path(), &["--backend", backend, "--epochs", "1"])?;
        report["test_accuracy_float"].as_f64().ok_or_else(|| Failed::from(format!("no accuracy in {report}")))
    };
    let (found, expected) = (train(backend)?, train("flex")?);
    if (found - expected).abs() > MAX_DIFFERENCE {
        return Err(format!("found {found}, expected {expected} within {MAX_DIFFERENCE}").into());
    }
    Ok(())
}

fn same_seed_same_bytes(backend: &str) -> Result<(), Failed> {
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let arguments = ["--backend", backend, "--epochs", "1"];
    let (_, model) = train_once(first.path(), &arguments)?;
    if model != train_once(second.path(), &arguments)?.1 {
        return Err("the same seed gave another model.bin".into());
    }
    Ok(())
}

/// Returns the output of `train --json` and the model.
fn train_once(folder: &Path, arguments: &[&str]) -> Result<(Value, Vec<u8>), Failed> {
    let model = folder.join("model.bin");
    let output = Command::new(PROGRAM)
        .args(["train", "--overwrite", "--json"])
        .args(arguments)
        .arg("--run")
        .arg(folder.join("run"))
        .arg("--export")
        .arg(&model)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok((serde_json::from_slice(&output.stdout)?, fs::read(model)?))
}
