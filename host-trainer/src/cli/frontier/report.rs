//! What there is to say of the runs.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Serialize;

use super::SAID_OF_REDUCED;
use super::desk::Desk;
use crate::cli::table::table;
use crate::frontier::{Entry, Family, Found, Measured, Row, Runs, Teacher, Unit};
use crate::plot::{FrontierKind, FrontierPoint};
use crate::run::RunFile;
use crate::text::Shown;

#[derive(Serialize)]
pub struct Report {
    folder: Shown<PathBuf>,
    reduced: bool,
    runs_kept: usize,
    runs_trained: usize,
    /// What is not there.
    missing: Vec<String>,
    /// Whether they can be trained with a teacher only.
    needs_teacher: bool,
    /// The model that each row's figures of devices are of.
    models: Vec<Model>,
    pub rows: Vec<Row>,
}

#[derive(Serialize)]
struct Model {
    id: String,
    path: Shown<PathBuf>,
}

impl Report {
    /// Of `units`, those of `families`, after `runs_trained` were trained; figures of devices are those `measured`.
    pub fn new(
        desk: &Desk,
        families: &[&'static Family],
        units: &[Unit],
        measured: &HashMap<String, Measured>,
        reduced: bool,
        runs_trained: usize,
    ) -> Self {
        let all: Vec<Runs> = units.iter().map(|unit| desk.find(unit)).collect();
        let sizes = [desk.data.train.width, desk.data.class_names.len()];
        let (mut rows, mut models) = (Vec::new(), Vec::new());
        for family in families {
            for entry in family.entries {
                let of = all.iter().filter(|runs| runs.unit.family.name == family.name);
                let found: Vec<&Found> = of.filter_map(|runs| runs.of(entry)).collect();
                let is_taught = family.is_taught() && desk.teacher != Teacher::Absent;
                rows.extend(Row::of(family, entry, &found, is_taught, sizes, measured));
                let first = found.first().filter(|_| *entry != Entry::Float);
                models.extend(first.map(|found| Model {
                    id: found.outcome.model_id.clone(),
                    path: Shown(found.folder.file(RunFile::Model)),
                }));
            }
        }
        let missing: Vec<String> = all.iter().flat_map(Runs::missing).map(|(name, _)| name).collect();
        let needs_teacher = !missing.is_empty() && families.iter().any(|family| family.is_taught());
        let runs_kept = all.iter().flat_map(Runs::found).count().saturating_sub(runs_trained);
        Self {
            folder: Shown(desk.folder.clone()),
            reduced,
            runs_kept,
            runs_trained,
            missing,
            needs_teacher,
            models,
            rows,
        }
    }

    /// The table, and what is missing.
    pub fn text(&self) -> String {
        let mut table = table(Row::HEADER.map(str::to_owned), 3);
        self.rows.iter().for_each(|row| {
            table.add_row(row.cells());
        });
        let missing = match self.missing.as_slice() {
            [] => String::new(),
            names => format!("{} runs are missing: {}.\n", names.len(), names.join(", ")),
        };
        let reduced = if self.reduced { format!("{SAID_OF_REDUCED}\n") } else { String::new() };
        let folder = &self.folder;
        format!(
            "{table}\n{reduced}{missing}Runs are in {folder}; figures of devices are those of the first seed's model.\n"
        )
    }
}

/// What the picture shows of a row; float networks are for no device.
pub fn point(row: &Row) -> Option<FrontierPoint> {
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
        instructions: row.instructions_m4.map(|count| count as f64),
        bytes: row.model_bytes as f64,
    })
}
