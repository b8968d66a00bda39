use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use host_support::numbers::whole;
use host_support::table::Folded;
use serde::{Deserialize, Serialize};

use super::messages::log_epoch;
use super::png::{self, PngArguments};
use super::sweep::{SweepArguments, SweepTrainer, select};
use crate::network::backend::Backend;
use crate::plot::{self, ComparedNetwork};
use crate::run::{MAX_RECORD_BYTES, json};
use crate::support::{bounded, files, progress};
use crate::sweep::{self, Figure, Found, LECTURE, LectureFigures, ListedNetwork, Place, Runs};
use crate::text::{Shown, points};

#[derive(Debug, Args)]
pub struct CompareArguments {
    #[command(flatten)]
    sweep: SweepArguments,
    /// Train each network with the seeds 1 to N, and print mean and standard deviation, 1..=100
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(1..=100))]
    seeds: u64,
    /// Folder for the runs, one folder each, and for compare.json and compare.svg; finished runs
    /// are kept
    ///
    /// Without --overwrite, a comparison of fewer seeds or of other networks does not replace the
    /// two files.
    ///
    /// With --one or --shard, compare.json and compare.svg are not written; a last call without
    /// them writes both.
    #[arg(long, value_name = "DIR", default_value = "runs/compare")]
    run: PathBuf,
    #[command(flatten)]
    png: PngArguments,
}

#[derive(Serialize)]
struct CompareOutput<'a> {
    folder: Shown<&'a Path>,
    backend: Backend,
    seeds: u64,
    runs_kept: usize,
    networks: Vec<NetworkResult>,
}

/// The part of a record that says what was compared.
#[derive(Deserialize)]
struct Recorded {
    backend: Backend,
    seeds: u64,
    networks: Vec<RecordedNetwork>,
}

#[derive(Deserialize)]
struct RecordedNetwork {
    name: String,
}

#[derive(Serialize)]
struct NetworkResult {
    name: String,
    epochs: Figure,
    running_train_accuracy: Figure,
    train_accuracy_float: Figure,
    test_accuracy_float: Figure,
    test_accuracy_fixed: Figure,
    generalization_gap: Figure,
    train_seconds: Figure,
    parameters: usize,
    model_bytes: Figure,
    lecture: Option<LectureFigures>,
    runs: Vec<Found>,
}

impl CompareArguments {
    pub fn run(self) -> Result<()> {
        let networks =
            select(sweep::read(self.sweep.networks.as_deref(), LECTURE)?.networks, "--one", self.sweep.one.as_slice())?;
        if self.sweep.list {
            return self.sweep.print_names(&networks, &[]);
        }
        if let Some(network) = networks.iter().find(|network| network.is_taught()) {
            bail!("network {} learns from a teacher; train it with `host-trainer frontier --teacher`", network.name);
        }
        // The table shows the networks themselves.
        let networks: Vec<ListedNetwork> = networks.into_iter().map(ListedNetwork::without_rows).collect();
        let Some(backend) = self.sweep.backend.choose(self.sweep.output)? else { return Ok(()) };
        let rasterizer = self.png.rasterizer()?;
        let data = self.sweep.data.load()?;
        files::create_folder(&self.run)?;
        let (json_path, plot_path) = (self.run.join("compare.json"), self.run.join("compare.svg"));
        [&json_path, &plot_path].into_iter().try_for_each(|path| files::check_writable(path))?;

        let place = Place { folder: self.run.clone(), tag: format!("-{}", backend.name()), backend, teacher: None };
        let overwrite = self.sweep.overwrite;
        let trainer = SweepTrainer { place, data, soft_labels: None, overwrite, folder_option: "--run" };
        let units = sweep::choose(&networks, self.seeds, self.sweep.shard);
        let trained = trainer.train(&units, log_epoch)?;
        let runs = trainer.find(&units);
        let found: Vec<&Found> = runs.iter().filter_map(|runs| runs.base.as_ref()).collect();
        let networks: Vec<NetworkResult> = networks
            .iter()
            .filter_map(|network| NetworkResult::new(network, &runs, trainer.data.is_fashion_mnist))
            .collect();
        let runs_kept = found.len().saturating_sub(trained);
        let report = CompareOutput { folder: Shown(&self.run), backend, seeds: self.seeds, runs_kept, networks };
        // One job of several has only some of the results.
        let is_whole = self.sweep.one.is_none()
            && self.sweep.shard.is_none()
            && runs.iter().all(|runs| runs.missing().next().is_none());
        let kept = if overwrite { None } else { report.kept(&json_path) };
        if let Some(kept) = kept.filter(|_| is_whole) {
            progress::log(format_args!(
                "warning: {} and {} show {kept} and are not replaced; add --overwrite, or name another folder with \
                 --run",
                json_path.display(),
                plot_path.display()
            ));
        } else if is_whole {
            let plot = plot::comparison(&report.networks.iter().map(NetworkResult::bars).collect::<Vec<_>>());
            files::write_all(&[(&json_path, &json(&report)?), (&plot_path, plot.as_bytes())])?;
            rasterizer.map_or(Ok(()), |rasterizer| png::write(&rasterizer, [&*plot_path]))?;
        }
        self.sweep.output.print(&report, || report.text())
    }
}

