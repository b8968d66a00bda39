//! `cargo xtask transcript`: docs/probe-rs.md, by asking the command-line tool of probe-rs and keeping what it says.

mod cleaning;
mod uart;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use host_support::files;

use super::virtual_probe::{VirtualProbe, chips};
use super::{PORT, PROBE_VARIABLE, find};
use crate::output::tell;
use crate::process::{Job, Recorded, Recording};
use crate::workspace::Workspace;
use crate::{DEFAULT_BOARD, board, image};
use cleaning::Cleaning;
use uart::Uart;

/// The page, below the workspace.
const PAGE: &str = "docs/probe-rs.md";

const INTRODUCTION: &str = include_str!("transcript/introduction.md");
const END: &str = include_str!("transcript/end.md");

/// A board, the tool in front of it, and the page so far.
struct Transcript<'w> {
    workspace: &'w Workspace,
    tool: PathBuf,
    cleaning: Cleaning,
    probe: VirtualProbe,
    uart: Uart,
    page: String,
}

/// `cargo xtask transcript [--check]`: writes the page, or holds the one that is there against what would be written.
///
/// # Errors
/// When there is no probe-rs, the firmware cannot be built, the tool does not say what it should, or, with `check`, the page
/// differs.
pub fn command(workspace: &Workspace, check: bool) -> Result<()> {
    let page = write(workspace)?;
    let path = workspace.root.join(PAGE);
    if check {
        let there = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
        return compare(&there, &page);
    }
    files::write(&path, page.as_bytes())?;
    tell(format_args!("    wrote {PAGE}"));
    Ok(())
}

/// The page, from what the tool says now.
fn write(workspace: &Workspace) -> Result<String> {
    let board = board::emulated(DEFAULT_BOARD)?;
    let tool = find()?;
    let firmware = image::build(workspace, &board)?;
    let [served, faults] = [firmware.elf()?, firmware.faults()?].map(|path| path.display().to_string());
    let model = workspace.root.join("tests/fixtures/model.bin").display().to_string();
    let address = format!("{:#x}", firmware.model_region()?.start);

    let socket = std::env::temp_dir().join(format!("prenda-{}.sock", std::process::id()));
    let probe = VirtualProbe::start_with_uart(workspace, &board, &socket)?;
    let uart = Uart::connect(&socket)?;
    let cleaning = Cleaning::new(&workspace.root, &workspace.target);
    let mut page = Transcript { workspace, tool, cleaning, probe, uart, page: introduction() };

    page.say("## What is there\n\nThe tool finds out by itself which chip it is:");
    page.ask(&["info"])?;
    page.say("## Flash the firmware, and a model\n\nThe model has flash of its own, and can be flashed alone:");
    page.ask(&["download", &served])?;
    page.ask(&["download", "--binary-format", "bin", "--base-address", &address, &model])?;
    page.say(
        "## Flash, start, and see the logs\n\nUntil it is interrupted, here by SIGTERM. On a terminal Ctrl-C does it; \
         without one, version 0.32 tells of Ctrl-C, and stays.",
    );
    page.follow(&["run", &served], "self-test passed", None)?;
    page.say(
        "## A program that ends\n\nThe program of the tests ends as the first byte on the serial port says, which gets there by\n\
         `printf e | nc -U uart.sock`, say. For `e` it ends well, and so does the tool:",
    );
    page.end(&["run", &faults], b"e", 0)?;
    page.say("For `p` it panics. The tool fails, and shows how it came to that:");
    page.end(&["run", &faults], b"p", 1)?;
    page.say("For `f` it faults. The tool stops the core where the fault's handler begins:");
    page.end(&["run", &faults], b"f", 1)?;
    page.say(
        "## Reset, and attach to what runs\n\nThe model from above is still there. What was logged since the reset is shown on \
         attaching, and then\nwhat comes: here somebody sends bytes that are no frame.",
    );
    page.ask(&["download", &served])?;
    page.ask(&["reset"])?;
    page.follow(&["attach", &served], "self-test passed", Some((&[0x55, 0x55, 0], "refused")))?;
    page.say(END);
    Ok(format!("{}\n", page.page.trim_end()))
}

