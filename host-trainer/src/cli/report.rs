use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{OutputArguments, UsageError, check_output, line};
use crate::report::{self, Missing, Run};
use crate::run::{RecordError, RunFolder};
use crate::support::{files, progress};
use crate::text::Shown;

/// The report of a run in its folder.
pub const REPORT: &str = "report.html";

/// The playground, in the folder of the report.
const PLAYGROUND: &str = "playground.html";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer report runs/first
  host-trainer report runs/first runs/second --out comparison.html
  host-trainer report runs/first --playground target/prenda/playground/playground.html")]
pub struct ReportArguments {
    /// Folders of runs, written by `train --run`; several runs are shown next to each other, in
    /// this order
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// File to write the report to [default: report.html, in the run's folder, or in the current
    /// folder if there are several runs]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a copy of PAGE, a page of `cargo xtask playground`, with the run's model, and link it:
    /// playground.html, in the folder of the report
    #[arg(long, value_name = "PAGE")]
    playground: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct ReportOutput<'a> {
    report: Shown<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    playground: Option<Shown<&'a Path>>,
    runs: Vec<Shown<&'a PathBuf>>,
    missing: Vec<&'a Missing>,
}

impl ReportArguments {
    pub fn run(self) -> Result<()> {
        check_distinct(&self.runs)?;
        let out = match (&self.out, self.runs.as_slice()) {
            (Some(out), _) => out.clone(),
            (None, [only]) => only.join(REPORT),
            (None, _) => PathBuf::from(REPORT),
        };
        let runs = report::load(&self.runs)?;
        check_output("--out", &out, recorded(&self.runs)?)?;
        files::check_writable(&out)?;
        let playground = self.playground(&runs, &out)?;

        let missing: Vec<&Missing> = runs.iter().flat_map(|run| &run.missing).collect();
        for Missing { file, problem, consequence, remedy, .. } in &missing {
            progress::log(format_args!("warning: {file} {problem}: {consequence}; to restore it, run: {remedy}"));
        }
        if let Some((path, page)) = &playground {
            files::write(path, page.as_bytes())?;
        }
        files::write(&out, report::page(&runs, playground.as_ref().map(|_| PLAYGROUND)).as_bytes())?;

        let playground = playground.as_ref().map(|(path, _)| Shown(path.as_path()));
        let report =
            ReportOutput { report: Shown(&out), playground, runs: self.runs.iter().map(Shown).collect(), missing };
        self.output.print(&report, || report.text(&runs))
    }

    /// Returns path and content of the playground to write, if any.
    fn playground(&self, runs: &[Run], out: &Path) -> Result<Option<(PathBuf, String)>> {
        let Some(page) = &self.playground else { return Ok(None) };
        let [run] = runs else {
            let found = runs.len();
            return Err(UsageError(format!("--playground takes one run, found {found}; name one")).into());
        };
        let path = host_support::files::folder_of(out).join(PLAYGROUND);
        check_output("--playground", &path, [out, page])?;
        files::check_writable(&path)?;
        Ok(Some((path, report::playground(page, run)?)))
    }
}

impl ReportOutput<'_> {
    fn text(&self, runs: &[Run]) -> String {
        let mut text = line("report", self.report);
        if let Some(playground) = self.playground {
            text += &line("playground", playground);
        }
        for run in runs {
            text += &line("run", run.folder.display());
        }
        if !self.missing.is_empty() {
            text += &line("files missing", self.missing.len());
        }
        text
    }
}

/// Checks that no folder is named twice.
fn check_distinct(folders: &[PathBuf]) -> Result<(), UsageError> {
    for (index, folder) in folders.iter().enumerate() {
        if folders.iter().take(index).any(|other| files::is_same(folder, other)) {
            let folder = folder.display();
            return Err(UsageError(format!("{folder} is named twice; name each run once")));
        }
    }
    Ok(())
}

/// Returns all files of the runs, which a report must not overwrite.
fn recorded(folders: &[PathBuf]) -> Result<Vec<PathBuf>, RecordError> {
    let mut all = Vec::new();
    for folder in folders {
        let folder = RunFolder::at(folder.clone());
        all.extend(folder.files());
        all.extend(folder.parity_files()?);
    }
    Ok(all)
}
