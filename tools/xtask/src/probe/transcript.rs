//! `cargo xtask check transcript`: docs/probe-rs.md, from the output of the command-line tool of
//! probe-rs.

mod cleaning;

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use host_support::files;

use super::virtual_probe::VirtualProbe;
use super::{CHIPS, PORT, PROBE_VARIABLE, find};
use crate::output::log;
use crate::process::{Job, Recorded, Recording};
use crate::workspace::Workspace;
use crate::{DEFAULT_BOARD, board, image};
use cleaning::Cleaning;

/// The page, relative to the workspace.
const PAGE: &str = "docs/probe-rs.md";

const INTRODUCTION: &str = include_str!("transcript/introduction.md");
const END: &str = include_str!("transcript/end.md");

struct Transcript<'w> {
    workspace: &'w Workspace,
    tool: PathBuf,
    cleaning: Cleaning,
    probe: VirtualProbe,
    /// The board's serial port. Closing it may lose bytes that were sent.
    uart: UnixStream,
    page: String,
}

/// Writes the page, or, with `check`, compares it with the present one.
pub fn command(workspace: &Workspace, check: bool) -> Result<()> {
    let page = write(workspace)?;
    let path = workspace.root.join(PAGE);
    if check {
        let there = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
        return compare(&there, &page);
    }
    files::write(&path, page.as_bytes())?;
    log(format_args!("    wrote {PAGE}"));
    Ok(())
}

fn write(workspace: &Workspace) -> Result<String> {
    let board = board::emulated(DEFAULT_BOARD)?;
    let tool = find()?;
    let firmware = image::build(workspace, &board)?;
    let [served, faults] = [firmware.elf()?, firmware.faults()?].map(|path| path.display().to_string());
    let model = workspace.root.join("tests/fixtures/model.bin").display().to_string();
    let address = format!("{:#x}", firmware.model_region()?.start);

    let socket = std::env::temp_dir().join(format!("prenda-{}.sock", std::process::id()));
    let probe = VirtualProbe::start(workspace, &board, Some(&socket))?;
    let uart = UnixStream::connect(&socket).with_context(|| format!("cannot connect to {}", socket.display()))?;
    let cleaning = Cleaning::new(&workspace.root, &workspace.target);
    let page = INTRODUCTION.replace("BOARD", DEFAULT_BOARD).replace("PORT", &PORT.to_string());
    let mut page = Transcript { workspace, tool, cleaning, probe, uart, page };

    page.say("## Identify the chip\n\nThe tool detects the chip itself:");
    page.ask(&["info"])?;
    page.say("## Flash the firmware, and a model\n\nThe model has a flash region of its own and can be flashed alone:");
    page.ask(&["download", &served])?;
    page.ask(&["download", "--binary-format", "bin", "--base-address", &address, &model])?;
    page.say(
        "## Flash, start, and see the logs\n\nThis runs until it is interrupted, here with SIGTERM.\n\
         On a terminal Ctrl-C interrupts it; without one, version 0.32 reports Ctrl-C and continues.",
    );
    page.follow(&["run", &served], "self-test passed", None)?;
    page.say(
        "## A program that ends\n\nThe first byte on the serial port selects how the program of the tests ends.\n\
         `printf e | nc -U uart.sock` sends one, for example.\nAfter `e` the program succeeds, and so does the tool:",
    );
    page.end(&["run", &faults], b"e", 0)?;
    page.say("After `p` it panics.\nThe tool fails and shows the backtrace:");
    page.end(&["run", &faults], b"p", 1)?;
    page.say("After `f` it faults.\nThe tool halts the core at the start of the fault handler:");
    page.end(&["run", &faults], b"f", 1)?;
    page.say(
        "## Reset, and attach to a running program\n\nThe model from above is still in flash.\n\
         `attach` shows the logs since the reset, then new ones: here a client sends bytes that are not a frame.",
    );
    page.ask(&["download", &served])?;
    page.ask(&["reset"])?;
    page.follow(&["attach", &served], "self-test passed", Some((&[0x55, 0x55, 0], "refused")))?;
    page.say(END);
    Ok(format!("{}\n", page.page.trim_end()))
}

