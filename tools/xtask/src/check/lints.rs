//! `cargo xtask check lints`: formatting, lints of all code for all targets, links in
//! documentation.

use anyhow::{Result, bail};

use crate::process::Job;
use crate::programs::find_program;
use crate::stages::Outcome;
use crate::workspace::{Workspace, cargo};
use crate::{examples, image, output};

type Named = (&'static str, fn(&Workspace) -> Outcome);

pub const ALL: [Named; 4] = [
    ("Checking the format", format),
    ("Checking the lints", host),
    ("Checking the lints for every board", boards),
    ("Checking the links in the documentation", documentation),
];

/// Runs all checks, also after a failure.
pub fn command(workspace: &Workspace) -> Result<()> {
    let mut failed = Vec::new();
    for (name, check) in ALL {
        output::log(format_args!("{name} ..."));
        match check(workspace) {
            Outcome::Passed => {}
            Outcome::Skipped(reason) => output::log(format_args!("    skipped: {reason}")),
            Outcome::Failed(reason) => failed.push(format!("{name}: {reason}")),
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("\n       ")) }
}

fn format(workspace: &Workspace) -> Outcome {
    if find_program("rustfmt").is_none() {
        return absent("rustfmt", is_ci());
    }
    let examples = || {
        examples::all()?.iter().try_for_each(|example| {
            Job::new(cargo()).args(["fmt", "--check", "--manifest-path"]).arg(example.manifest()).run()
        })
    };
    workspace.cargo("fmt").args(["--all", "--check"]).run().and_then(|()| examples()).into()
}

fn host(workspace: &Workspace) -> Outcome {
    if find_program("cargo-clippy").is_none() {
        return absent("clippy", is_ci());
    }
    let arguments = ["--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    workspace.cargo("clippy").args(arguments).run().into()
}

/// Lints the firmware and its libraries as they are compiled for each board.
fn boards(workspace: &Workspace) -> Outcome {
    if find_program("cargo-clippy").is_none() {
        return absent("clippy", is_ci());
    }
    let boards = match boards::all() {
        Ok(boards) => boards,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let mut skipped = Vec::new();
    for board in boards {
        match image::clippy(workspace, &board) {
            None => skipped.push(board.name),
            Some(job) => {
                if let Err(error) = job.run() {
                    return Outcome::Failed(format!("{}: {}", board.name, host_support::errors::chain(error.as_ref())));
                }
            }
        }
    }
    if skipped.is_empty() {
        return Outcome::Passed;
    }
    Outcome::Skipped(format!(
        "the compiler that has clippy has no library for {}; `rustup target add TARGET` adds it",
        skipped.join(", ")
    ))
}

/// Builds the documentation of our packages, private items included, with broken links denied.
fn documentation(workspace: &Workspace) -> Outcome {
    let job = workspace.cargo("doc").args(["--workspace", "--locked", "--no-deps", "--document-private-items"]);
    let links = ["broken-intra-doc-links", "invalid-html-tags", "bare-urls"];
    let flags: Vec<String> = links.iter().map(|lint| format!("-Drustdoc::{lint}")).collect();
    job.env("RUSTDOCFLAGS", flags.join(" ")).run().into()
}

/// Returns the outcome of a check whose tool is missing: optional for a person, required in CI.
fn absent(component: &str, ci: bool) -> Outcome {
    let reason = format!("{component} is not installed; `rustup component add {component}` adds it");
    if ci { Outcome::Failed(reason) } else { Outcome::Skipped(reason) }
}

/// Returns true in continuous integration, whose services set the variable `CI`.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_skipped_for_a_person_and_fails_in_ci() {
        assert!(
            matches!(absent("rustfmt", false), Outcome::Skipped(reason) if reason.contains("component add rustfmt"))
        );
        assert!(matches!(absent("rustfmt", true), Outcome::Failed(reason) if reason.contains("component add rustfmt")));
    }
}
