use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use host_support::numbers::whole;
use serde::Serialize;

use super::backend::BackendArguments;
use super::number::learning_rate;
use super::train::{check_held_out, hold_out};
use super::{DataArguments, OutputArguments, check_output, line};
use crate::data::{HeldOut, ValidationOrder};
use crate::support::{files, progress};
use crate::text::{Shown, percent};
use crate::train::teacher::{TaughtEpoch, TeachConfig, Teacher};

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
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = whole::<u32>(1..=256))]
    channels: u32,
    /// Passes over the training images, 1..=1000
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = whole::<u32>(1..=1000))]
    epochs: u32,
    /// Images per step of the optimizer, 1..=65536
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = whole::<u32>(1..=65_536))]
    batch_size: u32,
    /// Largest learning rate of Adam, above 0 and at most 1
    #[arg(long, value_name = "RATE", default_value_t = 2e-3, value_parser = learning_rate,
        allow_negative_numbers = true)]
    learning_rate: f64,
    /// Seed of every random choice, 0..=18446744073709551615
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(0..))]
    seed: u64,
    /// Number of training images that the teacher does not learn from
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = whole::<usize>(0..))]
    validation: usize,
    /// Training images that --validation holds out
    #[arg(long, value_enum, default_value_t = ValidationOrder::Class)]
    validation_order: ValidationOrder,
    /// Safetensors file to write the answers to
    #[arg(long, value_name = "FILE", default_value = "teacher.safetensors")]
    export: PathBuf,
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
        files::check_writable(&self.export)?;
        let mut data = self.data.load()?;
        check_output("--export", &self.export, data.files())?;
        let held_out = HeldOut { count: self.validation, order: self.validation_order, seed: self.seed };
        check_held_out(held_out, &data.train)?;
        let validation = hold_out(&mut data, held_out);
        let config = TeachConfig {
            backend,
            channels: self.channels as usize,
            epochs: self.epochs,
            batch_size: self.batch_size as usize,
            learning_rate: self.learning_rate,
            seed: self.seed,
        };
        let teacher = Teacher::train(&config, &data, |epoch| self.log_epoch(epoch))?;
        let labels = teacher.soft_labels(&data, validation.as_ref())?;
        files::write(&self.export, &labels.encode().context("cannot encode the teacher's answers")?)?;
        let report = TeachOutput {
            teacher: Shown(self.export),
            validation_accuracy: labels.description.held_out_accuracy,
            test_accuracy: labels.description.test_accuracy,
            seconds: start.elapsed().as_secs_f64(),
        };
        self.output.print(&report, || report.text())
    }

    fn log_epoch(&self, epoch: &TaughtEpoch) {
        let TaughtEpoch { epoch, loss, accuracy, seconds } = epoch;
        // Computing the answers takes about as long as 1.5 epochs.
        let minutes = (f64::from(self.epochs - epoch) + 1.5) * seconds / 60.0;
        progress::log(format_args!(
            "epoch {epoch}/{}: loss {loss:.4}, accuracy {}; {seconds:.0} s; {minutes:.0} minutes left",
            self.epochs,
            percent(*accuracy)
        ));
    }
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
