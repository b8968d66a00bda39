//! `host-trainer compare`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::backend::BackendArguments;
use super::messages::{log_epoch, warn_of_loss};
use super::table::table;
use super::{DataArguments, OutputArguments};
use crate::compare::{Figure, Lecture, Run, VARIANTS, Variant};
use crate::data::Dataset;
use crate::network::backend::Backend;
use crate::plot::{self, ComparedNetwork};
use crate::run::pipeline::{self, Sources};
use crate::run::{RunFolder, json};
use crate::support::{files, progress};
use crate::text::{Shown, points};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    backend: BackendArguments,
    /// Train each network with the seeds 1 to N, and print mean and standard deviation, 1..=100
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Folder for the runs, one folder each, and for compare.json and compare.svg; runs that it has already are kept
    #[arg(long, value_name = "DIR", default_value = "runs/compare")]
    run: PathBuf,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct Report<'a> {
    folder: Shown<&'a Path>,
    backend: Backend,
    seeds: u64,
    runs_kept: usize,
    networks: Vec<Network>,
}

#[derive(Serialize)]
struct Network {
    name: &'static str,
    epochs: Figure,
    running_train_accuracy: Figure,
    train_accuracy_float: Figure,
    test_accuracy_float: Figure,
    test_accuracy_fixed: Figure,
    generalization_gap: Figure,
    train_seconds: Figure,
    parameters: usize,
    model_bytes: Figure,
    lecture: Option<Lecture>,
    runs: Vec<Run>,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let Some(backend) = self.backend.choose(self.output)? else { return Ok(()) };
        let data = self.data.load()?;
        files::create_folder(&self.run)?;
        let (json_path, plot_path) = (self.run.join("compare.json"), self.run.join("compare.svg"));
        [&json_path, &plot_path].into_iter().try_for_each(|path| files::check_writable(path))?;

        let all = VARIANTS.len() as u64 * self.seeds;
        let (mut number, mut kept) = (0, 0);
        let mut networks = Vec::new();
        for variant in VARIANTS {
            let mut runs = Vec::new();
            for seed in 1..=self.seeds {
                number += 1;
                progress::say(format_args!("run {number} of {all}: {}, seed {seed}", variant.name));
                let (run, is_kept) = self.run_or_keep(&variant, backend, seed, &data)?;
                kept += usize::from(is_kept);
                runs.push(run);
            }
            networks.push(Network::of(&variant, runs, data.is_fashion_mnist));
        }
        let report = Report { folder: Shown(&self.run), backend, seeds: self.seeds, runs_kept: kept, networks };
        let plot = plot::comparison(&report.networks.iter().map(Network::bars).collect::<Vec<_>>())?;
        files::write_all(&[(&json_path, &json(&report)?), (&plot_path, plot.as_bytes())])?;
        self.output.print(&report, || report.text())
    }

    /// Trains `variant`, unless it has been trained in just this way; returns whether it had.
    fn run_or_keep(&self, variant: &Variant, backend: Backend, seed: u64, data: &Dataset) -> Result<(Run, bool)> {
        let config = variant.config(backend, seed);
        let path = self.run.join(format!("{}-{}-seed-{seed}", variant.slug, backend.name()));
        if let Some(run) = Run::recorded(&RunFolder::at(path.clone()), &config, data) {
            progress::say(format_args!("kept as it is in {}", path.display()));
            return Ok((run, true));
        }
        let folder = RunFolder::create(path)?;
        let outcome =
            pipeline::run(&config, Sources::of(data), &folder, None, |epoch| log_epoch(epoch, config.epochs))?;
        warn_of_loss(&outcome);
        Ok((Run::read(&folder, seed)?, false))
    }
}

impl Network {
    fn of(variant: &Variant, runs: Vec<Run>, is_the_lectures_data: bool) -> Self {
        let figure = |value: fn(&Run) -> f64| Figure::of(runs.iter().map(value));
        Self {
            name: variant.name,
            epochs: figure(|run| run.outcome.epochs.into()),
            running_train_accuracy: figure(|run| run.running_train_accuracy),
            train_accuracy_float: figure(|run| run.outcome.train_accuracy_float),
            test_accuracy_float: figure(|run| run.outcome.test_accuracy_float),
            test_accuracy_fixed: figure(|run| run.outcome.test_accuracy_fixed),
            generalization_gap: figure(|run| run.outcome.gap()),
            train_seconds: figure(|run| run.outcome.train_seconds),
            parameters: runs.first().map_or(0, |run| run.outcome.parameters),
            model_bytes: figure(|run| run.outcome.model_bytes as f64),
            lecture: variant.lecture.filter(|_| is_the_lectures_data),
            runs,
        }
    }

