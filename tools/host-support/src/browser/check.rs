//! Checks that hold for every page of this project.

use serde_json::Value;

use super::{Browser, BrowserError};

/// Lowest contrast of text that WCAG 2 accepts.
const MIN_CONTRAST: f64 = 4.5;

/// Checks that the open page fits a window `width` wide, loads nothing from elsewhere, can be used
/// with a keyboard, is readable in light and dark, and logged no warning.
///
/// # Errors
///
/// Returns the description of the page if it does not.
pub fn check_page(browser: &Browser, width: u32) -> Result<(), BrowserError> {
    let page = browser.run(include_str!("fit.js"))?;
    let fits = page["window"] == width && page["page"].as_u64().is_some_and(|page| page <= width.into());
    let is_empty = |name: &&str| page[*name] == Value::Array(Vec::new());
    if !fits || !["outside", "foreign", "unreachable", "nameless"].iter().all(is_empty) {
        return Err(BrowserError::new(format!("the page does not fit a window of {width} pixels: {page:#}")));
    }
    for is_dark in [false, true] {
        browser.set_dark(is_dark)?;
        let contrasts = browser.run(&include_str!("contrast.js").replace("MIN", &MIN_CONTRAST.to_string()))?;
        let is_light = contrasts["ground"][0].as_u64().is_some_and(|red| red > 127);
        if is_light == is_dark || contrasts["found"] != Value::Array(Vec::new()) {
            return Err(BrowserError::new(format!("colours, dark: {is_dark}: {contrasts:#}")));
        }
    }
    match browser.complaints()?.as_slice() {
        [] => Ok(()),
        complaints => Err(BrowserError::new(format!("messages on the console: {complaints:?}"))),
    }
}
