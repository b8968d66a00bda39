use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use host_support::errors;
use host_support::numbers::whole;
use host_support::shell::quoted;
use host_support::table::Folded;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use serde::Serialize;

use super::backend::BackendArguments;
use super::sweep::SweepTrainer;
use super::train::{check_held_out, hold_out};
use super::{DataArguments, OutputArguments, UsageError, line};
use crate::data::{Dataset, HeldOut, SoftLabels, Split, ValidationOrder};
use crate::limits::MAX_MODEL_BYTES;
use crate::model::evaluate::evaluate;
use crate::network::backend::Backend;
use crate::run::pipeline::PipelineError;
use crate::run::{RunFile, model_file};
use crate::search::{Budgets, Candidate, Drawing, Price, Training, rounds};
use crate::support::{files, interrupt, progress};
use crate::sweep::{self, Found, List, Place, Unit};
use crate::text::{Shown, count, percent};
use crate::train::TrainError;

/// Training images of the short training that predicts a price.
const SHORT_TRAINING: usize = 1024;

/// Held-out images for which instructions are estimated.
const PRICED: usize = 256;

/// Limit of a predicted instruction count, as a multiple of the budget: training changes the number
/// of zeros.
const ADMITTED: f64 = 1.25;

/// One of this many candidates is dense; the others are convolutional.
const DENSE_EVERY: usize = 4;

/// Interval between two checks for a run of another process.
const INTERVAL: Duration = Duration::from_secs(2);

/// Checks after which a run that is still missing is tried again.
const CHECKS: usize = 15;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer search --budget-bytes 8192 --teacher teacher.safetensors
  host-trainer search --budget-bytes 16384 --budget-instructions 100000 --candidates 81")]
pub struct SearchArguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    backend: BackendArguments,
    /// Largest model, in bytes
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=MAX_MODEL_BYTES as usize), required_unless_present =
        "budget_instructions")]
    budget_bytes: Option<usize>,
    /// Largest mean instruction count of an inference on a Cortex-M4, estimated for held-out images
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..))]
    budget_instructions: Option<u64>,
    /// Number of networks in the first round, 1..=1000
    #[arg(long, value_name = "N", default_value_t = 27, value_parser = whole::<u16>(1..=1000))]
    candidates: u16,
    /// Passes over the training images in the last round, 1..=1000; each earlier round has a third
    /// of the next one's
    #[arg(long, value_name = "N", default_value_t = 54, value_parser = whole::<u32>(1..=1000))]
    epochs: u32,
    /// File of a teacher's answers, written by host-trainer teach --validation-order last
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// Number of training images, the last ones, on which networks are compared
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = whole::<usize>(1..))]
    validation: usize,
    /// Seed of the candidates and of their training, 0..=18446744073709551615
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(0..))]
    seed: u64,
    /// Folder for the runs, one folder each; finished runs are kept, so that the same command
    /// continues
    ///
    /// Several processes with the same command share the work.
    #[arg(long, value_name = "DIR", default_value = "runs/search")]
    runs: PathBuf,
    /// Replace runs with other settings in the folder
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct SearchOutput<'a> {
    folder: Shown<&'a Path>,
    budgets: Budgets,
    rounds: Vec<RoundResult>,
    best: Best,
}

#[derive(Serialize)]
struct RoundResult {
    epochs: u32,
    /// The most accurate one first.
    candidates: Vec<Trained>,
}

/// A candidate after a round.
#[derive(Clone, Serialize)]
struct Trained {
    #[serde(flatten)]
    candidate: Candidate,
    /// Accuracy on held-out images in fixed point, 0..=1.
    validation_accuracy_fixed: f64,
    #[serde(flatten)]
    price: Price,
    is_within_budgets: bool,
    folder: Shown<PathBuf>,
    #[serde(skip)]
    model: Shown<PathBuf>,
    #[serde(skip)]
    test_accuracy: f64,
}

#[derive(Serialize)]
struct Best {
    run: Shown<PathBuf>,
    model: Shown<PathBuf>,
    test_accuracy_fixed: f64,
    /// Options of `host-trainer train` that train the network on all images.
    train: String,
}

