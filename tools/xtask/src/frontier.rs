//! `cargo xtask frontier`: networks trained in many ways, and what each takes on devices.

mod measure;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde::Deserialize;

use crate::UsageError;
use crate::output::tell;
use crate::process::Job;
use crate::workspace::{Workspace, shown};

/// The page and its files, below the workspace.
const PAGE: &str = "docs/frontier.md";
const CHART: &str = "docs/frontier.svg";
const ROWS: &str = "docs/frontier.json";

/// What is trained, measured and written.
#[derive(Args)]
pub struct Options {
    /// File of a teacher's answers; made, in about 40 minutes, where it is not there. With
    /// --reduced there is no teacher unless one is named. [default: teacher.safetensors in the
    /// folder of the runs]
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// Trains each network with the seeds 1 to N, 1..=100. [default: 3; with --reduced 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    seeds: Option<u8>,
    /// Folder for the runs; those that it has already are kept. [default: runs/frontier in the
    /// workspace]
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
    /// Trains only each N-th network and seed, from the I-th on, 1..=N, and measures nothing: one
    /// job of an array.
    #[arg(long, value_name = "I/N", conflicts_with_all = ["write_docs", "json"])]
    shard: Option<String>,
    /// Trains and shows only these networks.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', conflicts_with = "write_docs")]
    only: Vec<String>,
    /// A few networks for a few epochs, without a teacher: to see it work in some minutes.
    #[arg(long, conflicts_with = "write_docs")]
    reduced: bool,
    /// The folder of the data set; the trainer's choice when not given.
    #[arg(long, value_name = "DIR", conflicts_with = "write_docs")]
    data: Option<PathBuf>,
    /// Prints one JSON object on standard output instead of a table.
    #[arg(long)]
    json: bool,
    /// Writes the table of docs/frontier.md, docs/frontier.json and docs/frontier.svg.
    #[arg(long)]
    write_docs: bool,
}

/// What the trainer says of its runs, as far as it matters here.
#[derive(Deserialize)]
struct Report {
    missing: Vec<String>,
    /// Whether any of them learns from a teacher.
    needs_teacher: bool,
    models: Vec<Model>,
}

/// The model that a row's figures of devices are of.
#[derive(Deserialize)]
struct Model {
    id: String,
    path: PathBuf,
}

/// `cargo xtask frontier`.
///
/// # Errors
/// When a training, a build or a measurement fails; the trainer's exit code 2 for arguments that it
/// refuses.
pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    workspace.build_programs()?;
    let runs = options.runs.clone().unwrap_or_else(|| workspace.root.join("runs/frontier"));
    let teacher = match &options.teacher {
        None if options.reduced => None,
        named => Some(named.clone().unwrap_or_else(|| runs.join("teacher.safetensors"))),
    };
    let trainer = || {
        let job = workspace.job("host-trainer").arg("frontier").arg("--runs").arg(&runs);
        let is_there = |teacher: &&PathBuf| teacher.is_file();
        let job = teacher.iter().filter(is_there).fold(job, |job, teacher| job.arg("--teacher").arg(teacher));
        options.pass_on(job)
    };
    // Early, so that arguments are refused before anything takes long.
    let mut report = read(trainer().arg("--draw-only"))?;
    if !report.missing.is_empty() {
        if let Some(teacher) = teacher.iter().find(|teacher| report.needs_teacher && !teacher.is_file()) {
            teach(workspace, teacher, options)?;
        }
        tell(format_args!("    training what is missing: {} runs", report.missing.len()));
        report = read(trainer())?;
    }
    if options.shard.is_some() {
        tell(format_args!("    this shard is done; a last call without --shard measures all, and writes the table"));
        return Ok(());
    }

    let measured = measure::command(workspace, &report.models, options.data.as_deref())?;
    let mut job = trainer().arg("--draw-only").arg("--measured").arg(&measured);
    if options.json {
        job = job.arg("--json");
    }
    if options.write_docs {
        for (option, file) in [("--export", ROWS), ("--chart", CHART), ("--table", PAGE)] {
            job = job.arg(option).arg(workspace.root.join(file));
        }
    }
    job.run_to_stdout()?;
    if options.write_docs {
        tell(format_args!("    wrote {ROWS}, {CHART} and the table of {PAGE}"));
    }
    Ok(())
}

/// Makes the teacher's answers.
fn teach(workspace: &Workspace, teacher: &PathBuf, options: &Options) -> Result<()> {
    if options.shard.is_some() {
        // Else each job of an array would make one of its own.
        let teacher = shown(teacher);
        let text = format!(
            "there is no teacher in {teacher}; make it before the shards: host-trainer teach --export {teacher}"
        );
        return Err(UsageError(text).into());
    }
    tell(format_args!(
        "    there is no teacher in {} yet: making it takes about 40 minutes on two cores",
        shown(teacher)
    ));
    let folder = teacher.parent().context("the teacher needs the name of a file")?;
    // The current folder has no name.
    if !folder.as_os_str().is_empty() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", shown(folder)))?;
    }
    let job = workspace.job("host-trainer").arg("teach").arg("--export").arg(teacher);
    options.data.iter().fold(job, |job, data| job.arg("--data").arg(data)).run()
}

impl Options {
    /// `job` with what the trainer understands itself.
    fn pass_on(&self, mut job: Job) -> Job {
        job = self.seeds.iter().fold(job, |job, seeds| job.arg("--seeds").arg(seeds.to_string()));
        job = self.shard.iter().fold(job, |job, shard| job.arg("--shard").arg(shard));
        job = self.data.iter().fold(job, |job, data| job.arg("--data").arg(data));
        if !self.only.is_empty() {
            job = job.arg("--only").arg(self.only.join(","));
        }
        if self.reduced { job.arg("--reduced") } else { job }
    }
}

fn read(job: Job) -> Result<Report> {
    let text = job.arg("--json").capture()?;
    serde_json::from_str(&text).context("cannot understand what `host-trainer frontier` printed")
}
