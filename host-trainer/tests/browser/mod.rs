//! Headless Chromium, driven by the WebDriver protocol.

use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

/// Programs that must be installed, by their names in several distributions.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const DRIVER: &str = "chromedriver";

/// Limit of one request.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A browser with one window.
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    /// The session's address.
    session: String,
}

/// Returns the missing program, or `None` if browser and driver are installed.
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

impl Browser {
    /// Starts a browser with a window of `width` CSS pixels; below 800 it emulates a phone.
    pub fn start(width: u32) -> Result<Self, Failed> {
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
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
        let id = created["sessionId"].as_str().ok_or_else(|| format!("no session: {created}"))?;
        browser.session = format!("{address}/{id}");
        Ok(browser)
    }

    /// Opens a file and waits until it is loaded.
    pub fn open(&self, file: &Path) -> Result<(), Failed> {
        self.visit(&format!("file://{}", file.display()))
    }

    /// Opens an address and waits until it is loaded.
    pub fn visit(&self, address: &str) -> Result<(), Failed> {
        self.call("url", &json!({"url": address})).map(drop)
    }

    /// Makes the system's colours dark or light, from the page's view.
    pub fn set_dark(&self, is_dark: bool) -> Result<(), Failed> {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.call("goog/cdp/execute", &json!({"cmd": "Emulation.setEmulatedMedia", "params": features})).map(drop)
    }

    /// Runs `script`, the body of an asynchronous function, and returns its result.
    pub fn run(&self, script: &str) -> Result<Value, Failed> {
        let script = format!("return (async () => {{ {script} }})();");
        self.call("execute/sync", &json!({"script": script, "args": []}))
    }

    /// Returns warnings and errors on the console since the last call.
    pub fn complaints(&self) -> Result<Vec<Value>, Failed> {
        let log = self.call("se/log", &json!({"type": "browser"}))?;
        let is_complaint = |entry: &&Value| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        Ok(log.as_array().ok_or("the log is not a list")?.iter().filter(is_complaint).cloned().collect())
    }

    fn call(&self, command: &str, body: &Value) -> Result<Value, Failed> {
        self.post(&format!("{}/{command}", self.session), body)
    }

    fn post(&self, address: &str, body: &Value) -> Result<Value, Failed> {
        let request = self.agent.post(address).header("Content-Type", "application/json");
        let mut response = request.send(body.to_string()).map_err(|error| failed(address, error))?;
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string();
        let mut answer: Value = serde_json::from_str(&text.map_err(|error| failed(address, error))?)?;
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

fn failed(address: &str, what: impl Display) -> Failed {
    format!("{DRIVER}, {address}: {what}").into()
}

/// Reads the port from the driver's output.
fn port(driver: &mut Child) -> Result<u16, Failed> {
    let mut output = BufReader::new(driver.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        // ChromeDriver was started successfully on port 12345.
        if let Some((_, port)) = line.split_once("successfully on port ") {
            let port = port.trim_end().trim_end_matches('.').parse()?;
            // The pipe stays open: the driver would end if it could not write.
            driver.stdout = Some(output.into_inner());
            return Ok(port);
        }
        line.clear();
    }
    Err(format!("{DRIVER} ended without reporting a port").into())
}
