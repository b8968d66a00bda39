//! The page in a browser as wide as a laptop's and a phone's: drawings, photos, models and answers,
//! also damaged ones.
//!
//! Without Chromium, its driver or the page these trials are ignored; with
//! `PRENDA_REQUIRE_BROWSER=1` they fail.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use host_support::browser::{self, Browser, check_page};
use image::{GrayImage, RgbaImage};
use libtest_mimic::{Arguments, Failed, Trial};
use photos::{Form, Raster};
use prenda::{AnswersHeader, HostWorkspace, Model, Record};
use serde_json::{Value, json};
use tempfile::TempDir;

const WIDTHS: [(&str, u32); 2] = [("laptop", 1280), ("phone", 390)];

/// WebDriver's number of the key.
const ARROW_RIGHT: char = '\u{E014}';

/// Waits until the page shows something, for at most 25 seconds: a script may take 30.
const WAIT: &str = "
    const start = performance.now();
    while (!(CONDITION) && performance.now() - start < 25000) await new Promise(done => setTimeout(done, 20));
    const shown = id => document.getElementById(id).hidden ? '' : document.getElementById(id).textContent;
    return {
        error: shown('error'), class: shown('class'), verdict: shown('verdict'), conversion: shown('conversion'),
        network: shown('network'), label: shown('label'), live: shown('live'), facts: shown('facts'),
        logits: [...document.getElementById('classes').rows].map(row => row.cells[3].textContent.replaceAll(',', '')),
    };
";

/// Returns the red values of the image that the network sees.
const SEEN: &str = "
    const seen = document.getElementById('seen');
    const copy = new OffscreenCanvas(seen.width, seen.height).getContext('2d', {willReadFrequently: true});
    copy.drawImage(seen, 0, 0);
    const {data} = copy.getImageData(0, 0, seen.width, seen.height);
    return [...data].filter((_, index) => index % 4 === 0);
