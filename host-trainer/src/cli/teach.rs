use std::iter;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use host_support::numbers::whole;
use serde::Serialize;

use super::backend::BackendArguments;
use super::number::learning_rate;
use super::train::{check_held_out, hold_out};
use super::{DataArguments, OutputArguments, check_output, line};
use crate::data::{Dataset, HeldOut, ValidationOrder};
use crate::network::backend::Backend;
use crate::support::{files, interrupt, progress};
use crate::text::{Shown, percent};
use crate::train::teacher::{TaughtEpoch, TeachConfig, Teacher};

/// Defaults of the settings. The default file is named by all that differ.
const CHANNELS: u16 = 32;
const EPOCHS: u32 = 14;
const BATCH_SIZE: u32 = 256;
const LEARNING_RATE: f64 = 0.15;
const VALIDATION: usize = 10_000;
const SEED: u64 = 1;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer teach --export teacher.safetensors
  host-trainer train --recipe best --teacher teacher.safetensors")]
pub struct TeachArguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    backend: BackendArguments,
    /// Channels of the first convolution, 1..=256; the later ones have two and four times this
    /// number
    #[arg(long, value_name = "N", default_value_t = CHANNELS, value_parser = whole::<u16>(1..=256))]
    channels: u16,
    /// Passes over the training images, 1..=1000
    #[arg(long, value_name = "N", default_value_t = EPOCHS, value_parser = whole::<u32>(1..=1000))]
    epochs: u32,
    /// Images per step of the optimizer, 1..=65536
    #[arg(long, value_name = "N", default_value_t = BATCH_SIZE, value_parser = whole::<u32>(1..=65_536))]
    batch_size: u32,
    /// Largest learning rate of gradient descent with momentum, above 0 and at most 1
    #[arg(long, value_name = "RATE", default_value_t = LEARNING_RATE, value_parser = learning_rate,
        allow_negative_numbers = true)]
    learning_rate: f64,
    /// Seed of every random choice, 0..=18446744073709551615
    #[arg(long, value_name = "N", default_value_t = SEED, value_parser = whole::<u64>(0..))]
    seed: u64,
    /// Number of training images that the teacher does not learn from
    #[arg(long, value_name = "N", default_value_t = VALIDATION, value_parser = whole::<usize>(0..))]
    validation: usize,
    /// Training images that --validation holds out
    #[arg(long, value_enum, default_value_t = ValidationOrder::Class)]
    validation_order: ValidationOrder,
    /// Safetensors file to write the answers to [default: teacher.safetensors; named by the
    /// settings that are not the defaults, if there are any]
    ///
    /// Interrupted once (Ctrl-C), training ends after the current batch, and the answers of the
    /// unfinished teacher are written to a file with -interrupted in its name. Interrupted again,
    /// it ends at once.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct TeachOutput {
    teacher: Shown<PathBuf>,
    validation_accuracy: Option<f64>,
    test_accuracy: f64,
    seconds: f64,
}

impl TeachArguments {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        let Some(backend) = self.backend.choose(self.output)? else { return Ok(()) };
        self.export.as_deref().map_or(Ok(()), files::check_writable)?;
        let mut data = self.data.load()?;
        let export = self.export.clone().unwrap_or_else(|| self.default_export(backend, &data));
        check_output("--export", &export, data.files())?;
        [&export, &interrupted(&export)].into_iter().try_for_each(|path| files::check_writable(path))?;
        let held_out = HeldOut { count: self.validation, order: self.validation_order, seed: self.seed };
        check_held_out("--validation", held_out, &data.train)?;
        let validation = hold_out(&mut data, held_out);
        let config = TeachConfig {
            backend,
            channels: self.channels,
            epochs: self.epochs,
            batch_size: self.batch_size as usize,
            learning_rate: self.learning_rate,
            seed: self.seed,
        };
        let _deferred = interrupt::defer();
        let teacher = Teacher::train(&config, &data, |epoch| self.log_epoch(epoch))?;
        let labels = teacher.soft_labels(&data, validation.as_ref())?;
        let export = if teacher.is_interrupted { interrupted(&export) } else { export };
        files::write(&export, &labels.encode().context("cannot encode the teacher's answers")?)?;
        let report = TeachOutput {
            teacher: Shown(export),
            validation_accuracy: labels.description.held_out_accuracy,
            test_accuracy: labels.description.test_accuracy,
            seconds: start.elapsed().as_secs_f64(),
        };
        self.output.print(&report, || report.text())
    }

    /// Returns the default file. Its name has every setting that is not the default.
    fn default_export(&self, backend: Backend, data: &Dataset) -> PathBuf {
        let settings = [
            (self.channels != CHANNELS).then(|| format!("channels-{}", self.channels)),
            (self.epochs != EPOCHS).then(|| format!("epochs-{}", self.epochs)),
            (self.batch_size != BATCH_SIZE).then(|| format!("batch-size-{}", self.batch_size)),
            (self.learning_rate != LEARNING_RATE).then(|| format!("learning-rate-{}", self.learning_rate)),
            (self.validation != VALIDATION).then(|| format!("validation-{}", self.validation)),
            (self.validation_order != ValidationOrder::Class).then(|| "validation-order-last".to_owned()),
            data.unusual_hash().map(|hash| format!("data-{}", hash.get(..8).unwrap_or_default())),
            (backend != Backend::Flex).then(|| backend.name().to_owned()),
            (self.seed != SEED).then(|| format!("seed-{}", self.seed)),
        ];
        let settings: String = settings.into_iter().flatten().map(|setting| format!("-{setting}")).collect();
        format!("teacher{settings}.safetensors").into()
    }

    fn log_epoch(&self, epoch: &TaughtEpoch) {
        let TaughtEpoch { epoch, loss, accuracy, seconds } = epoch;
        // Computing the answers takes about as long as 3.5 epochs.
        let minutes = (f64::from(self.epochs - epoch) + 3.5) * seconds / 60.0;
        progress::log(format_args!(
            "epoch {epoch}/{}: loss {loss:.4}, accuracy {}; {seconds:.0} s; {minutes:.0} minutes left",
            self.epochs,
            percent(*accuracy)
        ));
    }
}

/// Returns a new file for the answers of an unfinished teacher, which must not be mistaken for a
/// finished one's.
fn interrupted(export: &Path) -> PathBuf {
    let stem = export.file_stem().unwrap_or_default().display();
    let first = export.with_file_name(format!("{stem}-interrupted.safetensors"));
    let next = |number| export.with_file_name(format!("{stem}-interrupted-{number}.safetensors"));
    iter::once(first.clone()).chain((2..=u32::MAX).map(next)).find(|path| !path.exists()).unwrap_or(first)
}

impl TeachOutput {
    fn text(&self) -> String {
        let validation = self.validation_accuracy.map(|accuracy| line("held out", percent(accuracy)));
        [
            validation.unwrap_or_default(),
            line("test", percent(self.test_accuracy)),
            line("answers", &self.teacher),
            line("time", format_args!("{:.0} s", self.seconds)),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_unfinished_teacher_replaces_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let export = folder.path().join("teacher.safetensors");
        for expected in ["teacher-interrupted", "teacher-interrupted-2", "teacher-interrupted-3"] {
            let path = interrupted(&export);
            assert_eq!(path, folder.path().join(format!("{expected}.safetensors")));
            fs::write(&path, "").unwrap();
        }
    }
}
