//! Step: a browser and its driver, which only tests use, and which is optional.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use host_support::errors;

use super::apt::Apt;
use super::steps::{About, ByHand, Done, Found, Step, apt_line};
use crate::process::Job;
use crate::programs::find_program;

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const DRIVER: [&str; 1] = ["chromedriver"];
const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Chromium or Chrome with its driver, on PATH and able to start.
pub struct Browser;

impl Step for Browser {
    fn about(&self) -> About {
        About { name: "browser", purpose: "to test reports in (Chromium, 100 MB); only tests use it" }
    }

    fn check(&self) -> Found {
        match (starting(&BROWSERS), starting(&DRIVER)) {
            (Ok(browser), Ok(driver)) => Found::Ready(format!("{}, {}", browser.display(), driver.display())),
            (Err(what), _) | (_, Err(what)) => Found::Missing(what),
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        let installed = apt.install(&PACKAGES).and_then(|done| match self.check() {
            Found::Ready(_) => Ok(done),
            Found::Missing(what) => bail!("installed, but the check still fails: {what}"),
        });
        installed.or_else(|error| {
            let (error, lines) = (errors::chain(error.as_ref()), self.by_hand());
            Ok(Done::Later(format!("{error}; its trials are skipped until it is installed\n{lines}")))
        })
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            debian: apt_line(&PACKAGES),
            fedora: "sudo dnf install chromium chromedriver".into(),
            macos: "brew install --cask chromium chromedriver".into(),
        }
    }
}

/// Returns the first of `names` that is installed, if it starts; otherwise the reason.
fn starting(names: &[&str]) -> Result<PathBuf, String> {
    let Some(path) = names.iter().find_map(|name| find_program(name)) else {
        return Err(format!("{} is not on PATH", names.join(" or ")));
    };
    if starts(&path) { Ok(path) } else { Err(format!("{} does not start", path.display())) }
}

fn starts(path: &Path) -> bool {
    Job::new(path).arg("--version").probe().is_ok_and(|output| output.status.success())
}