";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let page = page();
    let absent = browser::absent().or_else(|| {
        let reason = || format!("{} does not exist; `cargo xtask test` writes it", page.display());
        (!page.is_file()).then(reason)
    });
    let is_required = env::var_os("PRENDA_REQUIRE_BROWSER").is_some_and(|value| value == "1");
    let trials = WIDTHS.map(|(name, width)| {
        let (name, page) = (format!("playground::{name}"), page.clone());
        match absent.clone() {
            None => Trial::test(name, move || check(&page, width)),
            Some(reason) if is_required => Trial::test(name, move || Err(reason.into())),
            Some(reason) => Trial::test(name, || Ok(())).with_kind(reason).with_ignored_flag(true),
        }
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the path of the page for the device of `parity`.
fn page() -> PathBuf {
    let folder = env::var_os("PARITY_FIRMWARE").map(PathBuf::from);
    folder.unwrap_or_else(|| root().join("target/prenda/firmware")).join("wasm.html")
}

fn check(page: &Path, width: u32) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let browser = Browser::start(width)?;
    browser.open(&page.canonicalize()?)?;
    browser.run("await playground.ready")?;
    check_page(&browser, width)?;
    check_sample(&browser)?;
    check_drawing(&browser)?;
    check_photos(&browser, &folder)?;
    check_answers(&browser, &folder)?;
    check_page(&browser, width)?;
    check_models(&browser, &folder)?;
    check_page(&browser, width).map_err(|error| format!("after another model: {error}")).map_err(Failed::from)
}

/// The sample that is shown first has the host's logits.
fn check_sample(browser: &Browser) -> Result<(), Failed> {
    let bytes = fs::read(root().join("models/cascade.bin"))?;
    let model = Model::parse(&bytes)?;
    let mut workspace = Box::new(HostWorkspace::new());
    let golden = model.golden().next().ok_or("the model has golden vectors")?;
    let answer = workspace.infer(&model, golden.input)?;
    let shown = wait(browser, "true")?;
    let logits: Vec<String> = answer.logits.iter().map(i32::to_string).collect();
    expect(shown["logits"] == json!(logits), &shown)?;
    expect(model.class_names().nth(answer.class) == shown["class"].as_str(), &shown)?;
    expect(text(&shown, "network").contains(&format!("network {} of 2", answer.network + 1)), &shown)
}

/// Draws a stroke with the keyboard, and checks the answer and its announcement for screen readers.
fn check_drawing(browser: &Browser) -> Result<(), Failed> {
    browser.run("document.getElementById('clear').click(); document.getElementById('pad').focus()")?;
    let cleared = wait(browser, "true")?;
    expect(text(&cleared, "class") == "\u{2014}", &cleared)?;
    let stroke: String = [' '].into_iter().chain([ARROW_RIGHT; 8]).chain([' ']).collect();
    browser.press(&stroke)?;
    let drawn = wait(browser, "document.getElementById('class').textContent !== '\u{2014}'")?;
    expect(text(&drawn, "conversion").contains("cropped to"), &drawn)?;
    // The shade of the brush, in a row that fills the width.
    let seen = browser.run(SEEN)?;
    let brightest = (0..28).filter(|column| seen[14 * 28 + column].as_u64().is_some_and(|grey| grey > 150)).count();
    expect(brightest >= 24, &seen)?;
    let class = text(&drawn, "class").to_owned();
    let told = wait(browser, &format!("document.getElementById('live').textContent.includes('{class},')"))?;
    expect(text(&told, "live").contains(&class), &told)
}

/// A photo gives the pixels of `host-trainer predict --image`; a file that is not one, or is too
/// large, gives an error.
fn check_photos(browser: &Browser, folder: &TempDir) -> Result<(), Failed> {
    let path = |name: &str| folder.path().join(name);
    // A dark subject with two sleeves on paper in uneven light.
    let photo = RgbaImage::from_fn(320, 240, |x, y| {
        let is_subject =
            (110..200).contains(&x) && (40..200).contains(&y) || (60..250).contains(&x) && (40..90).contains(&y);
        let light = 190 + (x / 8) as u8;
        image::Rgba(if is_subject { [light / 4, 20, (y / 2) as u8, 255] } else { [light, light, light - 9, 255] })
    });
    photo.save(path("shirt.png"))?;
    browser.choose("#photo", &path("shirt.png"))?;
    let shown = wait(browser, "document.getElementById('conversion').textContent.includes('inverted')")?;
    let raster = Raster::<4>::new(320, 240, photo.into_raw()).ok_or("the size matches")?;
    let (pixels, conversion) =
        photos::convert(&raster.brightness(), (28, 28), None, &Form::FASHION_MNIST).ok_or("it shows something")?;
    expect(text(&shown, "conversion") == conversion.text && text(&shown, "error").is_empty(), &shown)?;
    let seen = browser.run(SEEN)?;
    expect(seen == json!(pixels), &seen)?;

    GrayImage::new(10_000, 5_000).save(path("large.png"))?;
    fs::write(path("text.jpg"), "not an image")?;
    GrayImage::new(30, 30).save(path("blank.png"))?;
    for (name, error) in [
        ("large.png", "the photo has 10000 x 5000 pixels, expected 1 to 40 million"),
        ("text.jpg", "cannot read it as an image"),
        ("blank.png", "this image shows nothing"),
    ] {
        browser.choose("#photo", &path(name))?;
        let shown = wait(browser, &format!("document.getElementById('error').textContent.startsWith('{name}')"))?;
        expect(text(&shown, "error").contains(error), &shown)?;
        // The last image and its answer stay.
        expect(text(&shown, "conversion") == conversion.text && browser.run(SEEN)? == seen, &shown)?;
    }
    Ok(())
}

/// Answers of the host are compared; a changed one is found.
fn check_answers(browser: &Browser, folder: &TempDir) -> Result<(), Failed> {
    let bytes = fs::read(root().join("models/cascade.bin"))?;
    let mut answers = answers(&Model::parse(&bytes)?)?;
    let path = folder.path().join("answers.bin");
    let verdict = "document.getElementById('verdict').textContent !== ''";
    fs::write(&path, &answers)?;
    browser.choose("#answers", &path)?;
    let shown = wait(browser, verdict)?;
    expect(text(&shown, "verdict") == "Identical: 0 of 1,280 logits differ", &shown)?;
    expect(text(&shown, "error").is_empty(), &shown)?;
    browser.run("document.getElementById('index').value = 7; document.querySelector('#browse button').click()")?;
    let shown = wait(browser, "true")?;
    expect(text(&shown, "label").starts_with("label: "), &shown)?;
    expect(text(&shown, "conversion") == "Test image 7, as it is", &shown)?;

    // The last logit, before ten probabilities.
    let last = answers.len() - 20 - 4;
    answers[last] ^= 1;
    fs::write(&path, &answers)?;
    browser.run("document.getElementById('verdict').textContent = ''")?;
    browser.choose("#answers", &path)?;
    let shown = wait(browser, verdict)?;
    expect(text(&shown, "verdict") == "Different: 1 of 1,280 logits differ", &shown)?;

    answers.pop();
    fs::write(&path, &answers)?;
    for (path, error) in [
        (path, "answers.bin: answers file: found"),
        (root().join("tests/fixtures/answers.bin"), "answers.bin: this file has the answers of model 2b1b48ee"),
    ] {
        browser.choose("#answers", &path)?;
        let shown = wait(browser, &format!("document.getElementById('error').textContent.startsWith('{error}')"))?;
        expect(text(&shown, "error").starts_with(error), &shown)?;
    }
    Ok(())
}

/// Returns the host's answers of `model` for the images of the fixture.
fn answers(model: &Model<'_>) -> Result<Vec<u8>, Failed> {
    let fixture = fs::read(root().join("tests/fixtures/answers.bin"))?;
    let (header, records) = AnswersHeader::parse(&fixture)?;
    let header = AnswersHeader { model: model.id(), networks: model.networks().len() as u8, ..header };
    let mut workspace = Box::new(HostWorkspace::new());
    let mut answers: Vec<u8> = header.bytes().collect();
    for Record { pixels, label, .. } in records {
        let start = answers.len();
        answers.resize(start + header.record_bytes(), 0);
        let prediction = workspace.infer(model, pixels)?;
        header.write_record(&mut answers[start..], pixels, label, &prediction).ok_or("the shapes match")?;
    }
    Ok(answers)
}

/// A damaged model is refused and the page goes on; another model replaces the first.
fn check_models(browser: &Browser, folder: &TempDir) -> Result<(), Failed> {
    let damaged = folder.path().join("damaged.bin");
    let mut bytes = fs::read(root().join("models/cascade.bin"))?;
    bytes[9_000] ^= 1;
    fs::write(&damaged, &bytes)?;
    browser.choose("#model-file", &damaged)?;
    let shown = wait(browser, "document.getElementById('error').textContent.startsWith('damaged.bin')")?;
    expect(text(&shown, "error").contains("not a usable model"), &shown)?;
    browser.run("document.querySelector('#samples button').click()")?;
    let shown = wait(browser, "true")?;
    expect(text(&shown, "error").is_empty() && text(&shown, "class") == "Ankle boot", &shown)?;

    browser.choose("#model-file", &root().join("tests/fixtures/colours.bin"))?;
    let shown = wait(browser, "document.getElementById('classes').rows.length === 3")?;
    expect(text(&shown, "facts").contains("3 channels") && text(&shown, "error").is_empty(), &shown)?;
    let is_coloured = browser.run("return !document.getElementById('colour-label').hidden")?;
    expect(is_coloured == true, &is_coloured)
}

/// Waits until `condition` holds, and returns what the page shows.
fn wait(browser: &Browser, condition: &str) -> Result<Value, Failed> {
    Ok(browser.run(&WAIT.replace("CONDITION", condition))?)
}

fn text<'v>(shown: &'v Value, name: &str) -> &'v str {
    shown[name].as_str().unwrap_or_default()
}

#[track_caller]
fn expect(condition: bool, shown: &Value) -> Result<(), Failed> {
    let place = std::panic::Location::caller();
    if condition { Ok(()) } else { Err(format!("check failed at {place}: {shown:#}").into()) }
}
