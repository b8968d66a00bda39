//! Accuracy and loss over the epochs.

use maud::{Markup, html};

use super::panel::{self, Better, Curve, Panel, Point};
use super::text::{fit, width};
use crate::train::Epoch;
use host_support::mark::Look;
use host_support::style::{TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, text};

const TITLE_HEIGHT: f64 = 36.0;
const LEGEND_LINE: f64 = 22.0;

/// Width of the line at the start of a legend's entry, and of the space after it.
const SAMPLE: [f64; 2] = [32.0, 12.0];

/// Largest width of a name next to the end of its curve, in pixels.
const LABEL_WIDTH: f64 = 84.0;

/// Parts of a longer curve; of each, the smallest and the largest value are drawn.
const MAX_PARTS: usize = 400;

/// Larger losses are drawn as this one.
const MAX_LOSS: f64 = 1e6;

/// A run whose curves are drawn.
#[derive(Clone, Copy, Debug)]
pub struct HistoryRun<'a> {
    pub name: &'a str,
    pub epochs: &'a [Epoch],
    /// The network that was kept, if it is known.
    pub kept: Option<Kept>,
}

/// The network that was kept at the end of a training.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Its epoch, from 1.
    pub epoch: u32,
    /// Its accuracy on test images in fixed point, 0 to 1.
    pub test_accuracy: f64,
}

impl Kept {
    fn is_drawn(&self) -> bool {
        self.epoch > 0 && self.test_accuracy.is_finite()
    }
}

/// The curves of runs, as parts of one plot or as plots next to each other.
#[derive(Debug)]
pub struct History {
    title: String,
    panels: [Drawing; 2],
    legend: Drawing,
}

/// A curve in each of the two panels, `(epoch, value)`.
struct Series {
    name: String,
    label: Option<String>,
    look: Look,
    accuracy: Vec<(f64, f64)>,
    loss: Vec<(f64, f64)>,
}