    /// What the picture shows of it: training accuracy is the one that the lecture reports.
    fn bars(&self) -> ComparedNetwork {
        ComparedNetwork {
            name: self.name.to_owned(),
            train_accuracy: self.running_train_accuracy.mean,
            test_accuracy: self.test_accuracy_float.mean,
            test_spread: self.test_accuracy_float.standard_deviation,
            lecture_train: self.lecture.map(|lecture| lecture.train_accuracy),
            lecture_test: self.lecture.map(|lecture| lecture.test_accuracy),
        }
    }

    /// Its row of the table.
    fn row(&self) -> [String; 8] {
        [
            self.name.to_owned(),
            spread(&self.epochs, 1.0, 0),
            spread(&self.running_train_accuracy, 100.0, 2),
            spread(&self.test_accuracy_float, 100.0, 2),
            spread(&self.test_accuracy_fixed, 100.0, 2),
            spread(&self.train_seconds, 1.0, 1),
            self.parameters.to_string(),
            format!("{:.1}", self.model_bytes.mean / 1024.0),
        ]
    }
}

/// The row of the lecture's figures, below those of ours.
fn lecture_row(lecture: &Lecture) -> [String; 4] {
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    [
        "  in the lecture".to_owned(),
        lecture.epochs.to_string(),
        percent(lecture.train_accuracy),
        percent(lecture.test_accuracy),
    ]
}

impl Report<'_> {
    fn text(&self) -> String {
        let header = [
            "hidden neurons",
            "epochs",
            "training, %",
            "test, %",
            "fixed point, %",
            "seconds",
            "parameters",
            "model.bin, KiB",
        ];
        let mut table = table(header.map(str::to_owned), 1);
        for network in &self.networks {
            table.add_row(network.row());
            if let Some(lecture) = &network.lecture {
                table.add_row(lecture_row(lecture));
            }
        }
        let widest = self.networks.iter().map(|network| network.generalization_gap.mean).fold(f64::MIN, f64::max);
        let seeds = match self.seeds {
            1 => "One seed each: differences below a point may be chance; --seeds 3 shows how far seeds differ."
                .to_owned(),
            seeds => format!("Mean and standard deviation of {seeds} seeds."),
        };
        format!(
            "{table}\nTraining accuracy is measured while training, in the last epoch, as Keras prints it. {seeds}\n\
             The widest generalization gap, training accuracy after training less test accuracy, is {}.\n\
             Runs, compare.json and compare.svg are in {}.\n",
            points(widest),
            self.folder
        )
    }
}

/// A figure times `factor` with `digits` after the point, and its spread where there is one.
fn spread(figure: &Figure, factor: f64, digits: usize) -> String {
    let mean = format!("{:.digits$}", factor * figure.mean);
    match figure.standard_deviation {
        Some(deviation) => format!("{mean} \u{b1} {:.1$}", factor * deviation, digits.max(1)),
        None => mean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lectures_figures_stand_below_ours() {
        let outcome = serde_json::json!({
            "model_id": "00000000", "model_bytes": 1024, "parameters": 1, "epochs": 8, "kept_epoch": 8, "stop": "epochs",
            "train_accuracy_float": 0.9, "test_accuracy_float": 0.8, "test_accuracy_fixed": 0.8,
            "predictions_changed": 0, "train_seconds": 1.0
        });
        let run = Run { seed: 1, running_train_accuracy: 0.91, outcome: serde_json::from_value(outcome).unwrap() };
        let networks = VARIANTS.iter().map(|variant| Network::of(variant, vec![run.clone()], true)).collect();
        let report =
            Report { folder: Shown(Path::new("runs")), backend: Backend::Flex, seeds: 1, runs_kept: 0, networks };
        let text = report.text();
        let cells = |line: &str| line.split(['\u{2502}', '\u{2506}']).map(|cell| cell.trim().to_owned()).collect();
        let rows: Vec<Vec<String>> = text.lines().map(cells).collect();
        let ours = rows.iter().position(|row| row.iter().any(|cell| cell == "128, stop above 90 %")).unwrap();
        assert_eq!(rows[ours][1..5], ["128, stop above 90 %", "8", "91.00", "80.00"]);
        assert_eq!(rows[ours + 1][1..5], ["in the lecture", "6", "90.21", "88.30"]);
        // It has no figures for one of them.
        assert_eq!(text.matches("in the lecture").count(), 4);
    }
}
