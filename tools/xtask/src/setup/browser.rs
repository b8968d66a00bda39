//! Step: a browser, and what drives it. For tests alone: where it cannot be had, they go without.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::apt::Apt;
use super::steps::{ByHand, Done, Found, Step, apt_line};
use crate::process::Job;
use crate::programs::find_program;

/// A browser by its names on Debian and elsewhere, and what drives it.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const DRIVER: [&str; 1] = ["chromedriver"];
const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Chromium or its like with its driver, on PATH and able to start.
pub struct Browser;

impl Step for Browser {
    fn name(&self) -> &'static str {
        "browser"
    }

    fn why(&self) -> &'static str {
        "to try reports in, by the tests alone (Chromium, 100 MB)"
    }

    fn check(&self) -> Found {
        match (starting(&BROWSERS), starting(&DRIVER)) {
            (Ok(browser), Ok(driver)) => Found::Ready(format!("{}, {}", browser.display(), driver.display())),
            (Err(what), _) | (_, Err(what)) => Found::Missing(what),
        }
    }

    fn act(&self, apt: &mut Apt) -> Result<Done> {
        let installed = apt.install(&PACKAGES).and_then(|()| match self.check() {
            Found::Ready(_) => Ok(()),
            Found::Missing(what) => bail!("was installed, but still: {what}"),
        });
        match installed {
            Ok(()) => Ok(Done::Now),
            Err(error) => {
                let lines = self.by_hand();
                Ok(Done::Later(format!("{error:#}; until it is there, its trials are left out\n{lines}")))
            }
        }
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            debian: apt_line(&PACKAGES),
            fedora: "sudo dnf install chromium chromedriver".into(),
            macos: "brew install --cask chromium chromedriver".into(),
        }
    }
}

/// The first of some programs that is there, if it starts; else what is wrong.
fn starting(names: &[&str]) -> Result<PathBuf, String> {
    let Some(path) = names.iter().find_map(|name| find_program(name)) else {
        return Err(format!("{} is not on PATH", names.join(" or ")));
    };
    if starts(&path) { Ok(path) } else { Err(format!("{} is there, but does not start", path.display())) }
}

fn starts(path: &Path) -> bool {
    Job::new(path).arg("--version").probe().is_ok_and(|output| output.status.success())
}
