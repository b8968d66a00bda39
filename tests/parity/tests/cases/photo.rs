//! One image at a time through the program `ask`: both answers, and what it refuses.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use parity::{Device, Lab, Target};
use prenda::AnswersHeader;
use serde_json::Value;
use tempfile::TempDir;

use super::{Case, Fixture, models};
use crate::common::fixtures;

/// Cases for every device.
pub const PHOTO_CASES: &[(&str, Case)] = &[
    ("photo", photo),
    ("photo_of_a_cascade", photo_of_a_cascade),
    ("photo_that_differs", photo_that_differs),
    ("photos_are_refused", photos_are_refused),
];

/// The committed model, and its answer to docs/trousers.jpg.
fn committed() -> (PathBuf, PathBuf) {
    (fixtures().join("model.bin"), fixtures().join("photo-answers.bin"))
}

/// The device runs between two images, and counts the same for both.
fn photo(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let (model, answers) = committed();
    let lines = lines(&ask(device, lab, &model, &[&answers, &answers])?, 0)?;
    let [introduced, first, second] = &lines[..] else { return Err(format!("{lines:?}").into()) };
    let unit = match device.target() {
        _ if !device.counts() => Value::Null,
        Target::Hardware => "cycles".into(),
        _ => "instructions".into(),
    };
    assert_eq!((&introduced["device"], &introduced["unit"]), (&device.name().into(), &unit), "{introduced}");
    assert_eq!(introduced["model_id"], fixture.view()?.id().to_string());
    assert_eq!(introduced["class_names"][1], "Trouser");
    assert_eq!((&first["agree"], &first["host"]), (&true.into(), &first["device"]), "{first}");
    assert_eq!(first["pixels"].as_array().map(Vec::len), Some(784));
    assert_eq!(first["count"].is_u64(), device.counts(), "{first}");
    if device.target() != Target::Hardware {
        assert_eq!(first, second);
    }
    Ok(())
}

/// Each network of a cascade answers one image.
fn photo_of_a_cascade(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let shipped = fixture.shipped("cascade.bin")?;
    let folder = TempDir::with_prefix("prenda-")?;
    let files = [0, 1].map(|network| folder.path().join(format!("{network}.bin")));
    for (network, file) in files.iter().enumerate() {
        fs::write(file, answered_by(&shipped.answers, network as u8)?)?;
    }
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let lines = lines(&ask(device, lab, &models().join("cascade.bin"), &files)?, 0)?;
    assert_eq!(lines[0]["networks"], 2);
    for (network, line) in lines[1..].iter().enumerate() {
        assert_eq!((&line["agree"], &line["device"]["network"]), (&true.into(), &network.into()), "{line}");
    }
    assert_eq!(lines.len(), 3);
    Ok(())
}

/// A wrong logit of the host is shown as it is, and the exit code is 1.
fn photo_that_differs(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let (model, answers) = committed();
    let mut wrong = fs::read(answers)?;
    // The ten logits are before ten probabilities of two bytes.
    let place = wrong.len() - 10 * (4 + 2);
    wrong[place] ^= 1;
    let folder = TempDir::with_prefix("prenda-")?;
    let file = folder.path().join("wrong.bin");
    fs::write(&file, wrong)?;
    let lines = lines(&ask(device, lab, &model, &[&file])?, 1)?;
    let logit = |side: &str| lines[1][side]["logits"][0].as_i64().ok_or("no logit");
    assert_eq!((lines[1]["agree"].as_bool(), logit("host")? ^ logit("device")?), (Some(false), 1), "{lines:?}");
    Ok(())
}

fn photos_are_refused(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let (model, answers) = committed();
    let fails = |lab: &Lab, model: &Path, answers: &Path, parts: &[&str]| {
        let output = ask(device, lab, model, &[answers])?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let has_parts = parts.iter().all(|part| error.contains(part));
        if output.status.code() == Some(1) && has_parts { Ok(()) } else { Err(Failed::from(format!("{output:?}"))) }
    };
    let vectors = fixtures().join("vectors.bin");
    fails(lab, &vectors, &answers, &["photo-answers.bin holds the answers of model", "vectors.bin is model"])?;
    let many = fixtures().join("answers.bin");
    fails(lab, &model, &many, &["answers.bin: found 128 images, expected 1"])?;
    fails(lab, &model, Path::new("absent.bin"), &["cannot read absent.bin"])?;
    fails(lab, &answers, &answers, &["cannot use", "export it again"])?;
    if device.board().is_some() {
        let folder = TempDir::with_prefix("prenda-")?;
        let lab = Lab { firmware: folder.path().into(), ..lab.clone() };
        fails(&lab, &model, &answers, &["is not available", "cargo xtask firmware"])?;
    }
    Ok(())
}

/// Returns an answers file with the first image of `answers` that `network` answered.
fn answered_by(answers: &[u8], network: u8) -> Result<Vec<u8>, Failed> {
    let (header, mut records) = AnswersHeader::parse(answers)?;
    let index = records.position(|record| record.network == network).ok_or("the network answers no image")?;
    let start = header.bytes().count() + index * header.record_bytes();
    let record = &answers[start..start + header.record_bytes()];
    Ok(AnswersHeader { images: 1, ..header }.bytes().chain(record.iter().copied()).collect())
}

/// Runs the program with these answers files.
fn ask(device: Device, lab: &Lab, model: &Path, answers: &[&Path]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ask"));
    command.arg(device.name()).arg("--model").arg(model).arg("--firmware").arg(&lab.firmware);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no input")?;
    let paths: String = answers.iter().map(|path| format!("{}\n", path.display())).collect();
    // Fails if the program has ended with an error, which the output has.
    let _ = input.write_all(paths.as_bytes());
    drop(input);
    Ok(child.wait_with_output()?)
}

/// Returns the lines of the output, if the program ended with `code`.
fn lines(output: &Output, code: i32) -> Result<Vec<Value>, Failed> {
    if output.status.code() != Some(code) {
        return Err(format!("expected exit code {code}: {output:?}").into());
    }
    String::from_utf8_lossy(&output.stdout).lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
