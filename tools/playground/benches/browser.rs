//! Prints the time of an inference of the network 784-128-10 in the browser of this host.
//!
//! `cargo xtask playground && cargo bench --workspace --profile dev --bench browser` runs
//! it.

use std::path::Path;

use host_support::browser::{Browser, BrowserError};

/// Inferences of each measurement.
const COUNT: u32 = 5000;

/// Measurements; the first ones also compile the program.
const ROUNDS: usize = 7;

fn main() -> Result<(), BrowserError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (page, model) = (root.join("target/prenda/playground/playground.html"), root.join("tests/fixtures/model.bin"));
    if !page.is_file() {
        println!("{} does not exist; run `cargo xtask playground`", page.display());
        return Ok(());
    }
    let browser = Browser::start(1280)?;
    browser.open(&page)?;
    browser.run("await playground.ready")?;
    browser.choose("#model-file", &model)?;
    browser
        .run("while (document.querySelector('#facts dd').textContent !== '2b1b48ee') await new Promise(setTimeout)")?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.push(browser.run(&format!("return playground.milliseconds({COUNT})"))?.as_f64().unwrap_or(f64::NAN));
    }
    times.sort_by(f64::total_cmp);
    println!("784-128-10, {COUNT} inferences: {:.4} ms each, the median of {ROUNDS}; {times:.4?}", times[ROUNDS / 2]);
    Ok(())
}
