mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use host_support::numbers::whole;
use host_support::page::Page;
use serde::Serialize;

use self::report::{FrontierOutput, point};
use super::png::{self, PngArguments};
use super::sweep::{SweepArguments, SweepTrainer, select};
use super::{UsageError, check_extension, check_output};
use crate::data::SoftLabels;
use crate::plot;
use crate::run::{MAX_RECORD_BYTES, json};
use crate::support::{bounded, files};
use crate::sweep::{self, FRONTIER, FrontierRow, List, ListedNetwork, Measured, Place, REDUCED, RIVALS, SOURCE};

/// Subfolder for the runs of --reduced, because some full runs have the same names.
const REDUCED_FOLDER: &str = "reduced";

/// The xtask command in the markers of the page.
const PAGE_WRITER: &str = "frontier";

/// Warning next to the figures of --reduced.
const REDUCED_WARNING: &str = "Reduced, trained for a few epochs: these figures are meaningless.";

#[derive(Debug, Args)]
pub struct FrontierArguments {
    #[command(flatten)]
    sweep: SweepArguments,
    /// File of a teacher's answers, written by host-trainer teach
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// Train each network with the seeds 1 to N, 1..=100 [default: 3; with --reduced 1]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..=100))]
    seeds: Option<u64>,
    /// Folder for the runs, one folder each; finished runs are kept
    #[arg(long, value_name = "DIR", default_value = "runs/frontier")]
    runs: PathBuf,
    /// Train only these networks, by their names, and make the cascades of them
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', conflicts_with = "one")]
    only: Vec<String>,
    /// Train a few networks for a few epochs, to see it work in two minutes; the accuracies are
    /// meaningless. The teacher is optional. Runs go to the subfolder reduced of --runs
    #[arg(long, conflicts_with = "networks")]
    reduced: bool,
    /// Train nothing and make no cascade; only read the finished ones
    #[arg(long)]
    draw_only: bool,
    /// Train nothing and read no runs; write the chart and the table of the rows of Fashion-MNIST
    /// in this file, which --export has written
    #[arg(
        long,
        value_name = "FILE.json",
        conflicts_with_all = ["networks", "list", "one", "shard", "only", "reduced", "export", "teacher", "measured",
            "earlier"]
    )]
    rows: Option<PathBuf>,
    /// Earlier output of --export; rows whose runs are missing are copied from it
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["reduced", "only", "one", "shard", "list"])]
    earlier: Option<PathBuf>,
    /// File of the models' cost on devices, written by cargo xtask frontier
    #[arg(long, value_name = "FILE")]
    measured: Option<PathBuf>,
    /// File to write the rows to, JSON
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["shard", "one"])]
    export: Option<PathBuf>,
    /// File to write the chart to, accuracy against instructions, bytes and RAM, SVG
    #[arg(long, value_name = "FILE.svg", conflicts_with_all = ["shard", "one"])]
    chart: Option<PathBuf>,
    #[command(flatten)]
    png: PngArguments,
    /// Page to write the table to, between the lines that mark its position, Markdown
    #[arg(long, value_name = "FILE.md", conflicts_with_all = ["shard", "one"])]
    table: Option<PathBuf>,
}

/// The export of --reduced, marked so that nobody mistakes it for the full one.
#[derive(Serialize)]
struct ReducedExport<'a> {
    reduced: bool,
    rows: &'a [FrontierRow],
}

impl FrontierArguments {
    pub fn run(self) -> Result<()> {
        if let Some(path) = &self.rows {
            self.check_extensions()?;
            self.check_outputs()?;
            let rows = read_rows(path)?;
            self.draw(&rows, true)?;
            return self.sweep.output.print(&rows, || sweep::markdown(&rows));
        }
        let list = self.list()?;
        let networks = &list.networks;
        if self.sweep.list {
            return self.sweep.print_names(networks, &list.cascades);
        }
        self.check_teacher(networks)?;
        self.check_extensions()?;
        let Some(backend) = self.sweep.backend.choose(self.sweep.output)? else { return Ok(()) };
        // Before training: nothing is trained for files that cannot be written.
        self.check_outputs()?;
        let measured = self.measured.as_deref().map(Measured::read).transpose()?.unwrap_or_default();
        let earlier = self.earlier.as_deref().map(read_rows).transpose()?.unwrap_or_default();
        let folder = if self.reduced { self.runs.join(REDUCED_FOLDER) } else { self.runs.clone() };
        let data = self.sweep.data.load()?;
        let (soft_labels, teacher) =
            self.teacher.as_ref().map(|path| SoftLabels::read_all(path, &data)).transpose()?.unzip();
        let soft_labels = soft_labels.zip(self.teacher.clone());
        let seeds = self.seeds.unwrap_or(if self.reduced { 1 } else { 3 });
        let units = sweep::choose(networks, seeds, self.sweep.shard);
        let mut place = Place { folder, tag: String::new(), backend, teacher };
        if place.teacher.is_none() && self.draw_only && !self.reduced {
            place.teacher = place.recorded_teacher(&units);
        }
        let overwrite = self.sweep.overwrite;
        let trainer = SweepTrainer { place, data, soft_labels, overwrite, folder_option: "--runs" };
        let mut runs_trained = 0;
        if !self.draw_only {
            files::create_folder(&trainer.place.folder)?;
            trainer.check_cascades(&list.cascades, &units)?;
            runs_trained = trainer.train(&units, |_, _| ())?;
            trainer.make_cascades(&list.cascades, &units)?;
        }
        let report = FrontierOutput::new(&trainer, &list, &units, &measured, &earlier, self.reduced, runs_trained);
        self.write(&report, trainer.data.is_fashion_mnist)?;
        self.sweep.output.print(&report, || report.text())
    }

