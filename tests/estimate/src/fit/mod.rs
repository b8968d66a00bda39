//! Fits the costs of `tools/cycles/costs.toml` to traces, and measures how far they are off.

mod networks;
mod solve;

use std::collections::BTreeMap;

use anyhow::Context as _;
use boards::owned::{self, OwnedBoard};
use cycles::{BoardCosts, Costs, Counter, Operations};
use parity::program::Inputs;
use prenda::{Model, Record};

use crate::core::CORES;
use crate::inference::{self, Image, Inferences, Settings};
use crate::row::error_percent;

/// Returns the text of `costs.toml`: costs that are fitted to networks with random weights. Their
/// error is the largest for the mean of the `images` first images of each model in `validation`.
///
/// # Errors
///
/// Returns an error if a model cannot be traced, except if it does not fit an emulated board.
pub fn costs(validation: &[Inputs], images: usize, settings: &Settings<'_>) -> anyhow::Result<String> {
    let cores = CORES.iter().filter(|core| core.error_percent.is_some());
    let boards: Vec<_> = cores.map(|core| OwnedBoard::core_alone(core.name)).chain(owned::owned()?).collect();
    let mut by_emulated: BTreeMap<&str, Vec<OwnedBoard>> = BTreeMap::new();
    for board in &boards {
        if let Some(emulated) = board.emulated() {
            by_emulated.entry(emulated).or_default().push(board.clone());
        }
    }
    let networks = networks::networks()?;
    let mut costs = Vec::new();
    for (emulated, boards) in by_emulated {
        eprintln!("fitting {emulated}");
        let traced = Traced { emulated, boards: &boards, settings };
        costs.extend(traced.costs(&networks, validation, images)?);
    }
    // In the order of the table.
    costs.sort_by_key(|(name, _)| boards.iter().position(|board| board.name == *name));
    Ok(Costs::text(&costs))
}

/// Fits the cost of each operation to the counts that `take` returns for `samples`.
fn fit(samples: &[(Operations, Image)], take: impl Fn(&Image) -> u64) -> Vec<f64> {
    let row = |(operations, image): &(Operations, Image)| (operations.counts().to_vec(), take(image) as f64);
    solve::solve(&samples.iter().map(row).collect::<Vec<_>>())
}

/// The boards of one emulated board.
struct Traced<'a> {
    emulated: &'a str,
    boards: &'a [OwnedBoard],
    settings: &'a Settings<'a>,
}

impl Traced<'_> {
    fn costs(
        &self,
        networks: &[Vec<u8>],
        validation: &[Inputs],
        images: usize,
    ) -> anyhow::Result<Vec<(String, BoardCosts)>> {
        let mut samples = Vec::new();
        let (mut flash_bytes, mut ram_bytes) = (0, 0);
        for bytes in networks {
            let model = Model::parse(bytes).context("a network of the fit does not parse")?;
            let images = networks::images(model.input_width());
            let pixels: Vec<_> = images.iter().map(Vec::as_slice).collect();
            let (traced, inferences) = self.samples(&model, &pixels)?;
            let memory = inferences.memory;
            let variables = u64::from(memory.statics) + u64::from(memory.stack_used);
            flash_bytes = memory.flash.into();
            ram_bytes = ram_bytes.max(variables.saturating_sub(inferences.workspace_bytes.into()));
            samples.extend(traced);
        }
        let mut costs: Vec<_> = (0..self.boards.len())
            .map(|board| {
                let costs = BoardCosts::of_cycles(&fit(&samples, |image| image.cycles[board]));
                if self.boards[board].is_core_alone() {
                    costs.with_instructions(&fit(&samples, |image| image.instructions))
                } else {
                    costs
                }
            })
            .collect();
        for inputs in validation {
            let (model, _, records) = inputs.parse(images)?;
            let pixels: Vec<_> = records.iter().map(|record: &Record<'_>| record.pixels).collect();
            let samples = match self.samples(&model, &pixels) {
                Err(error) if parity::is_too_large(&error) => continue,
                samples => samples?.0,
            };
            for (board, costs) in costs.iter_mut().enumerate() {
                let name = &self.boards[board].name;
                let fitted: f64 = samples.iter().map(|(operations, _)| costs.cycles_of(operations)).sum();
                let traced: f64 = samples.iter().map(|(_, image)| image.cycles[board] as f64).sum();
                let error = 100.0 * (fitted / traced - 1.0);
                eprintln!("{name}: {}: {error:+.1} %", model.id());
                costs.fit_error_percent = costs.fit_error_percent.max(error.abs());
                let fitted: Option<f64> = samples.iter().map(|(operations, _)| costs.instructions_of(operations)).sum();
                if let Some(fitted) = fitted {
                    let traced: f64 = samples.iter().map(|(_, image)| image.instructions as f64).sum();
                    let error = 100.0 * (fitted / traced - 1.0);
                    eprintln!("{name}, instructions: {}: {error:+.1} %", model.id());
                    costs.instructions_error_percent = costs.instructions_error_percent.max(error.abs());
                }
            }
        }
        let named = self.boards.iter().zip(costs).map(|(board, costs)| {
            let error_percent = error_percent(board).unwrap_or_default().into();
            (board.name.clone(), BoardCosts { error_percent, flash_bytes, ram_bytes, ..costs })
        });
        Ok(named.collect())
    }

    /// Returns the operations of each image, and its trace.
    fn samples(&self, model: &Model<'_>, images: &[&[u8]]) -> anyhow::Result<(Vec<(Operations, Image)>, Inferences)> {
        let mut counter = Counter::new(model).context("weights in vectors have no fitted costs")?;
        let mut inferences = inference::run(self.emulated, self.boards, model, images, self.settings)?;
        let traced = images.iter().zip(inferences.images.drain(..));
        let samples = traced.map(|(pixels, image)| Ok((counter.count(pixels)?, image)));
        Ok((samples.collect::<anyhow::Result<_>>()?, inferences))
    }
}
