//! Reports, and the page of a training, in a browser as wide as a laptop's and a phone's: they are
//! complete, fit the window, load nothing from elsewhere, and log no warning on the console.
//!
//! Without Chromium and its driver these trials are ignored; with `PRENDA_REQUIRE_BROWSER=1` they
//! fail.

#[path = "cli/files.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which use more of it")]
mod files;

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use host_support::browser::{self, Browser, check_page};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;

use files::{host_trainer, write_data};

/// Widths of windows, in CSS pixels.
const WIDTHS: [(&str, u32); 2] = [("laptop", 1280), ("phone", 390)];

const SECTIONS: [&str; 8] =
    ["result", "history", "evaluation", "weights", "cost", "parity", "quantization", "settings"];

/// Largest distance of the first image from the top of a laptop's window, in CSS pixels.
const MAX_FIRST_IMAGE: f64 = 300.0;

/// Class names: a script that must be escaped, one without a line break, one from right to left.
const CLASSES: [&str; 3] = [
    "<script>alert(1)</script>",
    "A-name-that-is-longer-than-a-phone-is-wide-and-has-no-blank-in-it",
    "\u{5d0}\u{5d1}\u{5d2}",
];

/// Script that describes a page after layout.
const DESCRIBE: &str = r##"
    const images = [...document.images];
    await Promise.all(images.map(image => image.decode().catch(() => null)));
    return {
        title: document.title,
        headings: document.querySelectorAll("h1").length,
        sections: [...document.querySelectorAll("section")].map(section => section.id),
        links: [...document.querySelectorAll("nav a")].map(link => link.getAttribute("href").slice(1)),
        images: images.length,
        broken: images.filter(image => image.naturalWidth === 0 || !image.alt).map(image => image.alt),
        scripts: document.scripts.length,
        firstImage: Math.min(...images.map(image => image.getBoundingClientRect().top + scrollY)),
        captions: [...document.querySelectorAll("table")].filter(table => table.caption === null).length,
        text: document.body.textContent,
    };
"##;

