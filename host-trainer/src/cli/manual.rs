//! `host-trainer completions` and `host-trainer man`.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;
use crate::support::files;

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// Shell that reads the script
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl CompletionsArguments {
    pub fn run(self) -> Result<()> {
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        let mut target = io::stdout().lock();
        target.write_all(&script)?;
        target.flush()?;
        Ok(())
    }
}

#[derive(Debug, Args)]
pub struct ManArguments {
    /// Folder to write the pages to; created if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManArguments {
    pub fn run(self) -> Result<()> {
        files::create_folder(&self.folder)?;
        for (name, page) in pages()? {
            files::write(&self.folder.join(name), &page)?;
        }
        Ok(())
    }
}

/// Returns file name and content of each manual page: one of the program, one of each command.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let page = |command: Command| {
        let manual = Man::new(command);
        let mut page = Vec::new();
        manual.render(&mut page)?;
        Ok((manual.get_filename(), page))
    };
    program.get_subcommands().cloned().chain([program.clone()]).map(page).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_a_manual_page() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["host-trainer.1", "host-trainer-train.1", "host-trainer-completions.1"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        for (name, page) in &pages {
            assert!(String::from_utf8_lossy(page).contains(".TH"), "{name}");
        }
    }

    #[test]
    fn examples_fit_a_line() {
        for command in Cli::command().get_subcommands() {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(examples.lines().all(|line| line.chars().count() <= 100), "{}", command.get_name());
        }
    }
}