impl History {
    /// Draws accuracy and loss over the epochs of `runs`, on training images, on held-out images if
    /// there are any, and the accuracy on test images.
    pub fn of(runs: &[HistoryRun<'_>]) -> Self {
        let title = match runs {
            [HistoryRun { name, .. }] => format!("Training of {name}"),
            _ => format!("Training of {} networks", runs.len()),
        };
        let series: Vec<Series> = runs.iter().enumerate().flat_map(|(run, of)| series(run, of, runs.len())).collect();
        let tests: Vec<(Look, Kept)> = runs
            .iter()
            .enumerate()
            .filter_map(|(run, of)| Some((look(run, runs.len(), TEST), of.kept.filter(Kept::is_drawn)?)))
            .collect();
        let last = runs.iter().flat_map(|run| run.epochs).map(|epoch| epoch.epoch).max().unwrap_or(1).max(1);
        let kept = match runs {
            [HistoryRun { kept: Some(Kept { epoch, .. }), .. }] => {
                Some(*epoch).filter(|epoch| (1..=last).contains(epoch))
            }
            _ => None,
        };
        let is_alone = runs.len() == 1;
        let panel = |title, better, of: fn(&Series) -> &[(f64, f64)], points| {
            let curves = series.iter().enumerate().map(|(place, series)| Curve {
                points: of(series),
                look: series.look,
                label: series.label.as_deref(),
                place,
            });
            Panel { title, better, last, curves: curves.collect(), points, kept }.draw()
        };
        let points = tests.iter().map(|(look, kept)| Point {
            epoch: kept.epoch.min(last).into(),
            value: kept.test_accuracy.clamp(0.0, 1.0),
            look: *look,
            label: is_alone.then_some("test"),
        });
        let panels = [
            panel("Accuracy", Better::Higher, |series| &series.accuracy, points.collect()),
            panel("Loss (cross-entropy)", Better::Lower, |series| &series.loss, Vec::new()),
        ];
        Self { title, panels, legend: legend(&series, &tests) }
    }

    /// Returns one plot: the panels next to each other, and the legend below.
    pub fn whole(&self) -> String {
        let [width, height] = panel::SIZE;
        let title = fit(&self.title, TITLE_SIZE, 2.0 * width - 32.0);
        let content = html! {
            (text([width, TITLE_HEIGHT / 2.0 + 4.0], Anchor::Middle, TITLE_SIZE, &title))
            @for (panel, left) in self.panels.iter().zip([0.0, width]) { (panel.at([left, TITLE_HEIGHT])) }
            (self.legend.at([0.0, TITLE_HEIGHT + height]))
        };
        let full_width = f64::max(2.0 * width, self.legend.size[0]);
        Drawing { size: [full_width, TITLE_HEIGHT + height + self.legend.size[1]], content }.document(&self.title)
    }

    /// Returns the accuracy, the loss and the legend as plots of their own.
    pub fn parts(&self) -> [String; 3] {
        let [accuracy, loss] = &self.panels;
        [(accuracy, "Accuracy"), (loss, "Loss"), (&self.legend, "Legend")].map(|(part, name)| part.document(name))
    }
}

/// Curves of a run, as [`look`] takes them.
const TRAINING: usize = 0;
const VALIDATION: usize = 1;
const TEST: usize = 2;

/// Returns the look of a curve. Runs differ in colour and mark, their curves in dashes; the curves
/// of one run alone differ in all of them.
fn look(run: usize, runs: usize, curve: usize) -> Look {
    Look::new(if runs == 1 { curve } else { run }, curve)
}

/// Returns the curves of a run, which is one of `runs`.
fn series(run: usize, HistoryRun { name, epochs, .. }: &HistoryRun<'_>, runs: usize) -> Vec<Series> {
    let training = |epoch: &Epoch| Some((epoch.epoch, epoch.accuracy, epoch.loss));
    let validation = |epoch: &Epoch| Some((epoch.epoch, epoch.validation_accuracy?, epoch.validation_loss?));
    let on_training: Vec<_> = epochs.iter().filter_map(training).collect();
    let held_out: Vec<_> = epochs.iter().filter_map(validation).collect();
    let is_alone = runs == 1;
    let has_held_out = !held_out.is_empty();
    let curve = |epochs: Vec<(u32, f64, f64)>, what: &str, curve, is_labelled: bool| {
        let whose = if is_alone { String::new() } else { fit(name, TEXT_SIZE, 240.0) + ", " };
        let last = epochs.last().map(|(epoch, accuracy, loss)| {
            format!(": accuracy {accuracy:.4}, loss {} in epoch {epoch}", four_decimals(*loss))
        });
        Series {
            name: format!("{whose}{what}{}", last.unwrap_or_default()),
            label: is_labelled.then(|| fit(if is_alone { what } else { name }, TEXT_SIZE, LABEL_WIDTH)),
            look: look(run, runs, curve),
            accuracy: thin(epochs.iter().map(|&(epoch, accuracy, _)| (epoch.into(), accuracy.clamp(0.0, 1.0)))),
            loss: thin(epochs.iter().map(|&(epoch, _, loss)| (epoch.into(), loss.clamp(0.0, MAX_LOSS)))),
        }
    };
    // If there are several runs, the name of each is next to its last curve.
    let training = curve(on_training, "training", TRAINING, is_alone || !has_held_out);
    let validation = has_held_out.then(|| curve(held_out, "validation", VALIDATION, true));
    [training].into_iter().chain(validation).collect()
}

/// Drops points that are too close together to be seen. Ends and extremes stay.
fn thin(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let points: Vec<_> = points.filter(|(_, value)| value.is_finite()).collect();
    if points.len() <= 2 * MAX_PARTS {
        return points;
    }
    let extremes = |part: &[(f64, f64)]| {
        let by_value = |one: &&(f64, f64), other: &&(f64, f64)| one.1.total_cmp(&other.1);
        let mut ends: Vec<_> = part.iter().min_by(by_value).into_iter().chain(part.iter().max_by(by_value)).collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        ends.into_iter().copied().collect::<Vec<_>>()
    };
    points.chunks(points.len().div_ceil(MAX_PARTS)).flat_map(extremes).collect()
}

/// Formats `value` with four decimals, or by powers of ten if these would be zeros.
fn four_decimals(value: f64) -> String {
    if value == 0.0 || value.abs() >= 0.001 { format!("{value:.4}") } else { format!("{value:.2e}") }
}

/// Returns the names and last values of the series, and those of the kept networks.
fn legend(series: &[Series], tests: &[(Look, Kept)]) -> Drawing {
    let left = 24.0;
    let [sample, space] = SAMPLE;
    let y = |row: usize| LEGEND_LINE * (row as f64 + 0.5);
    let test = match tests {
        [(look, Kept { epoch, test_accuracy })] => {
            Some((look, format!("test, in fixed point: accuracy {test_accuracy:.4}, network of epoch {epoch}")))
        }
        [(look, _), ..] => Some((look, "larger marks: test accuracy in fixed point".to_owned())),
        [] => None,
    };
    let names = series.iter().map(|series| &series.name).chain(test.iter().map(|(_, name)| name));
    let widest = names.map(|name| width(name, TEXT_SIZE)).fold(0.0, f64::max);
    let entry = |row: usize, mark: Markup, name: &str| {
        html! { (mark) (text([left + sample + space, y(row)], Anchor::Start, TEXT_SIZE, name)) }
    };
    let line = |row: usize, look: Look| {
        let ends = [[left, y(row)], [left + sample, y(row)]];
        html! { (look.curve(ends.into_iter())) (look.mark([left + sample / 2.0, y(row)])) }
    };
    let content = html! {
        @for (row, series) in series.iter().enumerate() { (entry(row, line(row, series.look), &series.name)) }
        @if let Some((look, name)) = &test {
            (entry(series.len(), look.ring([left + sample / 2.0, y(series.len())]), name))
        }
    };
    let rows = series.len() + usize::from(test.is_some());
    Drawing { size: [left + sample + space + widest + 16.0, LEGEND_LINE * rows as f64 + 8.0], content }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(count: u32, is_validated: bool) -> Vec<Epoch> {
        let epoch = |epoch| {
            let share = 1.0 - 1.0 / f64::from(epoch + 1);
            Epoch {
                epoch,
                loss: 1.0 - share,
                accuracy: share,
                validation_loss: is_validated.then_some(1.1 - share),
                validation_accuracy: is_validated.then_some(0.9 * share),
                seconds: 1.0,
            }
        };
        (1..=count).map(epoch).collect()
    }

    fn run<'a>(name: &'a str, epochs: &'a [Epoch]) -> HistoryRun<'a> {
        HistoryRun { name, epochs, kept: None }
    }

    fn draw(runs: &[HistoryRun<'_>]) -> String {
        History::of(runs).whole()
    }

    fn marks(svg: &str) -> usize {
        svg.matches("class=\"mark\"").count()
    }

    #[test]
    fn every_epoch_of_a_short_run_is_a_mark() {
        for (count, is_validated, curves) in [(1, false, 1), (1, true, 2), (5, false, 1), (20, true, 2)] {
            let svg = draw(&[run("a network", &epochs(count, is_validated))]);
            // Two panels, and one in the legend for each curve.
            assert_eq!(marks(&svg), curves * (2 * count as usize + 1), "{count} epochs");
            assert!(svg.contains("Training of a network") && svg.contains(">epoch<"));
            assert!(svg.contains("validation: accuracy") == is_validated && !svg.contains("NaN"));
        }
    }

    #[test]
    fn the_plot_of_a_long_run_is_small() {
        let svg = draw(&[run("long", &epochs(100_000, true))]);
        assert!(marks(&svg) < 40 && svg.len() < 500_000, "{} bytes", svg.len());
        assert!(svg.contains("in epoch 100000"));
    }

    #[test]
    fn curves_have_sub_pixel_coordinates() {
        let accuracy = |epoch: u32| 0.9 + 4e-5 * f64::from(epoch);
        let nearly_flat: Vec<Epoch> =
            epochs(50, false).into_iter().map(|epoch| Epoch { accuracy: accuracy(epoch.epoch), ..epoch }).collect();
        let rising = [epochs(1, false), nearly_flat].concat();
        let svg = draw(&[run("a", &rising)]);
        let points = svg.split("polyline points=\"").nth(1).unwrap().split('"').next().unwrap();
        let heights: Vec<f64> =
            points.split(' ').map(|point| point.split_once(',').unwrap().1.parse().unwrap()).collect();
        assert!(heights[1..].is_sorted_by(|one, other| one > other), "{heights:?}");
    }

    #[test]
    fn the_kept_network_is_marked() {
        let (epochs, kept) = (epochs(9, true), Kept { epoch: 7, test_accuracy: 0.8123 });
        let svg = draw(&[HistoryRun { kept: Some(kept), ..run("a", &epochs) }]);
        for text in [">kept<", ">test<", ">training<", ">validation<", "accuracy 0.8123, network of epoch 7"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        let none = draw(&[HistoryRun { kept: Some(Kept { epoch: 0, test_accuracy: 0.5 }), ..run("a", &[]) }]);
        assert!(!none.contains(">kept<") && !none.contains("NaN"), "{none}");
    }

    #[test]
    fn several_runs_have_their_names_and_marks() {
        let (short, long) = (epochs(3, true), epochs(7, false));
        let svg = draw(&[run("<b>&\"", &short), run("plain", &long), run("nothing", &[])]);
        assert!(svg.contains("&lt;b&gt;&amp;&quot;, validation: accuracy 0.6750, loss 0.3500 in epoch 3"), "{svg}");
        assert!(svg.contains("plain, training") && svg.contains("nothing, training"));
        assert!(svg.contains(">&lt;b&gt;&amp;&quot;<") && svg.contains(">plain<"), "{svg}");
        assert!(!draw(&[]).contains("NaN"));
    }

    #[test]
    fn impossible_values_do_not_break_the_plot() {
        for value in [f64::NAN, f64::INFINITY, f64::MAX, -1.0, 0.0, f64::MIN_POSITIVE] {
            let epoch = Epoch { loss: value, accuracy: value, epoch: u32::MAX, ..epochs(1, false)[0] };
            let kept = Some(Kept { epoch: u32::MAX, test_accuracy: value });
            let svg = draw(&[HistoryRun { name: "odd", epochs: &[epoch], kept }]);
            assert!(svg.ends_with("</svg>\n") && svg.matches("<text").count() < 60, "{value}: {svg}");
        }
    }

    #[test]
    fn thinning_keeps_extremes() {
        let thinned = thin((0..100_000).map(|index| (f64::from(index), if index == 7777 { 5.0 } else { 1.0 })));
        assert!(thinned.contains(&(7777.0, 5.0)) && thinned.len() <= 2 * MAX_PARTS);
        assert!(thinned.is_sorted_by(|one, other| one.0 <= other.0));
    }
}
