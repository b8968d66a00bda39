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
use crate::sweep::{Found, FrontierRow, LayerSet, List, Measured, Parts, RowName, Runs, Unit};
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
    /// The models that devices measure: one for each row of integers that includes softmax.
    models: Vec<MeasuredModel>,
    /// Count of the rows that are copied from --earlier.
    rows_kept: usize,
    pub rows: Vec<FrontierRow>,
}

#[derive(Serialize)]
struct MeasuredModel {
    id: String,
    path: Shown<PathBuf>,
}

impl FrontierOutput {
    /// Builds the report on `units`, of which `runs_trained` runs are new, and on the cascades of
    /// `list`. `measured` has the cost on devices. Rows without runs are copied from `earlier`.
    pub fn new(
        trainer: &SweepTrainer,
        list: &List,
        units: &[Unit<'_>],
        measured: &HashMap<String, Measured>,
        earlier: &[FrontierRow],
        reduced: bool,
        runs_trained: usize,
    ) -> Self {
        let all = trainer.find(units);
        let sizes = [trainer.data.train.width, trainer.data.class_names.len()];
        let (mut rows, mut models, mut rows_kept) = (Vec::new(), Vec::new(), 0);
        // Adds the row called `name`, and with `has_class` that of the class alone. An earlier row
        // of more seeds is better than one whose runs are not complete.
        let mut add = |name: RowName, has_class: bool, build: &dyn Fn(RowName) -> Option<FrontierRow>| {
            let class = has_class.then(|| name.clone().class_only());
            for name in [name].into_iter().chain(class) {
                let row = build(name.clone());
                let seeds = row.as_ref().map_or(0, |row| row.seeds.len());
                let kept = earlier.iter().find(|row| row.has(&name) && row.seeds.len() > seeds).cloned();
                rows_kept += usize::from(kept.is_some());
                rows.extend(kept.or(row));
            }
        };
        for network in &list.networks {
            // Only --reduced trains such networks without a teacher.
            let is_taught = network.is_taught() && (trainer.place.teacher.is_some() || !reduced);
            for precision in &network.rows {
                let runs = all.iter().filter(|runs| runs.unit.network.name == network.name);
                let found: Vec<&Found> = runs.filter_map(|runs| runs.of(precision)).collect();
                let name = RowName::new(network, precision, is_taught, sizes);
                let has_class = network.class_only && !precision.is_float();
                add(name, has_class, &|name| FrontierRow::new(name, &found, measured));
                let first = found.first().filter(|_| !precision.is_float());
                models.extend(first.map(|found| MeasuredModel {
                    id: found.outcome.model_id.clone(),
                    path: Shown(found.folder.file(RunFile::Model)),
                }));
            }
        }
        let missing = |runs: &Runs<'_>| -> Vec<String> {
            runs.missing().map(|(row, _)| trainer.place.run_name(runs.unit, row)).collect()
        };
        let mut missing: Vec<String> = all.iter().flat_map(missing).collect();
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
            let name = RowName::of_cascade(cascade, &members, sizes);
            add(name, cascade.class_only, &|name| FrontierRow::of_cascade(name, &found, measured));
            models.extend(found.first().map(|found| MeasuredModel {
                id: found.record.model_id.clone(),
                path: Shown(found.folder.file(RunFile::Model)),
            }));
        }
        let runs_kept = all.iter().flat_map(Runs::found).count().saturating_sub(runs_trained);
        let folder = Shown(trainer.place.folder.clone());
        let measured_on = Target::Emulator.name();
        Self { folder, reduced, runs_kept, runs_trained, missing, needs_teacher, measured_on, models, rows_kept, rows }
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
        let kept = match self.rows_kept {
            0 => String::new(),
            count => format!("{count} of the rows are copied from --earlier, because their runs are missing.\n"),
        };
        let reduced = if self.reduced { format!("{REDUCED_WARNING}\n") } else { String::new() };
        let folder = &self.folder;
        format!(
            "{table}\n{reduced}{missing}{kept}Runs are in {folder}.\n\
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
    // Bytes and RAM are those of the row with softmax.
    let name = if row.class_only { format!("{name}, class only") } else { name };
    Some(FrontierPoint {
        name,
        kind,
        is_rounded: row.weight_bits < 8 && !row.recipe.ends_with("QAT"),
        accuracy: row.test_accuracy_mean,
        spread: row.test_accuracy_sd,
        cost: FrontierCost {
            instructions: row.instructions_m4.map(|count| count as f64),
            bytes: (!row.class_only).then_some(row.model_bytes as f64),
            ram: row.ram_bytes.filter(|_| !row.class_only).map(|count| count as f64),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_softmax_has_a_mark_for_its_instructions_alone() {
        let row = |class_only: bool| -> FrontierRow {
            let row = serde_json::json!({
                "network": "784-64-10", "weight_bits": 8, "sparsity": 0.9, "recipe": "taught", "seeds": [1],
                "test_accuracy_mean": 0.88, "test_accuracy_sd": null, "instructions_m4": 6_900,
                "instructions_m0": null, "model_bytes": 8_655, "ram_bytes": 3_212, "instructions_m4_max": null,
                "instructions_m3": null, "instructions_m55": null, "class_only": class_only
            });
            serde_json::from_value(row).unwrap()
        };
        let [with, without] = [false, true].map(|class_only| point(&row(class_only)).unwrap());
        assert_eq!(without.name, format!("{}, class only", with.name));
        assert_eq!((without.cost.instructions, without.cost.bytes, without.cost.ram), (Some(6_900.0), None, None));
        assert_eq!((with.cost.bytes, with.cost.ram), (Some(8_655.0), Some(3_212.0)));
    }
}
