//! `cargo xtask frontier`: networks trained in many ways, and the cost of each on devices.

mod measure;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use host_support::files;
use host_support::numbers::whole;
use host_support::page::Page;
use serde::Deserialize;

use crate::UsageError;
use crate::output::log;
use crate::workspace::{Workspace, shown};

/// The page and its files, relative to the workspace.
const PAGE: &str = "docs/frontier.md";
const CHART: &str = "docs/frontier.svg";
const ROWS: &str = "docs/frontier.json";

#[derive(Args)]
pub struct Options {
    /// File of a teacher's answers; created, in about 40 minutes, if it does not exist. --reduced
    /// uses a teacher only if this names one. [default: teacher.safetensors in the folder of the
    /// runs]
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// Train each network with the seeds 1 to N, 1..=100. [default: 3; with --reduced 1]
    #[arg(long, value_name = "N", value_parser = whole::<u8>(1..=100))]
    seeds: Option<u8>,
    /// Folder for the runs; finished runs are kept. [default: runs/frontier in the workspace]
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
    /// Train only each N-th network and seed, starting with the I-th, 1..=N, and measure nothing:
    /// one job of an array.
    #[arg(long, value_name = "I/N", conflicts_with_all = ["write_docs", "json"])]
    shard: Option<String>,
    /// TOML file of the networks, instead of those of docs/frontier.md, which explains it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reduced", "write_docs"])]
    networks: Option<PathBuf>,
    /// Train and show only these networks.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', conflicts_with = "write_docs")]
    only: Vec<String>,
    /// Train a few networks for a few epochs without a teacher, to see it work in some minutes.
    #[arg(long, conflicts_with = "write_docs")]
    reduced: bool,
    /// Train nothing, and measure the finished runs. With --write-docs, rows whose runs are missing
    /// are copied from docs/frontier.json.
    #[arg(long, conflicts_with = "shard")]
    draw_only: bool,
    /// The folder of the data set. [default: the trainer's choice]
    #[arg(long, value_name = "DIR", conflicts_with = "write_docs")]
    data: Option<PathBuf>,
    /// Print one JSON object on standard output instead of a table.
    #[arg(long)]
    json: bool,
    /// Page to write the table to, between the lines that mark its position, Markdown.
    #[arg(long, value_name = "FILE.md", conflicts_with_all = ["write_docs", "shard"])]
    table: Option<PathBuf>,
    /// Write the table of docs/frontier.md, docs/frontier.json and docs/frontier.svg.
    #[arg(long)]
    write_docs: bool,
}

/// The output of `host-trainer frontier`, as far as it is needed here.
#[derive(Deserialize)]
struct FrontierRows {
    missing: Vec<String>,
    /// True if a missing run learns from a teacher.
    needs_teacher: bool,
    models: Vec<Model>,
}

/// The model that is measured for a row.
#[derive(Deserialize)]
struct Model {
    id: String,
    path: PathBuf,
}

pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    if let Some(table) = &options.table {
        // Before hours of training: the page must have a place for the table.
        Page::read(table, "frontier")?;
    }
    workspace.build_programs()?;
    let runs = options.runs.clone().unwrap_or_else(|| workspace.root.join("runs/frontier"));
    let teacher = match &options.teacher {
        None if options.reduced => None,
        named => Some(named.clone().unwrap_or_else(|| runs.join("teacher.safetensors"))),
    };
    let trainer = || {
        let existing = teacher.as_ref().filter(|teacher| teacher.is_file());
        let job = workspace.job("host-trainer").arg("frontier").arg("--runs").arg(&runs);
        let job = job.option("--teacher", existing).option("--shard", options.shard.as_ref());
        let job = job.option("--seeds", options.seeds.map(|seeds| seeds.to_string()));
        let job = job.option("--networks", options.networks.as_ref()).flag("--reduced", options.reduced);
        let job = job.option("--data", options.data.as_ref());
        job.option("--only", Some(options.only.join(",")).filter(|names| !names.is_empty()))
    };
    // The first call trains nothing, so that wrong arguments fail early.
    let mut report: FrontierRows = trainer().arg("--draw-only").arg("--json").capture_json()?;
    if !report.missing.is_empty() && !options.draw_only {
        if let Some(teacher) = teacher.iter().find(|teacher| report.needs_teacher && !teacher.is_file()) {
            teach(workspace, teacher, options)?;
        }
        log(format_args!("    training {} missing runs", report.missing.len()));
        report = trainer().arg("--json").capture_json()?;
    }
    if options.shard.is_some() {
        log("    this shard is complete; after all shards, run without --shard to measure and write the table");
        return Ok(());
    }

    let measured = measure::command(workspace, &report.models, options.data.as_deref())?;
    let mut job = trainer().arg("--draw-only").arg("--measured").arg(&measured).flag("--json", options.json);
    job = job.option("--table", options.table.as_ref());
    if options.write_docs {
        let earlier = Some(workspace.root.join(ROWS)).filter(|rows| options.draw_only && rows.is_file());
        job = job.option("--earlier", earlier);
        for (option, file) in [("--export", ROWS), ("--chart", CHART), ("--table", PAGE)] {
            job = job.arg(option).arg(workspace.root.join(file));
        }
    }
    job.run_to_stdout()?;
    if options.write_docs {
        log(format_args!("    wrote {ROWS}, {CHART} and the table of {PAGE}"));
    }
    Ok(())
}

/// Creates the file of the teacher's answers.
fn teach(workspace: &Workspace, teacher: &Path, options: &Options) -> Result<()> {
    let file = shown(teacher);
    if options.shard.is_some() {
        // Otherwise each job of an array would create its own.
        let text = format!(
            "{file} does not exist; before the shards, run host-trainer teach --validation-order last --export {file}"
        );
        return Err(UsageError(text).into());
    }
    log(format_args!("    {file} does not exist: creating it takes about 40 minutes on two cores"));
    let folder = files::folder_of(teacher);
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create folder {}", shown(folder)))?;
    // The published figures are of networks whose teacher did not see the last images.
    let job = workspace.job("host-trainer").args(["teach", "--validation-order", "last", "--export"]).arg(teacher);
    job.option("--data", options.data.as_ref()).run()
}