impl Transcript<'_> {
    /// Has the tool do what ends by itself, and well.
    fn ask(&mut self, arguments: &[&str]) -> Result<()> {
        let recorded = self.start(arguments)?.end()?;
        self.show(arguments, &recorded, 0)
    }

    /// Follows what does not end until it has said `words`; then, after sending some bytes, until others.
    fn follow(&mut self, arguments: &[&str], words: &str, then: Option<(&[u8], &str)>) -> Result<()> {
        let mut recording = self.start(arguments)?;
        recording.wait_for(words)?;
        if let Some((bytes, words)) = then {
            self.uart.send(bytes)?;
            recording.wait_for(words)?;
        }
        let recorded = recording.interrupt()?;
        self.show(arguments, &recorded, 0)
    }

    /// Follows the program that ends as it is told to.
    fn end(&mut self, arguments: &[&str], how: &[u8], code: i32) -> Result<()> {
        let mut recording = self.start(arguments)?;
        recording.wait_for("waits for a byte")?;
        self.uart.send(how)?;
        let recorded = recording.end()?;
        self.show(arguments, &recorded, code)
    }

    fn start(&self, arguments: &[&str]) -> Result<Recording> {
        tell(format_args!("    $ {}", self.line(arguments)));
        Job::new(&self.tool)
            .args(arguments)
            .env("PROBE_RS_CHIP", DEFAULT_BOARD)
            .env("PROBE_RS_CHIP_DESCRIPTION_PATH", chips(self.workspace))
            .env("PROBE_RS_PROTOCOL", "swd")
            .env(PROBE_VARIABLE, &self.probe.selector)
            .env("PROBE_RS_NON_INTERACTIVE", "true")
            .env("PROBE_RS_COLOR", "false")
            .env("RUST_LOG", "error")
            .without_env("RUST_BACKTRACE")
            .record()
    }

    /// The line that a person would type.
    fn line(&self, arguments: &[&str]) -> String {
        format!("probe-rs {}", self.cleaning.paths(&arguments.join(" ")))
    }

    fn say(&mut self, text: &str) {
        self.page.push_str(text.trim_end());
        self.page.push_str("\n\n");
    }

    /// Adds a command, what it said, and, where it says how the firmware ended, its exit code, which has to be `code`.
    fn show(&mut self, arguments: &[&str], recorded: &Recorded, code: i32) -> Result<()> {
        let line = self.line(arguments);
        if recorded.code != Some(code) {
            let found = recorded.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            bail!("`{line}` ended with {found}, not with exit code {code}: {}", recorded.text);
        }
        let tells = matches!(arguments.first(), Some(&"run" | &"attach"));
        let code = if tells { format!("$ echo $?\n{code}\n") } else { String::new() };
        self.say(&format!("```console\n$ {line}\n{}{code}```", self.cleaning.output(&recorded.text)));
        Ok(())
    }
}

/// What stands before the commands.
fn introduction() -> String {
    INTRODUCTION.replace("BOARD", DEFAULT_BOARD).replace("PORT", &PORT.to_string())
}

/// Holds one page against the other.
fn compare(there: &str, now: &str) -> Result<()> {
    if there == now {
        return Ok(());
    }
    let same = there.lines().zip(now.lines()).take_while(|(there, now)| there == now).count();
    let line = |page: &str| page.lines().nth(same).unwrap_or("(the end)").to_owned();
    bail!(
        "{PAGE} is not what `cargo xtask transcript` would write. Line {}:\n  there: {}\n  now:   {}",
        same + 1,
        line(there),
        line(now)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert!(compare("a\nb\n", "a\nb\n").is_ok());
        let error = compare("a\nb\nc\n", "a\nx\nc\n").unwrap_err().to_string();
        assert!(error.contains("Line 2:\n  there: b\n  now:   x"), "{error}");
        let error = compare("a\n", "a\nb\n").unwrap_err().to_string();
        assert!(error.contains("Line 2:\n  there: (the end)\n  now:   b"), "{error}");
    }
}
