//! `cargo xtask check recording`: docs/demo.svg, a recording of the demo, and of probe-rs from
//! docs/probe-rs.md.

mod animation;

use std::fs;

use anyhow::{Context as _, Result, bail};
use host_support::files;

use crate::output::log;
use crate::process::Job;
use crate::workspace::Workspace;
use animation::{Scene, draw};

/// The recording, relative to the workspace.
const RECORDING: &str = "docs/demo.svg";
const TITLE: &str = "cargo xtask demo, then probe-rs with an emulated board; shortened, and faster than it ran";

/// The page with output of probe-rs, relative to the workspace, and its part in the recording.
const PAGE: &str = "docs/probe-rs.md";
const COMMAND: &str = "probe-rs run target/prenda/firmware/mps2-an386.elf";

/// Writes the recording, or, with `check`, compares it with the present one.
pub fn command(workspace: &Workspace, check: bool) -> Result<()> {
    let read =
        |name: &str| fs::read_to_string(workspace.root.join(name)).with_context(|| format!("cannot read {name}"));
    let lines = printed(&read(PAGE)?, COMMAND)
        .with_context(|| format!("{PAGE} has no output of `{COMMAND}`; `cargo xtask check transcript` writes it"))?;
    let probe_rs = Scene { command: COMMAND.into(), lines };
    let recording = draw(TITLE, &[demo()?, probe_rs]);
    if check {
        if without_figures(&read(RECORDING)?) != without_figures(&recording) {
            bail!("{RECORDING} would change; `cargo xtask check recording` writes it");
        }
        return Ok(());
    }
    files::write(&workspace.root.join(RECORDING), recording.as_bytes())?;
    log(format_args!("    wrote {RECORDING}"));
    Ok(())
}

/// Returns the output of a command on a page in Markdown.
fn printed(page: &str, command: &str) -> Option<Vec<String>> {
    let mut lines = page.lines().skip_while(|line| line.strip_prefix("$ ") != Some(command));
    lines.next()?;
    Some(lines.take_while(|line| !line.starts_with("```") && !line.starts_with("$ ")).map(str::to_owned).collect())
}

/// Runs the demo, and returns its stages and its table, without the output of its commands.
fn demo() -> Result<Scene> {
    let program = std::env::current_exe().context("cannot find this program")?;
    log("    $ cargo xtask demo");
    let output = Job::new(program).arg("demo").probe()?;
    let progress = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("`cargo xtask demo` failed: {progress}");
    }
    let output = String::from_utf8_lossy(&output.stdout);
    let lines = stages(&progress).chain(table(&output));
    Ok(Scene { command: "cargo xtask demo".into(), lines: lines.collect() })
}

/// Returns the lines that announce and end stages.
fn stages(progress: &str) -> impl Iterator<Item = String> {
    let is_start = |line: &str| line.starts_with('[') && line.ends_with(" ...");
    let lines = progress.lines().filter(move |line| is_start(line) || line.starts_with("      done in "));
    lines.map(str::to_owned)
}

/// Returns the first table.
fn table(output: &str) -> impl Iterator<Item = String> {
    let lines = output.lines().skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    lines.map(str::to_owned)
}

/// Replaces the figures that differ between computers: seconds and accuracies.
fn without_figures(recording: &str) -> String {
    let mut lines = String::new();
    for line in recording.lines() {
        let units = [" s<", " % "];
        let is_figure = |character: char| character.is_ascii_digit() || character == '.';
        let masked = units.into_iter().find_map(|unit| {
            let (before, after) = line.rsplit_once(unit)?;
            Some(format!("{}#{unit}{after}", before.trim_end_matches(is_figure).trim_end()))
        });
        lines.push_str(masked.as_deref().unwrap_or(line));
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_and_the_first_table_are_kept() {
        let progress = "[1/2] Works ...\n    $ cargo build\n   Compiling x\n      done in 12.5 s\n[2/2] More ...\n";
        let kept: Vec<_> = stages(progress).collect();
        assert_eq!(kept, ["[1/2] Works ...", "      done in 12.5 s", "[2/2] More ..."]);
        assert_eq!(
            table("\n\u{250c}\n\u{2514}\n\ntest image 0\n\u{250c}\n").collect::<Vec<_>>(),
            ["\u{250c}", "\u{2514}"]
        );
    }

    #[test]
    fn the_output_of_a_command_ends_with_the_next_one() {
        let page = "a\n```console\n$ one x\n1\n```\n```console\n$ two\n1\n2\n$ echo $?\n0\n```\n";
        assert_eq!(printed(page, "two").unwrap(), ["1", "2"]);
        assert_eq!(printed(page, "one x").unwrap(), ["1"]);
        assert_eq!(printed(page, "one"), None);
    }

    #[test]
    fn the_recording_has_the_output_of_the_page() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
        let recording = read(RECORDING);
        for line in printed(&read(PAGE), COMMAND).unwrap() {
            assert!(recording.contains(&format!(">{line}</text>")), "{line}");
        }
    }

    #[test]
    fn figures_of_a_computer_are_not_compared() {
        let of = |seconds, share, logits| {
            without_figures(&format!(
                "<t>      done in {seconds} s</t>\n<t>| test |  {share} % |</t>\n<t>| logits | {logits} |</t>\n"
            ))
        };
        assert_eq!(of("1.5", "86.55", 0), of("131.0", "9.12", 0));
        assert_ne!(of("1.5", "86.55", 0), of("1.5", "86.55", 1));
    }
}
