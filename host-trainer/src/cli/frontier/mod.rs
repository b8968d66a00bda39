//! `host-trainer frontier`.

mod desk;
mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use self::desk::Desk;
use self::report::{Report, point};
use super::backend::BackendArguments;
use super::{DataArguments, OutputArguments, UsageError, check_extension, check_output};
use crate::data::SoftLabels;
use crate::frontier::{self, FAMILIES, Family, Measured, REDUCED, RIVALS, Row, SOURCE, Shard, Teacher};
use crate::plot;
use crate::run::{MAX_RECORD_BYTES, json};
use crate::support::{bounded, files};

/// Below the folder of runs, those of --reduced, which have the names of others.
const REDUCED_FOLDER: &str = "reduced";

/// What stands beside figures of --reduced.
const SAID_OF_REDUCED: &str = "Reduced, trained for a few epochs: these figures say nothing of the networks.";

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    backend: BackendArguments,
    /// File of a teacher's answers, which host-trainer teach writes
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// Train each network with the seeds 1 to N, 1..=100 [default: 3; with --reduced 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: Option<u64>,
    /// Folder for the runs, one folder each; runs that it has already are kept
    #[arg(long, value_name = "DIR", default_value = "runs/frontier")]
    runs: PathBuf,
    /// Train only each N-th network and seed, from the I-th on, 1..=N, with all that is derived from it
    #[arg(long, value_name = "I/N", conflicts_with_all = ["export", "chart", "table"])]
    shard: Option<Shard>,
    /// Train only these networks, by their names
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    only: Vec<String>,
    /// Train a few networks for a few epochs, to see it work in two minutes; what comes of it says nothing of the networks.
    /// The teacher may be left out. Runs go to the folder reduced in that of --runs
    #[arg(long)]
    reduced: bool,
    /// Train nothing: read the runs that are there
    #[arg(long)]
    draw_only: bool,
    /// File of what devices take for the models, which cargo xtask frontier writes
    #[arg(long, value_name = "FILE")]
    measured: Option<PathBuf>,
    /// File to write the rows to, JSON
    #[arg(long, value_name = "FILE.json")]
    export: Option<PathBuf>,
    /// File to draw accuracy against instructions and bytes to, SVG
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Page to write the table to, between the lines that mark its place, Markdown
    #[arg(long, value_name = "FILE.md")]
    table: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

/// What --reduced exports, so that nobody takes it for the other.
#[derive(Serialize)]
struct ReducedExport<'a> {
    reduced: bool,
    rows: &'a [Row],
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let families = self.families()?;
        self.check_teacher(&families)?;
        for (option, path, extension) in
            [("--export", &self.export, "json"), ("--chart", &self.chart, "svg"), ("--table", &self.table, "md")]
        {
            path.as_ref().map_or(Ok(()), |path| check_extension(option, path, extension))?;
        }
        let Some(backend) = self.backend.choose(self.output)? else { return Ok(()) };
        // Early, so that nothing is trained for files that cannot be written.
        self.check_outputs()?;
        let measured = self.measured.as_deref().map(Measured::read).transpose()?.unwrap_or_default();
        let folder = if self.reduced { self.runs.join(REDUCED_FOLDER) } else { self.runs.clone() };
        let data = self.data.load()?;
        let (soft_labels, sha256) =
            self.teacher.as_ref().map(|path| SoftLabels::read(path, &data, 0)).transpose()?.unzip();
        let seeds = self.seeds.unwrap_or(if self.reduced { 1 } else { 3 });
        let units = frontier::choose(&families, seeds, self.shard);
        let teacher = match sha256 {
            Some(sha256) => Teacher::Known(sha256),
            None if self.draw_only && !self.reduced => Teacher::recorded(&folder, &units),
            None => Teacher::Absent,
        };
        let desk = Desk { folder, backend, data, teacher, soft_labels };
        if !self.draw_only {
            files::create_folder(&desk.folder)?;
        }
        let runs_trained = if self.draw_only { 0 } else { desk.train(&units)? };
        let report = Report::new(&desk, &families, &units, &measured, self.reduced, runs_trained);
        self.write(&report, desk.data.is_fashion_mnist)?;
        self.output.print(&report, || report.text())
    }

    /// The families that are asked for.
    fn families(&self) -> Result<Vec<&'static Family>, UsageError> {
        let all: &'static [Family] = if self.reduced { &REDUCED } else { &FAMILIES };
        if let Some(unknown) = self.only.iter().find(|name| !all.iter().any(|family| family.name == **name)) {
            let names: Vec<_> = all.iter().map(|family| family.name).collect();
            return Err(UsageError(format!(
                "--only {unknown}: there is no such network; there are {}",
                names.join(", ")
            )));
        }
        let is_asked_for = |name: &str| self.only.is_empty() || self.only.iter().any(|only| only == name);
        Ok(all.iter().filter(|family| is_asked_for(family.name)).collect())
    }

    /// That there is a teacher for those that learn from one.
    fn check_teacher(&self, families: &[&Family]) -> Result<(), UsageError> {
        let taught = families.iter().find(|family| family.is_taught());
        match taught.filter(|_| self.teacher.is_none() && !self.reduced && !self.draw_only) {
            Some(family) => Err(UsageError(format!(
                "{} learns from a teacher: make its answers by host-trainer teach, and name the file by --teacher",
                family.name
            ))),
            None => Ok(()),
        }
    }

    fn check_outputs(&self) -> Result<()> {
        let inputs = [&self.teacher, &self.measured];
        for (option, path) in [("--export", &self.export), ("--chart", &self.chart), ("--table", &self.table)] {
            let Some(path) = path else { continue };
            check_output(option, path, inputs.into_iter().flatten())?;
            files::check_writable(path)?;
        }
        // That there is a place for the table.
        self.table.as_deref().map_or(Ok(()), |path| page(path, "").map(drop))
    }

    fn write(&self, report: &Report, is_fashion_mnist: bool) -> Result<()> {
        if let Some(path) = &self.export {
            let rows = &report.rows;
            let bytes = if self.reduced { json(&ReducedExport { reduced: true, rows })? } else { json(rows)? };
            files::write(path, &bytes)?;
        }
        if let Some(path) = &self.chart {
            let points: Vec<_> = report.rows.iter().filter_map(point).collect();
            // Others' figures are for those pictures.
            let (rivals, source) = if is_fashion_mnist { (&RIVALS[..], &SOURCE[..]) } else { (&[][..], &[][..]) };
            let foot = [if self.reduced { &[SAID_OF_REDUCED][..] } else { &[] }, source].concat();
            files::write(path, plot::frontier(&points, rivals, &foot)?.as_bytes())?;
        }
        if let Some(path) = &self.table {
            let reduced = if self.reduced { format!("\n{SAID_OF_REDUCED}\n") } else { String::new() };
            files::write(path, page(path, &(frontier::markdown(&report.rows) + &reduced))?.as_bytes())?;
        }
        Ok(())
    }
}

/// The page at `path` with another table.
fn page(path: &Path, table: &str) -> Result<String> {
    let cannot_read = || format!("cannot read {}", path.display());
    let page = bounded::read(path, MAX_RECORD_BYTES).with_context(cannot_read)?;
    let page = String::from_utf8(page).with_context(cannot_read)?;
    frontier::splice(&page, table).with_context(|| format!("cannot write the table to {}", path.display()))
}