    /// Returns the selected networks, and the cascades of them. A cascade is made by the call that
    /// has all its networks, and not by one job of several.
    fn list(&self) -> Result<List> {
        let builtin = if self.reduced { REDUCED } else { FRONTIER };
        let List { networks, mut cascades } = sweep::read(self.sweep.networks.as_deref(), builtin)?;
        let networks = select(networks, "--one", self.sweep.one.as_slice())?;
        let networks = select(networks, "--only", &self.only)?;
        cascades.retain(|cascade| self.sweep.shard.is_none() && cascade.members(&networks).is_some());
        Ok(List { networks, cascades })
    }

    /// Checks that there is a teacher for the networks that learn from one.
    fn check_teacher(&self, networks: &[ListedNetwork]) -> Result<(), UsageError> {
        let taught = networks.iter().find(|network| network.is_taught());
        match taught.filter(|_| self.teacher.is_none() && !self.reduced && !self.draw_only) {
            Some(network) => Err(UsageError(format!(
                "{} learns from a teacher; write its answers with `host-trainer teach --export FILE`, then add \
                 --teacher FILE",
                network.name
            ))),
            None => Ok(()),
        }
    }

    fn check_extensions(&self) -> Result<(), UsageError> {
        for (option, path, extension) in
            [("--export", &self.export, "json"), ("--chart", &self.chart, "svg"), ("--table", &self.table, "md")]
        {
            path.as_ref().map_or(Ok(()), |path| check_extension(option, path, extension))?;
        }
        Ok(())
    }

    /// Checks that the outputs replace no input, and can be written.
    fn check_outputs(&self) -> Result<()> {
        let inputs = [&self.teacher, &self.measured, &self.rows];
        for (option, path) in [("--export", &self.export), ("--chart", &self.chart), ("--table", &self.table)] {
            let Some(path) = path else { continue };
            check_output(option, path, inputs.into_iter().flatten())?;
            files::check_writable(path)?;
        }
        // Before training: there must be a font.
        self.png.rasterizer()?;
        // The page must have a place for the table.
        self.table.as_deref().map_or(Ok(()), |path| Ok(Page::read(path, PAGE_WRITER).map(drop)?))
    }

    /// Writes the rows, the chart and the table of `report`.
    fn write(&self, report: &FrontierOutput, is_fashion_mnist: bool) -> Result<()> {
        if let Some(path) = &self.export {
            let rows = &report.rows;
            let bytes = if self.reduced { json(&ReducedExport { reduced: true, rows })? } else { json(rows)? };
            files::write(path, &bytes)?;
        }
        self.draw(&report.rows, is_fashion_mnist)
    }

    /// Writes the chart and the table of `rows`.
    fn draw(&self, rows: &[FrontierRow], is_fashion_mnist: bool) -> Result<()> {
        if let Some(path) = &self.chart {
            let points: Vec<_> = rows.iter().filter_map(point).collect();
            // Other projects' figures are for Fashion-MNIST.
            let (rivals, source) = if is_fashion_mnist { (&RIVALS[..], &SOURCE[..]) } else { (&[][..], &[][..]) };
            let foot = [if self.reduced { &[REDUCED_WARNING][..] } else { &[] }, source].concat();
            files::write(path, plot::frontier(&points, rivals, &foot).as_bytes())?;
            self.png.rasterizer()?.map_or(Ok(()), |rasterizer| png::write(&rasterizer, [&**path]))?;
        }
        if let Some(path) = &self.table {
            let reduced = if self.reduced { format!("\n{REDUCED_WARNING}\n") } else { String::new() };
            let page = Page::read(path, PAGE_WRITER)?;
            files::write(path, page.with(&(sweep::markdown(rows) + &reduced)).as_bytes())?;
        }
        Ok(())
    }
}

/// Reads the rows that --export has written to the file at `path`.
fn read_rows(path: &Path) -> Result<Vec<FrontierRow>> {
    let bytes = bounded::read(path, MAX_RECORD_BYTES).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| {
        format!("{} is not a list of rows; `host-trainer frontier --export` writes one", path.display())
    })
}
