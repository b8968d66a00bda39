//! Time and energy of several models on boards, as marks on logarithmic axes.

use std::path::Path;

use anyhow::{Context as _, ensure};
use host_support::mark::Look;
use host_support::style::{MARGIN, TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, faint_text, grid_line, text};
use maud::{Markup, html};
use parity::program::read;

use crate::row::Row;

const WIDTH: f64 = 1000.0;
const EDGE: f64 = MARGIN as f64;
const TITLE_HEIGHT: f64 = 92.0;
const ROW: f64 = 26.0;
const FOOT: f64 = 30.0;

/// Pixels for the names of boards, and between the panels.
const NAMES: f64 = 190.0;
const GAP: f64 = 50.0;

/// Width of the panel of times.
const TIMES: f64 = 430.0;

/// Half the width of a mark.
const MARK: f64 = 4.0;

/// Largest distance between the names of two models in the legend.
const LEGEND: f64 = 180.0;

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

/// A panel: its horizontal place, and the powers of ten at its ends.
struct Panel {
    left: f64,
    right: f64,
    least: f64,
    most: f64,
}

impl Panel {
    /// Returns a panel for `values`, which ends at powers of ten.
    fn new(left: f64, right: f64, values: &[f64]) -> Self {
        let positive = || values.iter().copied().filter(|value| *value > 0.0);
        let least = positive().fold(f64::MAX, f64::min).min(1e9).log10().floor();
        let most = positive().fold(1e-9, f64::max).log10().ceil().max(least + 1.0);
        Self { left, right, least, most }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value.max(f64::MIN_POSITIVE).log10() - self.least) / (self.most - self.least);
        self.left + share * (self.right - self.left)
    }

    /// Draws the name and the grid.
    fn draw(&self, name: &str, [top, bottom]: [f64; 2]) -> Markup {
        let powers = self.least as i32..=self.most as i32;
        let number = |power: i32| format!("{:.1$}", 10.0_f64.powi(power), usize::try_from(-power).unwrap_or(0));
        html! {
            (faint_text([self.left, top - 14.0], Anchor::Start, TEXT_SIZE, name))
            @for (power, x) in powers.map(|power| (power, self.place(10.0_f64.powi(power)))) {
                (grid_line([x, top], [x, bottom]))
                (faint_text([x, bottom + FOOT / 2.0], Anchor::Middle, TEXT_SIZE, &number(power)))
            }
        }
    }

    /// Draws an estimate as a mark on a line that shows its error.
    fn estimate(&self, value: f64, error_percent: f64, y: f64, look: Look) -> Markup {
        let ends = [-1.0, 1.0].map(|sign| [self.place(value * (1.0 + sign * error_percent / 100.0)), y]);
        html! { (look.curve(ends.into_iter())) (look.mark([self.place(value), y])) }
    }
}

/// Draws the mean times, and where they are known the energies, of `models` on their boards.
///
/// # Errors
///
/// Returns an error if the models have no boards or other boards.
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
    let split = EDGE + NAMES + TIMES;
    let left = Panel::new(EDGE + NAMES, split, &times);
    let right = Panel::new(split + GAP, WIDTH - 2.0 * EDGE, &energies);
    let ends = [TITLE_HEIGHT, TITLE_HEIGHT + names.len() as f64 * ROW];
    let estimates = |name: &str, y: f64| -> Markup {
        let rows = models.iter().enumerate();
        let rows = rows.filter_map(|(index, model)| Some((index, model.rows.iter().find(|row| row.board == name)?)));
        html! {
            @for (index, row) in rows {
                @let look = Look::new(index, 0);
                @let error = f64::from(row.error_percent.unwrap_or_default());
                @if let Some(time) = row.milliseconds_mean { (left.estimate(time, error, y, look)) }
                @if let Some(energy) = row.microjoules_mean { (right.estimate(energy, ENERGY_ERROR, y, look)) }
            }
        }
    };
    let title = "Estimated cost of an inference, with its error";
    let content = html! {
        (text([WIDTH / 2.0, 22.0], Anchor::Middle, TITLE_SIZE, title))
        (legend(models))
        (left.draw("milliseconds", ends))
        @if !energies.is_empty() { (right.draw("microjoules, if a source has them", ends)) }
        @for (place, name) in names.iter().enumerate() {
            @let y = ends[0] + (place as f64 + 0.5) * ROW;
            (text([EDGE + NAMES - 12.0, y], Anchor::End, TEXT_SIZE, name))
            (estimates(name, y))
        }
    };
    Ok(Drawing { size: [WIDTH, ends[1] + FOOT + EDGE / 2.0], content }.document(title))
}

fn legend(models: &[Model]) -> Markup {
    let step = LEGEND.min((WIDTH - EDGE) / models.len().max(1) as f64);
    html! {
        @for (index, model) in models.iter().enumerate() {
            @let x = EDGE + MARK + index as f64 * step;
            (Look::new(index, 0).mark([x, 50.0]))
            (text([x + 3.0 * MARK, 50.0], Anchor::Start, TEXT_SIZE, &model.name))
        }
    }
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
    fn each_model_has_a_mark_on_each_board() {
        let models = [model("small", &[("one", 0.2), ("two", 0.03)]), model("large", &[("one", 2.0), ("two", 41.0)])];
        let svg = chart(&models).unwrap();
        for text in ["small", "large", "one", "two", "milliseconds", "microjoules"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        // Two in the legend, eight on boards, each with a line for its error.
        assert_eq!(svg.matches("class=\"mark\"").count(), 2 + 8);
        assert_eq!(svg.matches("<polyline").count(), 8);
    }

    #[test]
    fn models_on_other_boards_are_refused() {
        assert!(chart(&[]).is_err());
        let error = chart(&[model("a", &[("one", 1.0)]), model("b", &[("two", 1.0)])]).unwrap_err().to_string();
        assert!(error.contains("different boards"), "{error}");
    }

    #[test]
    fn an_axis_ends_at_powers_of_ten() {
        let panel = Panel::new(100.0, 400.0, &[0.02, 15.0]);
        assert_eq!([0.01, 1.0, 100.0].map(|value| panel.place(value).round()), [100.0, 250.0, 400.0]);
        let panel = Panel::new(100.0, 400.0, &[]);
        assert!(panel.most > panel.least);
    }
}
