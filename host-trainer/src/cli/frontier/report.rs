//! The report on the runs.

use std::collections::HashMap;
use std::path::PathBuf;

use host_support::parity::Target;
use host_support::table::Folded;
use serde::Serialize;

use super::REDUCED_WARNING;
use crate::cli::sweep::{SweepTrainer, seeds};
use crate::plot::{FrontierCost, FrontierKind, FrontierPoint};
use crate::run::RunFile;
use crate::sweep::{Found, FrontierRow, LayerSet, List, Measured, Parts, Runs, Unit};
use crate::text::Shown;

#[derive(Serialize)]
pub struct FrontierOutput {
    folder: Shown<PathBuf>,
    reduced: bool,
    runs_kept: usize,
    runs_trained: usize,
    missing: Vec<String>,
    /// True if a missing run needs a teacher.
    needs_teacher: bool,
    /// The target on which instructions and RAM were measured.
    measured_on: &'static str,
    /// The models that devices measure, one for each row.
    models: Vec<MeasuredModel>,
    pub rows: Vec<FrontierRow>,
}

#[derive(Serialize)]
struct MeasuredModel {
    id: String,
    path: Shown<PathBuf>,
}

impl FrontierOutput {
    /// Builds the report on `units`, of which `runs_trained` runs are new, and on the cascades of
    /// `list`. `measured` has the cost on devices.
    pub fn new(
        trainer: &SweepTrainer,
        list: &List,
        units: &[Unit<'_>],
        measured: &HashMap<String, Measured>,
        reduced: bool,
        runs_trained: usize,
    ) -> Self {
        let all = trainer.find(units);
        let sizes = [trainer.data.train.width, trainer.data.class_names.len()];
        let (mut rows, mut models) = (Vec::new(), Vec::new());
        for network in &list.networks {
            let is_taught = network.is_taught() && trainer.place.teacher.is_some();
            for precision in &network.rows {
                let runs = all.iter().filter(|runs| runs.unit.network.name == network.name);
                let found: Vec<&Found> = runs.filter_map(|runs| runs.of(precision)).collect();
                rows.extend(FrontierRow::new(network, precision, &found, is_taught, sizes, measured));
                let first = found.first().filter(|_| !precision.is_float());
                models.extend(first.map(|found| MeasuredModel {
                    id: found.outcome.model_id.clone(),
                    path: Shown(found.folder.file(RunFile::Model)),
                }));
            }
        }
        let names = |runs: &Runs<'_>| -> Vec<String> {
            runs.missing().map(|(row, _)| trainer.place.run_name(runs.unit, row)).collect()
        };
        let mut missing: Vec<String> = all.iter().flat_map(names).collect();
        let needs_teacher = all.iter().any(|runs| runs.unit.network.is_taught() && runs.missing().next().is_some());
        for cascade in &list.cascades {
            let mut found = Vec::new();
            for seed in seeds(units) {
                let parts = Parts::find(cascade, seed, &all);
                match parts.and_then(|parts| trainer.place.find_cascade(cascade, &parts, &trainer.data)) {
                    Some(one) => found.push(one),
                    None => missing.push(trainer.place.cascade_name(cascade, seed)),
                }
            }
            let members = cascade.members(&list.networks).unwrap_or_default();
            rows.extend(FrontierRow::of_cascade(cascade, &members, &found, sizes, measured));
            models.extend(found.first().map(|found| MeasuredModel {
                id: found.record.model_id.clone(),
                path: Shown(found.folder.file(RunFile::Model)),
            }));
        }
        let runs_kept = all.iter().flat_map(Runs::found).count().saturating_sub(runs_trained);
        let folder = Shown(trainer.place.folder.clone());
        let measured_on = Target::Emulator.name();
        Self { folder, reduced, runs_kept, runs_trained, missing, needs_teacher, measured_on, models, rows }
    }

    /// Returns the table, and the names of the missing runs.
    pub fn text(&self) -> String {
        let mut table = Folded::new(FrontierRow::HEADER, 3);
        self.rows.iter().for_each(|row| {
            table.add_row(row.cells());
        });
        let missing = match self.missing.as_slice() {
            [] => String::new(),
            names => format!("{} runs are missing: {}.\n", names.len(), names.join(", ")),
        };
        let reduced = if self.reduced { format!("{REDUCED_WARNING}\n") } else { String::new() };
        let folder = &self.folder;
        format!(
            "{table}\n{reduced}{missing}Runs are in {folder}.\n\
             Instructions and RAM are measured on the emulator, for the first seed's model; time and energy are not \
             measured.\n"
        )
    }
}

/// Returns the row's mark in the chart; float networks run on no device, and have none.
pub fn point(row: &FrontierRow) -> Option<FrontierPoint> {
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
        // It has no widths.
        _ if row.cascade || row.layers == LayerSet::Conv => row.network.clone(),
        _ if row.sparsity > 0.0 => format!("{}, {}", widths.join("-"), row.pruned()),
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
        cost: FrontierCost {
            instructions: row.instructions_m4.map(|count| count as f64),
            bytes: Some(row.model_bytes as f64),
            ram: row.ram_bytes.map(|count| count as f64),
        },
    })
}
