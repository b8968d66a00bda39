//! Time and energy of several models on boards, as dots on logarithmic axes.

use std::path::Path;

use anyhow::{Context as _, ensure};
use host_support::style::{Area, COLOURS, FAINT, GRID, INK, MARGIN, TEXT_SIZE, TITLE_SIZE, draw, text};
use parity::program::read;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::row::Row;

const WIDTH: i32 = 1000;
const TITLE_HEIGHT: i32 = 92;
const ROW: i32 = 26;
const FOOT: i32 = 30;

/// Pixels for the names of boards, and between the panels.
const NAMES: i32 = 190;
const GAP: i32 = 50;

/// Width of the panel of times.
const TIMES: i32 = 430;

const DOT: i32 = 4;

/// Percent by which an energy may be wrong: docs/latency.md.
const ENERGY_ERROR: f64 = 30.0;

/// The estimates of one model.
pub struct Model {
    pub name: String,
    pub rows: Vec<Row>,
}

impl Model {
    /// Reads the output of `estimate --json` for the model called `name`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is something else.
    pub fn read(name: &str, path: &Path) -> anyhow::Result<Self> {
        let rows = serde_json::from_slice(&read(path)?)
            .with_context(|| format!("{} is not the output of `estimate --json`", path.display()))?;
        Ok(Self { name: name.to_owned(), rows })
    }
}

/// A panel: its horizontal place, and the values at its ends.
struct Panel {
    left: i32,
    right: i32,
    least: f64,
    most: f64,
}

impl Panel {
    /// Returns a panel for `values`, which ends at powers of ten.
    fn new(left: i32, right: i32, values: &[f64]) -> Self {
        let positive = || values.iter().copied().filter(|value| *value > 0.0);
        let least = positive().fold(f64::MAX, f64::min).min(1e9).log10().floor();
        let most = positive().fold(1e-9, f64::max).log10().ceil().max(least + 1.0);
        Self { left, right, least, most }
    }

    fn place(&self, value: f64) -> i32 {
        let share = (value.max(f64::MIN_POSITIVE).log10() - self.least) / (self.most - self.least);
        self.left + (share * f64::from(self.right - self.left)).round() as i32
    }

    fn draw(&self, area: &Area<'_>, name: &str, [top, bottom]: [i32; 2]) -> anyhow::Result<()> {
        area.draw_text(name, &text(TEXT_SIZE, FAINT, HPos::Left), (self.left, top - 14))?;
        for power in self.least as i32..=self.most as i32 {
            let value = 10.0_f64.powi(power);
            let x = self.place(value);
            area.draw(&PathElement::new([(x, top), (x, bottom)], GRID))?;
            let number =
                if power >= 0 { format!("{value}") } else { format!("{value:.0$}", power.unsigned_abs() as usize) };
            area.draw_text(&number, &text(TEXT_SIZE, FAINT, HPos::Center), (x, bottom + FOOT / 2))?;
        }
        Ok(())
    }
}