impl NetworkResult {
    /// Returns the comparison of `network`, or `None` if `runs` has no run of it.
    fn new(network: &ListedNetwork, runs: &[Runs<'_>], is_fashion_mnist: bool) -> Option<Self> {
        let runs = runs.iter().filter(|runs| runs.unit.network.name == network.name);
        let runs: Vec<Found> = runs.filter_map(|runs| runs.base.clone()).collect();
        let first = runs.first()?;
        let figure = |value: fn(&Found) -> f64| Figure::of(runs.iter().map(value));
        Some(Self {
            name: network.title().to_owned(),
            epochs: figure(|run| run.outcome.epochs.into()),
            running_train_accuracy: figure(|run| run.running_train_accuracy.unwrap_or_default()),
            train_accuracy_float: figure(|run| run.outcome.train_accuracy_float),
            test_accuracy_float: figure(|run| run.outcome.test_accuracy_float),
            test_accuracy_fixed: figure(|run| run.outcome.test_accuracy_fixed),
            generalization_gap: figure(|run| run.outcome.gap()),
            train_seconds: figure(|run| run.outcome.train_seconds),
            parameters: first.outcome.parameters,
            model_bytes: figure(|run| run.outcome.model_bytes as f64),
            lecture: network.lecture.filter(|_| is_fashion_mnist),
            runs,
        })
    }

    /// Returns the network's marks in the chart. Its training accuracy is the one that the lecture
    /// reports.
    fn bars(&self) -> ComparedNetwork {
        ComparedNetwork {
            name: self.name.clone(),
            train_accuracy: self.running_train_accuracy.mean,
            test_accuracy: self.test_accuracy_float.mean,
            test_spread: self.test_accuracy_float.standard_deviation,
            lecture_train: self.lecture.map(|lecture| lecture.train_accuracy),
            lecture_test: self.lecture.map(|lecture| lecture.test_accuracy),
        }
    }

    /// Returns the network's row of the table.
    fn row(&self) -> [String; 8] {
        [
            self.name.clone(),
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

/// Returns the row of the lecture's figures, which follows ours.
fn lecture_row(lecture: &LectureFigures) -> [String; 4] {
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    [
        "  in the lecture".to_owned(),
        lecture.epochs.to_string(),
        percent(lecture.train_accuracy),
        percent(lecture.test_accuracy),
    ]
}

impl CompareOutput<'_> {
    /// Describes the comparison in the record at `path` if this one does not contain it: then the
    /// record is kept.
    fn kept(&self, path: &Path) -> Option<String> {
        if !path.exists() {
            return None;
        }
        let text = bounded::read(path, MAX_RECORD_BYTES).ok();
        let Some(old) = text.and_then(|text| serde_json::from_slice::<Recorded>(&text).ok()) else {
            return Some("something else".to_owned());
        };
        let is_here = |network: &RecordedNetwork| self.networks.iter().any(|other| other.name == network.name);
        let is_contained = old.backend == self.backend && old.seeds <= self.seeds && old.networks.iter().all(is_here);
        let Recorded { backend, seeds, networks } = old;
        let networks = networks.len();
        (!is_contained).then(|| format!("{networks} networks with seeds 1..={seeds} on {}", backend.name()))
    }

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
        let mut table = Folded::new(header, 1);
        for network in &self.networks {
            table.add_row(network.row());
            if let Some(lecture) = &network.lecture {
                table.add_row(lecture_row(lecture));
            }
        }
        let widest = self.networks.iter().map(|network| network.generalization_gap.mean).reduce(f64::max);
        let widest = widest.map_or_else(|| "unknown".to_owned(), points);
        let seeds = match self.seeds {
            1 => "One seed each: differences below a point may be chance; --seeds 3 shows how far seeds differ."
                .to_owned(),
            seeds => format!("Mean and standard deviation of {seeds} seeds."),
        };
        format!(
            "{table}\nTraining accuracy is measured while training, in the last epoch, as Keras prints it. {seeds}\n\
             The widest generalization gap (training accuracy after training, minus test accuracy) is {}.\n\
             Runs, compare.json and compare.svg are in {}.\n",
            widest, self.folder
        )
    }
}

/// Returns a figure times `factor` with `digits` after the point, and its spread if there is one.
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
    use crate::run::RunFolder;

    #[test]
    fn the_lectures_figures_follow_ours() {
        let networks = sweep::read(None, LECTURE).unwrap().networks;
        let outcome = serde_json::json!({
            "model_id": "00000000", "model_bytes": 1024, "parameters": 1, "epochs": 8, "kept_epoch": 8,
            "stop": "epochs", "train_accuracy_float": 0.9, "test_accuracy_float": 0.8, "test_accuracy_fixed": 0.8,
            "predictions_changed": 0, "train_seconds": 1.0
        });
        let run = Found {
            seed: 1,
            running_train_accuracy: Some(0.91),
            folder: RunFolder::at(PathBuf::new()),
            outcome: serde_json::from_value(outcome).unwrap(),
        };
        let all: Vec<Runs<'_>> = sweep::choose(&networks, 1, None)
            .into_iter()
            .map(|unit| {
                let config = unit.network.config(Backend::Flex, 1, None);
                Runs { unit, config, base: Some(run.clone()), derived: Vec::new() }
            })
            .collect();
        let networks = networks.iter().filter_map(|network| NetworkResult::new(network, &all, true)).collect();
        let report = CompareOutput {
            folder: Shown(Path::new("runs")),
            backend: Backend::Flex,
            seeds: 1,
            runs_kept: 0,
            networks,
        };
        assert_keys(&report);
        let text = report.text();
        let cells = |line: &str| line.split(['\u{2502}', '\u{2506}']).map(|cell| cell.trim().to_owned()).collect();
        let rows: Vec<Vec<String>> = text.lines().map(cells).collect();
        let ours = rows.iter().position(|row| row.iter().any(|cell| cell == "128, stop above 90 %")).unwrap();
        assert_eq!(rows[ours][1..5], ["128, stop above 90 %", "8", "91.00", "80.00"]);
        assert_eq!(rows[ours + 1][1..5], ["in the lecture", "6", "90.21", "88.30"]);
        // The lecture reports no figures for one of them.
        assert_eq!(text.matches("in the lecture").count(), 4);
    }

    /// Checks the keys that programs read.
    fn assert_keys(report: &CompareOutput<'_>) {
        let report = serde_json::to_value(report).unwrap();
        let keys = |value: &serde_json::Value| {
            let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys.join(" ")
        };
        assert_eq!(keys(&report), "backend folder networks runs_kept seeds");
        assert_eq!(
            keys(&report["networks"][0]),
            "epochs generalization_gap lecture model_bytes name parameters running_train_accuracy runs \
             test_accuracy_fixed test_accuracy_float train_accuracy_float train_seconds"
        );
        assert_eq!(
            keys(&report["networks"][0]["runs"][0]),
            "epochs kept_epoch model_bytes model_id parameters predictions_changed running_train_accuracy seed stop \
             test_accuracy_fixed test_accuracy_float train_accuracy_float train_seconds"
        );
    }
}
