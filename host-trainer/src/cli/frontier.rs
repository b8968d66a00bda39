//! `host-trainer frontier`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::backend::BackendArguments;
use super::said::warn_of_loss;
use super::table::table;
use super::{DataArguments, OutputArguments, UsageError, check_apart, check_extension};
use crate::backend::Backend;
use crate::dataset::Dataset;
use crate::files;
use crate::frontier::{
    self, Entry, FAMILIES, Family, Found, Measured, Pace, REDUCED, RIVALS, Row, Runs, SOURCE, Shard, Teacher, Unit,
};
use crate::model::DenseParameters;
use crate::pipeline::{self, Sources};
use crate::plot::{self, FrontierKind, FrontierPoint};
use crate::progress;
use crate::record::{Outcome, RunFile, RunFolder, json};
use crate::teach::SoftLabels;
use crate::train::TrainConfig;
use crate::wording::percent;

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

#[derive(Serialize)]
struct Report {
    folder: PathBuf,
    reduced: bool,
    runs_kept: usize,
    runs_trained: usize,
    /// What is not there.
    missing: Vec<String>,
    /// Whether any of that learns from a teacher.
    needs_teacher: bool,
    /// The model that each row's figures of devices are of.
    models: Vec<Model>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Model {
    id: String,
    path: PathBuf,
}

/// What --reduced exports, so that nobody takes it for the other.
#[derive(Serialize)]
struct ReducedExport<'a> {
    reduced: bool,
    rows: &'a [Row],
}

/// What runs are trained with.
struct Desk {
    folder: PathBuf,
    backend: Backend,
    data: Dataset,
    teacher: Teacher,
    soft_labels: Option<SoftLabels>,
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
        let teacher = match sha256 {
            Some(sha256) => Teacher::Known(sha256),
            None if self.draw_only && !self.reduced => Teacher::Any,
            None => Teacher::Absent,
        };
        let desk = Desk { folder, backend, data, teacher, soft_labels };
        if !self.draw_only {
            files::create_folder(&desk.folder)?;
        }

        let seeds = self.seeds.unwrap_or(if self.reduced { 1 } else { 3 });
        let units = frontier::choose(&families, seeds, self.shard);
        let runs_trained = if self.draw_only { 0 } else { desk.train(&units)? };
        let report = desk.report(&families, &units, &measured, self.reduced, runs_trained);
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
            check_apart(option, path, inputs.into_iter().flatten())?;
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

impl Desk {
    fn find(&self, unit: &Unit) -> Runs {
        Runs::find(*unit, &self.folder, self.backend, &self.teacher, &self.data)
    }

    /// Trains what `units` lack, and returns how many runs that were.
    fn train(&self, units: &[Unit]) -> Result<usize> {
        let mut pace = Pace::default();
        let all: Vec<Runs> = units.iter().map(|unit| self.find(unit)).collect();
        let kept: Vec<_> = all.iter().flat_map(Runs::found).collect();
        kept.iter().for_each(|(config, found)| pace.add(config, found.outcome.train_seconds));
        let missing: Vec<(String, TrainConfig)> = all.iter().flat_map(Runs::missing).collect();
        let (kept, count) = (kept.len(), kept.len() + missing.len());
        if kept > 0 {
            progress::say(format_args!("{kept} of {count} runs are in {} already, and kept", self.folder.display()));
        }
        let mut done = 0;
        for runs in all {
            let mut base = runs.base.clone();
            let gaps = runs.derived.iter().filter(|(_, found)| found.is_none()).map(|(entry, _)| Some(*entry));
            for entry in runs.base.is_none().then_some(None).into_iter().chain(gaps) {
                let name = runs.unit.family.run_name(entry, runs.unit.seed);
                let left = pace.left(missing.iter().skip(done).map(|(_, config)| config));
                progress::say(format_args!("run {} of {count}: {name}; {left}", kept + done + 1));
                let (config, layers) = match (entry, &base) {
                    (Some(entry), Some(base)) => {
                        let layers = base.folder.read_weights()?;
                        (entry.config(&runs.config, &base.outcome.model_id), Some(layers))
                    }
                    _ => (runs.config.clone(), None),
                };
                let folder = RunFolder::create(self.folder.join(&name))?;
                let outcome = self.run(&config, layers.as_deref(), &folder).with_context(|| format!("run {name}"))?;
                pace.add(&config, outcome.train_seconds);
                done += 1;
                if entry.is_none() {
                    base = Some(Found { seed: runs.unit.seed, folder, outcome });
                }
            }
        }
        Ok(done)
    }