/// Draws the mean times, and where they are known the energies, of `models` on their boards.
///
/// # Errors
///
/// Returns an error if the models have no boards or other boards, or if plotting fails.
pub fn chart(models: &[Model]) -> anyhow::Result<String> {
    let boards = |model: &Model| -> Vec<String> {
        model.rows.iter().filter(|row| row.milliseconds_mean.is_some()).map(|row| row.board.clone()).collect()
    };
    let names = models.first().map(boards).unwrap_or_default();
    ensure!(!names.is_empty(), "there are no estimates of boards to draw");
    ensure!(models.iter().all(|model| boards(model) == names), "the models have estimates of different boards");
    let values = |take: fn(&Row) -> Option<f64>| -> Vec<f64> {
        models.iter().flat_map(|model| model.rows.iter().filter_map(take)).collect()
    };
    let [times, energies] = [values(|row| row.milliseconds_mean), values(|row| row.microjoules_mean)];
    let split = MARGIN + NAMES + TIMES;
    let left = Panel::new(MARGIN + NAMES, split, &times);
    let right = Panel::new(split + GAP, WIDTH - 2 * MARGIN, &energies);
    let ends = [TITLE_HEIGHT, TITLE_HEIGHT + names.len() as i32 * ROW];
    draw([WIDTH, ends[1] + FOOT + MARGIN / 2], |area| {
        area.draw_text(
            "Estimated cost of an inference, with its error",
            &text(TITLE_SIZE, INK, HPos::Left),
            (MARGIN, 22),
        )?;
        legend(area, models)?;
        left.draw(area, "milliseconds", ends)?;
        if !energies.is_empty() {
            right.draw(area, "microjoules, if a source has them", ends)?;
        }
        for (place, name) in names.iter().enumerate() {
            let y = ends[0] + place as i32 * ROW + ROW / 2;
            area.draw_text(name, &text(TEXT_SIZE, INK, HPos::Right), (MARGIN + NAMES - 12, y))?;
            for (index, model) in models.iter().enumerate() {
                let Some(row) = model.rows.iter().find(|row| row.board == *name) else { continue };
                let colour = COLOURS[index % COLOURS.len()].filled();
                let error = f64::from(row.error_percent.unwrap_or_default());
                for (panel, value, error) in
                    [(&left, row.milliseconds_mean, error), (&right, row.microjoules_mean, ENERGY_ERROR)]
                {
                    let Some(value) = value else { continue };
                    let ends = [-error, error].map(|error| (panel.place(value * (1.0 + error / 100.0)), y));
                    area.draw(&PathElement::new(ends, COLOURS[index % COLOURS.len()].stroke_width(2)))?;
                    area.draw(&Circle::new((panel.place(value), y), DOT, colour))?;
                }
            }
        }
        Ok(())
    })
}

fn legend(area: &Area<'_>, models: &[Model]) -> anyhow::Result<()> {
    let step = (WIDTH - MARGIN) / models.len().max(1) as i32;
    for (index, model) in models.iter().enumerate() {
        let x = MARGIN + DOT + index as i32 * step.min(180);
        area.draw(&Circle::new((x, 50), DOT, COLOURS[index % COLOURS.len()].filled()))?;
        area.draw_text(&model.name, &text(TEXT_SIZE, INK, HPos::Left), (x + 2 * DOT, 50))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, boards: &[(&str, f64)]) -> Model {
        let row = |&(board, time): &(&str, f64)| {
            serde_json::json!({
                "board": board, "core": "cortex-m4", "model": "0000001a", "network": "4-2", "pictures": 1,
                "clock_hz": 64_000_000, "wait_states": 2, "instructions_mean": 1.0, "cycles_mean": 64e3 * time,
                "milliseconds_mean": time, "microjoules_mean": 10.0 * time, "layers": [], "flash_bytes": 1,
                "ram_bytes": 1, "fits": true, "spare_bytes": 1, "remark": ""
            })
        };
        let rows = boards.iter().map(row).map(|row| serde_json::from_value(row).unwrap()).collect();
        Model { name: name.into(), rows }
    }

    #[test]
    fn each_model_has_a_dot_on_each_board() {
        let models = [model("small", &[("one", 0.2), ("two", 0.03)]), model("large", &[("one", 2.0), ("two", 41.0)])];
        let svg = chart(&models).unwrap();
        for text in ["small", "large", "one", "two", "milliseconds", "microjoules"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        // Two in the legend, eight on boards, each with a line for its error.
        assert_eq!(svg.matches("<circle").count(), 2 + 8);
        assert!(svg.matches("<polyline").count() >= 8);
    }

    #[test]
    fn models_on_other_boards_are_refused() {
        assert!(chart(&[]).is_err());
        let error = chart(&[model("a", &[("one", 1.0)]), model("b", &[("two", 1.0)])]).unwrap_err().to_string();
        assert!(error.contains("different boards"), "{error}");
    }

    #[test]
    fn an_axis_ends_at_powers_of_ten() {
        let panel = Panel::new(100, 400, &[0.02, 15.0]);
        assert_eq!([0.01, 1.0, 100.0].map(|value| panel.place(value)), [100, 250, 400]);
        let panel = Panel::new(100, 400, &[]);
        assert!(panel.most > panel.least);
    }
}