impl SearchArguments {
    pub fn run(self) -> Result<()> {
        let Some(backend) = self.backend.choose(self.output)? else { return Ok(()) };
        let data = self.data.load()?;
        let held_out = HeldOut { count: self.validation, order: ValidationOrder::Last, seed: self.seed };
        check_held_out("--validation", held_out, &data.train)?;
        let (soft_labels, teacher) =
            self.teacher.as_ref().map(|path| SoftLabels::read_all(path, &data)).transpose()?.unzip();
        if let (Some(labels), Some(path)) = (&soft_labels, &self.teacher) {
            labels.of_rest(held_out, &data, path)?;
        }
        let mut rest = data.clone();
        let validation = hold_out(&mut rest, held_out).context("no images are held out")?.split;
        let place = Place { folder: self.runs.clone(), tag: String::new(), backend, teacher };
        let trainer = SweepTrainer {
            place,
            data,
            soft_labels: soft_labels.zip(self.teacher.clone()),
            overwrite: self.overwrite,
            folder_option: "--runs",
        };
        files::create_folder(&self.runs)?;

        let mut candidates = self.candidates(rest, &validation, backend)?;
        let mut results = Vec::new();
        for round in rounds(candidates.len(), self.epochs) {
            candidates.truncate(round.candidates);
            let trained = self.train_round(&trainer, &candidates, round.epochs, &validation)?;
            candidates = trained.iter().filter(|one| one.is_within_budgets).map(|one| one.candidate.clone()).collect();
            if candidates.is_empty() && results.is_empty() {
                return Err(self.none_within(&trained).into());
            }
            if candidates.is_empty() {
                progress::log(
                    "no network of this round is within the budgets; the best one of the round before is shown",
                );
                break;
            }
            results.push(RoundResult { epochs: round.epochs, candidates: trained });
        }
        let report = self.report(results, &trainer.data)?;
        self.output.print(&report, || report.text())
    }

    fn budgets(&self) -> Budgets {
        Budgets { bytes: self.budget_bytes, instructions: self.budget_instructions }
    }

    /// Returns random networks for `data` whose predicted price is within the budgets.
    fn candidates(&self, mut data: Dataset, validation: &Split, backend: Backend) -> Result<Vec<Candidate>> {
        let wanted = usize::from(self.candidates);
        let random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        (data.train, data.test) = (data.train.sample(SHORT_TRAINING), validation.sample(PRICED));
        let bar = progress::steps(wanted as u64, "predicting costs");
        let instructions = self.budget_instructions.map(|most| (ADMITTED * most as f64) as u64);
        let admitted = Budgets { instructions, ..self.budgets() };
        let mut candidates = Vec::new();
        let mut drawing = Drawing { data: &data, backend, seed: self.seed, admitted, random, cheapest: None };
        for index in 0..wanted {
            candidates.extend(drawing.draw(index % DENSE_EVERY == 0, &candidates)?);
            bar.set_position(index as u64 + 1);
        }
        bar.finish_and_clear();
        match (candidates.len(), drawing.cheapest) {
            (0, Some((_, Price { bytes, instructions }))) => bail!(UsageError(format!(
                "no network of the search is within the budgets; the nearest one needs at least {} bytes and {} \
                 instructions; raise the budgets",
                count(bytes as u64),
                count(instructions)
            ))),
            (0, None) => bail!("no network of the search can be quantized for this data"),
            (found, _) if found < wanted => {
                progress::log(format_args!("only {found} of {wanted} networks are within the budgets"));
            }
            _ => (),
        }
        Ok(candidates)
    }

    /// Trains those of `candidates` that are not trained yet for `epochs`, and returns all of them,
    /// the best first.
    fn train_round(
        &self,
        trainer: &SweepTrainer,
        candidates: &[Candidate],
        epochs: u32,
        validation: &Split,
    ) -> Result<Vec<Trained>> {
        progress::log(format_args!("round of {} networks, {epochs} epochs each", candidates.len()));
        let list = self.list(candidates, &self.training(epochs, &trainer.data))?;
        let units = list.networks.iter().map(|network| Unit { network, seed: self.seed });
        let mut trained = Vec::new();
        for (unit, candidate) in units.zip(candidates) {
            let name = &unit.network.name;
            match Self::train_unit(trainer, unit) {
                Err(error) if is_of_candidate(&error) => {
                    progress::log(format_args!("{name} is left out: {}", errors::chain(error.as_ref())));
                }
                found => trained.push(self.trained(candidate, &found?, validation)?),
            }
        }
        if trained.is_empty() {
            bail!("no network of this round could be trained");
        }
        // Ties are broken by size, then by order.
        let rank = |one: &Trained| (one.is_within_budgets, one.validation_accuracy_fixed);
        trained.sort_by(|one, other| {
            let (ours, theirs) = (rank(one), rank(other));
            theirs.0.cmp(&ours.0).then(theirs.1.total_cmp(&ours.1)).then(one.price.bytes.cmp(&other.price.bytes))
        });
        Ok(trained)
    }

    /// Trains `unit`, or waits until another process has trained it.
    fn train_unit(trainer: &SweepTrainer, unit: Unit<'_>) -> Result<Found> {
        let found = || {
            let runs = trainer.place.find(unit, &trainer.data);
            unit.network.rows.first().and_then(|row| runs.of(row)).cloned()
        };
        loop {
            if let Some(found) = found() {
                return Ok(found);
            }
            trainer.train(&[unit], |_, _| ())?;
            // Otherwise another process trains it.
            for _ in 0..CHECKS {
                if let Some(found) = found() {
                    return Ok(found);
                }
                if interrupt::code().is_some() {
                    bail!("interrupted; the same command continues");
                }
                thread::sleep(INTERVAL);
            }
        }
    }

