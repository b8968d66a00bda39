//! Headless Chromium, driven by the WebDriver protocol: for tests of pages, and for a device of
//! `parity`.

mod check;

use std::fmt::Display;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;

pub use check::check_page;

/// Programs that must be installed, by their names in several distributions.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const DRIVER: &str = "chromedriver";

/// Limit of one request.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A browser or its driver failed.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct BrowserError(String);

/// A browser with one window.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    /// The session's address.
    session: String,
}

/// Returns the missing program and the way to install it, or `None` if browser and driver are
/// installed.
#[must_use]
pub fn absent() -> Option<String> {
    let is_installed = |name: &str| {
        let run = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    };
    let missing = match (BROWSERS.iter().any(|name| is_installed(name)), is_installed(DRIVER)) {
        (true, true) => return None,
        (false, _) => BROWSERS[0],
        (true, false) => DRIVER,
    };
    Some(format!("{missing} is not installed; `cargo xtask setup` or the package chromium-driver provides it"))
}

impl BrowserError {
    fn new(what: impl Display) -> Self {
        Self(what.to_string())
    }
}

impl Browser {
    /// Starts a browser with a window of `width` CSS pixels; below 800 it emulates a phone.
    ///
    /// # Errors
    ///
    /// Returns an error if browser or driver do not start.
    pub fn start(width: u32) -> Result<Self, BrowserError> {
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed("start", error))?;
        let port = port(&mut driver);
        let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false);
        let mut browser = Self { driver, agent: config.build().into(), session: String::new() };
        // From here on, dropping `browser` also stops the driver.
        let address = format!("http://127.0.0.1:{}/session", port?);
        let is_phone = width < 800;
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu"],
                "mobileEmulation": {
                    "deviceMetrics":
                        {"width": width, "height": 900, "pixelRatio": 1.0, "mobile": is_phone, "touch": is_phone},
                },
            },
        }}});
        let created = browser.post(&address, &capabilities)?;
        let id = created["sessionId"].as_str().ok_or_else(|| failed(&address, format!("no session: {created}")))?;
        browser.session = format!("{address}/{id}");
        Ok(browser)
    }

    /// Opens a file and waits until it is loaded.
    ///
    /// # Errors
    ///
    /// Returns an error if the browser cannot be reached, like all of these functions.
    pub fn open(&self, file: &Path) -> Result<(), BrowserError> {
        self.visit(&format!("file://{}", file.display()))
    }

    /// Opens an address and waits until it is loaded.
    ///
    /// # Errors
    ///
    /// Returns an error if the browser cannot be reached, like all of these functions.
    pub fn visit(&self, address: &str) -> Result<(), BrowserError> {
        self.call("url", &json!({"url": address})).map(drop)
    }

    /// Makes the system's colours dark or light, from the page's view.
    ///
    /// # Errors
    ///
    /// Like [`Self::open`].
    pub fn set_dark(&self, is_dark: bool) -> Result<(), BrowserError> {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.call("goog/cdp/execute", &json!({"cmd": "Emulation.setEmulatedMedia", "params": features})).map(drop)
    }

    /// Runs `script`, the body of an asynchronous function, and returns its result.
    ///
    /// # Errors
    ///
    /// Like [`Self::open`], and if the script throws.
    pub fn run(&self, script: &str) -> Result<Value, BrowserError> {
        self.run_with(script, &[])
    }

    /// Like [`Self::run`], for a script that reads `args`.
    ///
    /// # Errors
    ///
    /// Like [`Self::run`].
    pub fn run_with(&self, script: &str, arguments: &[Value]) -> Result<Value, BrowserError> {
        let script = format!("return (async args => {{ {script}\n }})([...arguments]);");
        self.call("execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Presses keys, one after another: characters, or those that WebDriver numbers from U+E000.
    ///
    /// # Errors
    ///
    /// Like [`Self::open`].
    pub fn press(&self, keys: &str) -> Result<(), BrowserError> {
        let press = |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let actions: Vec<Value> = keys.chars().flat_map(press).collect();
        self.call("actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]})).map(drop)
    }

    /// Chooses a file in the control that the CSS `selector` names, as a person does.
    ///
    /// # Errors
    ///
    /// Like [`Self::open`], and if the control or the file does not exist.
    pub fn choose(&self, selector: &str, file: &Path) -> Result<(), BrowserError> {
        let found = self.call("element", &json!({"using": "css selector", "value": selector}))?;
        let id = found.as_object().and_then(|element| element.values().next()).and_then(Value::as_str);
        let id = id.ok_or_else(|| failed(selector, "no such element"))?;
        let file = file.canonicalize().map_err(|error| failed(selector, format!("{}: {error}", file.display())))?;
        self.call(&format!("element/{id}/value"), &json!({"text": file.display().to_string()})).map(drop)
    }

    /// Returns warnings and errors on the console since the last call.
    ///
    /// # Errors
    ///
    /// Like [`Self::open`].
    pub fn complaints(&self) -> Result<Vec<Value>, BrowserError> {
        let log = self.call("se/log", &json!({"type": "browser"}))?;
        let is_complaint = |entry: &&Value| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        Ok(log.as_array().ok_or_else(|| failed("log", "not a list"))?.iter().filter(is_complaint).cloned().collect())
    }

    fn call(&self, command: &str, body: &Value) -> Result<Value, BrowserError> {
        self.post(&format!("{}/{command}", self.session), body)
    }

    fn post(&self, address: &str, body: &Value) -> Result<Value, BrowserError> {
        let request = self.agent.post(address).header("Content-Type", "application/json");
        let mut response = request.send(body.to_string()).map_err(|error| failed(address, error))?;
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string();
        let mut answer: Value = serde_json::from_str(&text.map_err(|error| failed(address, error))?)
            .map_err(|error| failed(address, error))?;
        if response.status().is_success() { Ok(answer["value"].take()) } else { Err(failed(address, answer)) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.agent.delete(&self.session).call();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn failed(address: &str, what: impl Display) -> BrowserError {
    BrowserError(format!("{DRIVER}, {address}: {what}"))
}

/// Reads the port from the driver's output.
fn port(driver: &mut Child) -> Result<u16, BrowserError> {
    let read = |error: io::Error| failed("start", error);
    let mut output = BufReader::new(driver.stdout.take().ok_or_else(|| failed("start", "no output"))?);
    let mut line = String::new();
    while output.read_line(&mut line).map_err(read)? > 0 {
        // ChromeDriver was started successfully on port 12345.
        if let Some((_, port)) = line.split_once("successfully on port ") {
            let port = port
                .trim_end()
                .trim_end_matches('.')
                .parse()
                .map_err(|_| failed("start", format!("no port in: {line}")))?;
            // The pipe stays open: the driver would end if it could not write.
            driver.stdout = Some(output.into_inner());
            return Ok(port);
        }
        line.clear();
    }
    Err(failed("start", "it ended without reporting a port"))
}