/// Checks pages in a window of this width.
type Check = fn(u32) -> Result<(), Failed>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let absent = browser::absent();
    let is_required = env::var_os("PRENDA_REQUIRE_BROWSER").is_some_and(|value| value == "1");
    let checks: [(&str, Check); 2] = [("report", check_reports), ("watch", check_watch)];
    let trials = checks.iter().flat_map(|check| WIDTHS.map(|width| (*check, width)));
    let trials = trials.map(|((check, run), (name, width))| {
        let name = format!("{check}::{name}");
        match absent.clone() {
            None => Trial::test(name, move || run(width)),
            Some(reason) if is_required => Trial::test(name, move || Err(reason.into())),
            Some(reason) => Trial::test(name, || Ok(())).with_kind(reason).with_ignored_flag(true),
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Checks reports of one run, of two runs, and of one with missing files, in a window `width` wide.
fn check_reports(width: u32) -> Result<(), Failed> {
    let project = tempfile::tempdir()?;
    write_data(&project.path().join("data"));
    let one = train(&project, "one", "8", "3")?;
    let two = train(&project, "two", "5,4", "25")?;
    let parity = parity(&one)?;
    fs::write(one.join("parity-loopback.json"), parity)?;
    let browser = Browser::start(width)?;

    let path = report(&project, &["one"], "one/report.html")?;
    let page = describe(&browser, &path, width)?;
    expect(page["title"] == "Report: one" && page["sections"] == Value::from(SECTIONS.to_vec()), &page)?;
    expect(has_text(&page, "identical") && has_text(&page, "Made on") && has_text(&page, "Fits 10 of 10"), &page)?;
    // Three samples, accuracy, loss, legend, confusion matrix, and the weights of eight neurons.
    expect(page["images"].as_u64().is_some_and(|count| count >= 3 + 4 + 8), &page)?;
    let first = page["firstImage"].as_f64().unwrap_or(f64::MAX);
    expect(width < 800 || first <= MAX_FIRST_IMAGE, &page)?;
    expect(CLASSES.iter().all(|name| has_text(&page, name)), &page)?;

    let path = report(&project, &["one", "two", "--out", "both.html"], "both.html")?;
    let page = describe(&browser, &path, width)?;
    expect(page["title"] == "Report: one, two" && page["sections"] == Value::from(SECTIONS.to_vec()), &page)?;
    expect(has_text(&page, "equal settings") && has_text(&page, "All 25 epochs"), &page)?;
    expect(has_text(&page, "cargo xtask parity --model two") && has_text(&page, "host-trainer report one two"), &page)?;

    for lost in ["result.json", "history.svg", "model.bin"] {
        fs::remove_file(two.join(lost))?;
    }
    fs::write(two.join("evaluation.json"), "{")?;
    let path = report(&project, &["two"], "two/report.html")?;
    let page = describe(&browser, &path, width)?;
    let sections: Vec<&str> = ["missing"].into_iter().chain(SECTIONS).collect();
    expect(page["sections"] == Value::from(sections), &page)?;
    for lost in
        ["result.json is missing", "history.svg is missing", "model.bin is missing", "evaluation.json is damaged"]
    {
        expect(has_text(&page, lost), &page)?;
    }
    expect(has_text(&page, "host-trainer train --data data --hidden 5,4"), &page)
}

/// Plays a training whose page is open: this process has the run's folder locked, and adds epochs.
fn check_watch(width: u32) -> Result<(), Failed> {
    let project = tempfile::tempdir()?;
    let run = project.path().join("run");
    fs::create_dir(&run)?;
    let lock = File::open(&run)?;
    lock.lock()?;
    let mut progress = File::create(run.join("progress.jsonl"))?;
    writeln!(progress, r#"{{"network":"36-8-3 <b>","epochs":30,"images":180}}"#)?;
    let mut epochs = 0;
    let mut train = |count: u32| -> Result<(), Failed> {
        for epoch in epochs + 1..=epochs + count {
            let accuracy = 1.0 - 0.5 / f64::from(epoch);
            writeln!(progress, r#"{{"epoch":{epoch},"loss":{accuracy},"accuracy":{accuracy},"seconds":0.5}}"#)?;
        }
        epochs += count;
        Ok(())
    };
    train(2)?;
    let mut watch = Watch::start(project.path())?;
    let browser = Browser::start(width)?;
    browser.visit(&watch.address)?;
    let two = await_status(&browser, "Epoch 2 of 30 is done: 360 images/s, 14 s left.")?;
    expect(two["title"] == "run: 36-8-3 <b>" && two["points"] == 2, &two)?;
    train(5)?;
    let seven = await_status(&browser, "Epoch 7 of 30 is done: 360 images/s, 12 s left.")?;
    expect(seven["points"] == 7, &seven)?;
    let page = browser.run(DESCRIBE)?;
    expect(page["images"] == 3 && page["broken"] == Value::Array(Vec::new()), &page)?;
    check_page(&browser, width)?;

    // A killed training unlocks the folder, and leaves its file.
    drop(lock);
    let end = await_status(&browser, "The training ended after 7 epochs, and its results are not in this folder.")?;
    expect(end["points"] == 7, &end)?;
    expect(watch.process.wait()?.code() == Some(1), &end)?;
    let complaints = browser.complaints()?;
    if complaints.is_empty() { Ok(()) } else { Err(format!("messages on the console: {complaints:?}").into()) }
}

/// `host-trainer watch`, until it is dropped.
struct Watch {
    process: Child,
    address: String,
}

impl Watch {
    /// Watches the run `run` in `folder`.
    fn start(folder: &Path) -> Result<Self, Failed> {
        let program = assert_cmd::cargo::cargo_bin("host-trainer");
        let mut command = Command::new(program);
        command.args(["watch", "run", "--json"]).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let printed: Value = serde_json::from_str(&line)?;
        let address = printed["page"].as_str().ok_or_else(|| format!("no page: {printed}"))?.to_owned();
        Ok(Self { process, address })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until the page has this status, and returns its title and the points of its first curve.
fn await_status(browser: &Browser, status: &str) -> Result<Value, Failed> {
    let script = format!(
        r##"const status = document.getElementById("status");
        for (let wait = 0; wait < 300 && status.textContent !== {status:?}; wait++) {{
            await new Promise(resolve => setTimeout(resolve, 100));
        }}
        const svg = decodeURIComponent(document.getElementById("accuracy").src);
        const curve = /points="([^"]*)"/.exec(svg)[1];
        return {{status: status.textContent, title: document.title, points: curve.split(" ").length}};"##
    );
    let found = browser.run(&script)?;
    expect(found["status"] == status, &found)?;
    Ok(found)
}

/// Trains a small network and returns the folder of its run.
fn train(project: &TempDir, run: &str, hidden: &str, epochs: &str) -> Result<PathBuf, Failed> {
    let arguments = ["train", "--data", "data", "--hidden", hidden, "--epochs", epochs, "--validation", "30"];
    let output = host_trainer(project.path()).args(arguments).args(["--run", run]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let run = project.path().join(run);
    rename_classes(&run)?;
    Ok(run)
}

/// Renames the classes to [`CLASSES`].
fn rename_classes(run: &Path) -> Result<(), Failed> {
    for file in ["config.json", "evaluation.json"] {
        let mut record: Value = serde_json::from_slice(&fs::read(run.join(file))?)?;
        for (class, name) in CLASSES.iter().enumerate() {
            let found = record.pointer_mut(&format!("/classes/{class}")).ok_or("no such class")?;
            match found.get_mut("name") {
                Some(found) => *found = Value::from(*name),
                None => *found = Value::from(*name),
            }
        }
        fs::write(run.join(file), record.to_string())?;
    }
    Ok(())
}

/// Builds the record of a device that agrees with the model in `run`.
fn parity(run: &Path) -> Result<String, Failed> {
    let outcome: Value = serde_json::from_slice(&fs::read(run.join("result.json"))?)?;
    let parity = serde_json::json!({
        "device": "loopback",
        "model_id": outcome["model_id"],
        "pictures": 60,
        "logits_compared": 180,
        "logits_different": 0,
        "probabilities_different": 0,
        "classes_different": 0,
        "accuracy": outcome["test_accuracy_fixed"],
        "flash_bytes": null,
        "ram_bytes": null,
    });
    Ok(parity.to_string())
}

/// Writes a report and returns its path.
fn report(project: &TempDir, arguments: &[&str], path: &str) -> Result<PathBuf, Failed> {
    let output = host_trainer(project.path()).arg("report").args(arguments).arg("--json").output()?;
    let printed: Value = serde_json::from_slice(&output.stdout)?;
    if !output.status.success() || printed["report"] != path {
        return Err(format!("{printed} {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(project.path().join(path))
}

/// Opens a page, checks what holds for every report, and returns its description.
fn describe(browser: &Browser, path: &Path, width: u32) -> Result<Value, Failed> {
    browser.open(path)?;
    // Folded content must fit, too.
    browser.run("document.querySelectorAll('details').forEach(details => details.open = true)")?;
    let page = browser.run(DESCRIBE)?;
    expect(page["broken"] == Value::Array(Vec::new()), &page)?;
    check_page(browser, width)?;
    expect(page["headings"] == 1 && page["scripts"] == 0 && page["captions"] == 0, &page)?;
    expect(page["links"] == page["sections"], &page)?;
    Ok(page)
}

fn has_text(page: &Value, text: &str) -> bool {
    page["text"].as_str().is_some_and(|page| page.contains(text))
}

#[track_caller]
fn expect(condition: bool, page: &Value) -> Result<(), Failed> {
    let place = std::panic::Location::caller();
    if condition { Ok(()) } else { Err(format!("check failed at {place}: {page:#}").into()) }
}
