//! The lecture's network on the real data set: what it must reach, in float and in fixed point.
//!
//! Where the data set is not installed these trials are ignored, and with `PRENDA_REQUIRE_DATA=1` they fail.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_host-trainer");

/// What five epochs must reach.
const LEAST_ACCURACY: f64 = 0.865;
/// What fixed point may cost.
const MOST_LOSS: f64 = 0.003;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each trial keeps a core busy, and two trials side by side are what the smallest machine has cores for.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let cases = [("flex", 1, true), ("ndarray", 1, false), ("flex", 2, false), ("flex", 3, false)];
    let absent = absent_data();
    let is_required = env::var_os("PRENDA_REQUIRE_DATA").is_some_and(|value| value == "1");
    let trials = cases.map(|(backend, seed, twice)| {
        let name = format!("lecture::{backend}::seed_{seed}");
        match absent.clone() {
            None => Trial::test(name, move || train(backend, seed, twice)),
            Some(reason) if is_required => Trial::test(name, move || Err(reason.into())),
            Some(reason) => {
                eprintln!("{name} is ignored: {reason}");
                Trial::test(name, move || Err(reason.into())).with_ignored_flag(true)
            }
        }
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

/// Why there is no data set to train on.
fn absent_data() -> Option<String> {
    // Looking must not download.
    let cache =
        directories::ProjectDirs::from("", "", "prenda").map(|folders| folders.cache_dir().join("fashion-mnist"));
    let places =
        [env::var_os("FASHION_MNIST_DIR").map(PathBuf::from), cache, Some("/usr/share/datasets/fashion-mnist".into())];
    let files =
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    let has = |folder: &Path, file: &str| folder.join(file).exists() || folder.join(format!("{file}.gz")).exists();
    let is_there = places.into_iter().flatten().any(|folder| files.iter().all(|file| has(&folder, file)));
    let reason = "Fashion-MNIST is not installed; `cargo xtask setup` or `host-trainer data` gets it";
    (!is_there).then(|| reason.to_owned())
}

fn train(backend: &str, seed: u64, twice: bool) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (report, model) = train_once(folder.path(), backend, seed, "first")?;
    let number = |key: &str| report[key].as_f64().ok_or_else(|| Failed::from(format!("no {key} in {report}")));
    let (float, fixed) = (number("test_accuracy_float")?, number("test_accuracy_fixed")?);
    if fixed < LEAST_ACCURACY || float < LEAST_ACCURACY {
        return Err(format!(
            "test accuracy {float} in float, {fixed} in fixed point, at least {LEAST_ACCURACY} expected"
        )
        .into());
    }
    if float - fixed > MOST_LOSS {
        return Err(format!("fixed point loses more than {MOST_LOSS}: {float} in float, {fixed} in fixed point").into());
    }
    if twice && model != train_once(folder.path(), backend, seed, "second")?.1 {
        return Err("the same seed gave another model.bin".into());
    }
    Ok(())
}

fn train_once(folder: &Path, backend: &str, seed: u64, name: &str) -> Result<(Value, Vec<u8>), Failed> {
    let model = folder.join(name).join("model.bin");
    let output = Command::new(PROGRAM)
        .args(["train", "--json", "--backend", backend, "--seed", &seed.to_string(), "--run"])
        .arg(folder.join(name))
        .arg("--export")
        .arg(&model)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok((serde_json::from_slice(&output.stdout)?, fs::read(model)?))
}