impl Transcript<'_> {
    /// Runs a command that ends by itself with success.
    fn ask(&mut self, arguments: &[&str]) -> Result<()> {
        let recorded = self.start(arguments)?.end()?;
        self.show(arguments, &recorded, 0)
    }

    /// Runs a command until it prints `words`; then sends bytes and waits for others.
    fn follow(&mut self, arguments: &[&str], words: &str, then: Option<(&[u8], &str)>) -> Result<()> {
        let mut recording = self.start(arguments)?;
        recording.wait_for(words)?;
        if let Some((bytes, words)) = then {
            self.send(bytes)?;
            recording.wait_for(words)?;
        }
        let recorded = recording.interrupt()?;
        self.show(arguments, &recorded, 0)
    }

    /// Runs the program whose end a byte selects.
    fn end(&mut self, arguments: &[&str], how: &[u8], code: i32) -> Result<()> {
        let mut recording = self.start(arguments)?;
        recording.wait_for("waits for a byte")?;
        self.send(how)?;
        let recorded = recording.end()?;
        self.show(arguments, &recorded, code)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.uart.write_all(bytes).context("cannot write to the board's serial port")
    }

    fn start(&self, arguments: &[&str]) -> Result<Recording> {
        log(format_args!("    $ {}", self.line(arguments)));
        Job::new(&self.tool)
            .args(arguments)
            .env("PROBE_RS_CHIP", DEFAULT_BOARD)
            .env("PROBE_RS_CHIP_DESCRIPTION_PATH", self.workspace.root.join(CHIPS))
            .env("PROBE_RS_PROTOCOL", "swd")
            .env(PROBE_VARIABLE, &self.probe.selector)
            .env("PROBE_RS_NON_INTERACTIVE", "true")
            .env("PROBE_RS_COLOR", "false")
            .env("RUST_LOG", "error")
            .without_env("RUST_BACKTRACE")
            .record()
    }

    fn line(&self, arguments: &[&str]) -> String {
        format!("probe-rs {}", self.cleaning.paths(&arguments.join(" ")))
    }

    fn say(&mut self, text: &str) {
        self.page.push_str(text.trim_end());
        self.page.push_str("\n\n");
    }

    /// Adds a command, its output, and, if it reports the end of the firmware, its exit code.
    /// Checks that the exit code is `code`.
    fn show(&mut self, arguments: &[&str], recorded: &Recorded, code: i32) -> Result<()> {
        let line = self.line(arguments);
        if recorded.code != Some(code) {
            let found = recorded.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            bail!("`{line}` ended with {found}, expected exit code {code}: {}", recorded.text);
        }
        let reports = matches!(arguments.first(), Some(&"run" | &"attach"));
        let code = if reports { format!("$ echo $?\n{code}\n") } else { String::new() };
        self.say(&format!("```console\n$ {line}\n{}{code}```", self.cleaning.output(&recorded.text)));
        Ok(())
    }
}

fn compare(there: &str, now: &str) -> Result<()> {
    if there == now {
        return Ok(());
    }
    let same = there.lines().zip(now.lines()).take_while(|(there, now)| there == now).count();
    let line = |page: &str| page.lines().nth(same).unwrap_or("(the end)").to_owned();
    bail!(
        "{PAGE} would change; `cargo xtask check transcript` writes it. Line {}:\n  present: {}\n  new:     {}",
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
        assert!(error.contains("Line 2:\n  present: b\n  new:     x"), "{error}");
        let error = compare("a\n", "a\nb\n").unwrap_err().to_string();
        assert!(error.contains("Line 2:\n  present: (the end)\n  new:     b"), "{error}");
    }
}