    /// One run.
    fn run(&self, config: &TrainConfig, layers: Option<&[DenseParameters]>, folder: &RunFolder) -> Result<Outcome> {
        let soft_labels = self.soft_labels.as_ref().filter(|_| config.teacher.is_some());
        let sources = Sources { soft_labels, start: layers, ..Sources::of(&self.data) };
        let outcome = pipeline::run(config, sources, folder, None, |_| ())?;
        let accuracies = [outcome.test_accuracy_float, outcome.test_accuracy_fixed].map(percent);
        progress::say(format_args!(
            "    test {}, in fixed point {}; {:.1} s",
            accuracies[0], accuracies[1], outcome.train_seconds
        ));
        // What is only rounded to few bits loses much, as everybody knows.
        if config.all_epochs() > 0 {
            warn_of_loss(&outcome);
        }
        Ok(outcome)
    }

    fn report(
        &self,
        families: &[&'static Family],
        units: &[Unit],
        measured: &HashMap<String, Measured>,
        reduced: bool,
        runs_trained: usize,
    ) -> Report {
        let all: Vec<Runs> = units.iter().map(|unit| self.find(unit)).collect();
        let sizes = [self.data.train.width, self.data.class_names.len()];
        let (mut rows, mut models) = (Vec::new(), Vec::new());
        for family in families {
            for entry in family.entries {
                let of = all.iter().filter(|runs| runs.unit.family.name == family.name);
                let found: Vec<&Found> = of.filter_map(|runs| runs.of(entry)).collect();
                let is_taught = family.is_taught() && self.teacher != Teacher::Absent;
                rows.extend(Row::of(family, entry, &found, is_taught, sizes, measured));
                let first = found.first().filter(|_| *entry != Entry::Float);
                models.extend(first.map(|found| Model {
                    id: found.outcome.model_id.clone(),
                    path: found.folder.file(RunFile::Model),
                }));
            }
        }
        let needs_teacher = all.iter().any(|runs| runs.unit.family.is_taught() && runs.missing().next().is_some());
        let missing: Vec<String> = all.iter().flat_map(Runs::missing).map(|(name, _)| name).collect();
        let runs_kept = all.iter().flat_map(Runs::found).count().saturating_sub(runs_trained);
        Report { folder: self.folder.clone(), reduced, runs_kept, runs_trained, missing, needs_teacher, models, rows }
    }
}

impl Report {
    fn text(&self) -> String {
        let mut table = table(Row::HEADER.map(str::to_owned), 3);
        self.rows.iter().for_each(|row| {
            table.add_row(row.cells());
        });
        let missing = match self.missing.as_slice() {
            [] => String::new(),
            names => format!("{} runs are missing: {}.\n", names.len(), names.join(", ")),
        };
        let reduced = if self.reduced { format!("{SAID_OF_REDUCED}\n") } else { String::new() };
        let folder = self.folder.display();
        format!(
            "{table}\n{reduced}{missing}Runs are in {folder}; figures of devices are those of the first seed's model.\n"
        )
    }
}

/// The page at `path` with another table.
fn page(path: &Path, table: &str) -> Result<String> {
    let page = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    frontier::splice(&page, table).with_context(|| format!("cannot write the table to {}", path.display()))
}

/// What the picture shows of a row; float networks are for no device.
fn point(row: &Row) -> Option<FrontierPoint> {
    let kind = match row.weight_bits {
        8 if row.sparsity > 0.0 => FrontierKind::Pruned,
        8 => FrontierKind::Eight,
        4 => FrontierKind::Four,
        2 => FrontierKind::Ternary,
        _ => return None,
    };
    let mut widths: Vec<&str> = row.network.split('-').skip(1).collect();
    widths.pop();
    let name = match row.recipe.as_str() {
        _ if row.sparsity > 0.0 => format!("{}, {} %", widths.join("-"), 100.0 * row.sparsity),
        recipe @ ("lecture" | "best") => format!("{}, {recipe}", widths.join("-")),
        recipe if row.weight_bits == 8 && recipe.ends_with("QAT") => format!("{}, QAT", widths.join("-")),
        _ => widths.join("-"),
    };
    Some(FrontierPoint {
        name,
        kind,
        is_rounded: row.weight_bits < 8 && !row.recipe.ends_with("QAT"),
        accuracy: row.test_accuracy_mean,
        spread: row.test_accuracy_sd,
        instructions: row.instructions_m4.map(|count| count as f64),
        bytes: row.model_bytes as f64,
    })
}
