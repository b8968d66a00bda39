//! Packages of Debian and Ubuntu: reports removals first, and asks no questions.

use anyhow::{Result, anyhow, bail};

use crate::output::log;
use crate::process::Job;
use crate::programs::find_program;

/// The state of an installation.
pub enum Done {
    Now,
    /// It will be installed later, as the text describes.
    Later(String),
}

/// Installs packages; refreshes the lists once, before the first.
#[derive(Default)]
pub struct Apt {
    updated: bool,
}

/// The way to become root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rights {
    Root,
    Sudo,
}

impl Apt {
    pub fn install(&mut self, packages: &[&str]) -> Result<Done> {
        if find_program("apt-get").is_none() {
            bail!("this host has no apt-get");
        }
        let rights = rights()?;
        if !self.updated {
            // Old lists are often sufficient, so a failure is only reported.
            if let Err(error) = apt_get(rights).arg("update").run() {
                let error = host_support::errors::chain(error.as_ref());
                log(format_args!("    apt-get update: {error}; continuing with the present lists"));
            }
            self.updated = true;
        }
        let simulation = Job::new("apt-get").args(["-s", "install", "-y", "--no-install-recommends"]);
        let simulation = simulation.args(packages).probe()?;
        if !simulation.status.success() {
            return Err(refusal(&String::from_utf8_lossy(&simulation.stderr), packages));
        }
        let removed = removals(&String::from_utf8_lossy(&simulation.stdout)).join(", ");
        if !removed.is_empty() {
            log(format_args!("    to install {}, apt-get removes: {removed}", packages.join(", ")));
        }
        apt_get(rights).args(["install", "-y", "--no-install-recommends"]).args(packages).run()?;
        Ok(Done::Now)
    }
}

/// Returns true if this process has root's rights.
pub fn is_root() -> Result<bool> {
    Ok(Job::new("id").arg("-u").probe()?.stdout.trim_ascii() == b"0")
}

fn rights() -> Result<Rights> {
    if is_root()? {
        Ok(Rights::Root)
    } else if find_program("sudo").is_some() {
        Ok(Rights::Sudo)
    } else {
        bail!("installing packages needs root or sudo, and this user has neither")
    }
}

/// Returns `apt-get` as root, without questions; it waits for a locked database.
fn apt_get(rights: Rights) -> Job {
    let job = match rights {
        Rights::Root => Job::new("env"),
        Rights::Sudo => Job::new("sudo").arg("env"),
    };
    job.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"])
        .named("apt-get")
        .without_input()
}

fn removals(simulation: &str) -> Vec<&str> {
    let after = simulation.lines().filter_map(|line| line.strip_prefix("Remv "));
    after.filter_map(|rest| rest.split_whitespace().next()).collect()
}

/// Returns the reason for a refusal, from the message of apt-get.
fn refusal(message: &str, packages: &[&str]) -> anyhow::Error {
    let reason = message.lines().find_map(|line| line.strip_prefix("E: ")).unwrap_or("it gave no reason");
    anyhow!("apt-get cannot install {}: {reason}", packages.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIMULATION: &str = "\
Reading package lists...
The following packages will be REMOVED:
  qemu-utils
Remv qemu-utils [1:8.2.2+ds-2~bpo12+1]
Remv qemu-block-extra [1:8.2.2+ds-2~bpo12+1] [other:amd64 ]
Inst qemu-system-arm (1:7.2+dfsg-7 Debian:12.11 [amd64])
Conf qemu-system-arm (1:7.2+dfsg-7 Debian:12.11 [amd64])
";

    #[test]
    fn only_removals_are_read_from_a_simulation() {
        assert_eq!(removals(SIMULATION), ["qemu-utils", "qemu-block-extra"]);
        assert!(removals("Inst lld (1:14.0 Debian)\nConf lld (1:14.0 Debian)\n").is_empty());
    }

    #[test]
    fn a_refusal_contains_the_reason() {
        let message = "W: no sandbox\nE: Unable to locate package rustc-web\nE: other\n";
        let text = refusal(message, &["rustc-web", "cargo-web"]).to_string();
        assert_eq!(text, "apt-get cannot install rustc-web, cargo-web: Unable to locate package rustc-web");
    }

    #[test]
    fn sudo_runs_the_line_that_is_shown_and_root_needs_none() {
        let line = "env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120";
        assert_eq!(apt_get(Rights::Root).line(), line);
        assert_eq!(apt_get(Rights::Sudo).line(), format!("sudo {line}"));
    }
}