    fn training(&self, epochs: u32, data: &Dataset) -> Training {
        Training {
            epochs,
            validation: self.validation,
            is_taught: self.teacher.is_some(),
            is_of_features: !data.features.is_empty(),
        }
    }

    fn list(&self, candidates: &[Candidate], training: &Training) -> Result<List> {
        let items: Vec<_> = candidates.iter().map(|candidate| candidate.listed(training)).collect();
        Ok(sweep::parse(&items.join("\n"), Path::new("search"))?)
    }

    fn trained(&self, candidate: &Candidate, found: &Found, validation: &Split) -> Result<Trained> {
        let path = found.folder.file(RunFile::Model);
        let bytes = model_file::read(&path)?;
        let model = model_file::load(&path, &bytes)?;
        let predictions = evaluate(&model, validation)?.predictions;
        let price = Price::of(&model, &validation.sample(PRICED)).context("no images are held out")?;
        Ok(Trained {
            candidate: candidate.clone(),
            validation_accuracy_fixed: f64::from(validation.count_correct(&predictions)) / validation.len() as f64,
            price,
            is_within_budgets: price.share_of(&self.budgets()) <= 1.0,
            folder: Shown(found.folder.path().to_owned()),
            model: Shown(path),
            test_accuracy: found.outcome.test_accuracy_fixed,
        })
    }

    fn none_within(&self, trained: &[Trained]) -> UsageError {
        let share = |one: &&Trained| one.price.share_of(&self.budgets());
        let nearest = trained.iter().min_by(|one, other| share(one).total_cmp(&share(other)));
        let nearest = nearest.map_or_else(String::new, |one| {
            let Price { bytes, instructions } = one.price;
            format!(
                "; the nearest one has {} bytes and about {} instructions",
                count(bytes as u64),
                count(instructions)
            )
        });
        UsageError(format!("no trained network is within the budgets{nearest}; raise the budgets, or --candidates"))
    }

    fn report(&self, rounds: Vec<RoundResult>, data: &Dataset) -> Result<SearchOutput<'_>> {
        let best = rounds.last().and_then(|round| round.candidates.first()).context("nothing was trained")?;
        let option = |name: &str, path: &Option<PathBuf>| {
            path.as_ref().map(|path| format!(" --{name} {}", quoted(path))).unwrap_or_default()
        };
        let best = Best {
            run: best.folder.clone(),
            model: best.model.clone(),
            test_accuracy_fixed: best.test_accuracy,
            train: format!(
                "{}{}{} --seed {}",
                best.candidate.options(&self.training(self.epochs, data)),
                option("data", &self.data.data),
                option("teacher", &self.teacher),
                self.seed
            ),
        };
        Ok(SearchOutput { folder: Shown(&self.runs), budgets: self.budgets(), rounds, best })
    }
}

/// Returns true if this network cannot be trained or quantized, but others may be.
fn is_of_candidate(error: &anyhow::Error) -> bool {
    use PipelineError::{Export, Kept, Quantize, Train};
    let of_network = |error: &PipelineError| {
        matches!(
            error,
            Train(TrainError::Diverged { .. } | TrainError::Quantize(_)) | Quantize(_) | Export(_) | Kept { .. }
        )
    };
    interrupt::code().is_none() && error.downcast_ref().is_some_and(of_network)
}

impl SearchOutput<'_> {
    fn text(&self) -> String {
        let mut table = Folded::new(["network", "bits", "pruned", "epochs", "held out, %", "bytes", "instructions"], 1);
        for round in self.rounds.iter().rev() {
            for one in round.candidates.iter().filter(|one| one.is_within_budgets) {
                let Trained { candidate, validation_accuracy_fixed, price, .. } = one;
                let pruned = match candidate.sparsity {
                    0.0 => "-".to_owned(),
                    sparsity => sweep::in_percent(sparsity),
                };
                table.add_row([
                    candidate.network.to_string(),
                    candidate.weight_bits.to_string(),
                    pruned,
                    round.epochs.to_string(),
                    format!("{:.2}", 100.0 * validation_accuracy_fixed),
                    count(price.bytes as u64),
                    count(price.instructions),
                ]);
            }
        }
        let Best { model, test_accuracy_fixed, train, .. } = &self.best;
        [
            format!("{table}\nInstructions are estimated for a Cortex-M4.\n"),
            line("best", model),
            line("test, fixed point", percent(*test_accuracy_fixed)),
            format!("\nTrain it on all images:\n  host-trainer train {train}\n"),
        ]
        .concat()
    }
}
