//! `cargo xtask check link`: devices on a line that damages what it carries.

use anyhow::Result;
use clap::Args;

use crate::UsageError;
use crate::parity::{LOOPBACK, build_firmware, chosen};
use crate::work::{FIXTURE_ANSWERS, FIXTURE_MODEL};
use crate::workspace::Workspace;

#[derive(Args)]
#[command(after_help = "Other options are passed to `link`, for example --damaged N, --noise SECONDS, --seed N, \
    --patience SECONDS, --json; `cargo run --bin link -- --help` describes them.\n\n\
    Examples:\n  \
    cargo xtask check link\n  \
    cargo xtask check link --all --uart --damaged 16 --noise 60\n  \
    cargo xtask check link mps2-an386 --damaged 400")]
pub struct Options {
    /// Devices, then options: `loopback`, a BOARD of firmware/boards in QEMU, or probe-BOARD
    /// through a debug probe, which is flashed. [default: loopback]
    #[arg(value_name = "DEVICE|OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let Parts { devices, all, uart, rest } = split(&options.arguments);
    if all && !devices.is_empty() {
        return Err(UsageError("--all cannot be used with DEVICE; remove one of them".to_owned()).into());
    }
    let devices = chosen(&devices, all, &[LOOPBACK])?;

    workspace.build_program("link")?;
    build_firmware(workspace, &devices)?;
    let job = workspace.job("link").args(&devices);
    let job = job.arg("--model").arg(workspace.root.join(FIXTURE_MODEL));
    let job = job.arg("--answers").arg(workspace.root.join(FIXTURE_ANSWERS));
    let job = job.arg("--firmware").arg(workspace.folder("firmware")?);
    job.args(["--link", if uart { "uart" } else { "rtt" }]).args(rest).run_to_stdout()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    devices: Vec<String>,
    all: bool,
    uart: bool,
    /// Arguments of `link`.
    rest: Vec<String>,
}

/// Takes the devices, which come first, `--all` and `--uart` from the arguments of `link`.
fn split(arguments: &[String]) -> Parts {
    let mut parts = Parts::default();
    let count = arguments.iter().take_while(|argument| !argument.starts_with('-')).count();
    let (devices, options) = arguments.split_at(count);
    parts.devices = devices.to_vec();
    for option in options {
        match option.as_str() {
            "--all" => parts.all = true,
            "--uart" => parts.uart = true,
            _ => parts.rest.push(option.clone()),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn devices_come_first_and_options_of_link_pass_through() {
        let parts = split(&words("mps2-an386 loopback --uart --damaged 400 --json"));
        let rest = words("--damaged 400 --json");
        assert_eq!(parts, Parts { devices: words("mps2-an386 loopback"), all: false, uart: true, rest });
        assert_eq!(
            split(&words("--all --noise 60")),
            Parts { all: true, rest: words("--noise 60"), ..Parts::default() }
        );
    }
}
