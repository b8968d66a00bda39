//! Accuracy and loss over the epochs.

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::PlotError;
use super::axis::Axis;
use super::text::{fit, width};
use crate::train::Epoch;
use host_support::style::{Area, FAINT, GRID, INK, MARGIN, TEXT_SIZE, TITLE_SIZE, colour, draw, text};

const WIDTH: i32 = 1000;
const TITLE_HEIGHT: i32 = 36;
const PANEL_HEIGHT: i32 = 360;
const LEGEND_LINE: i32 = 22;

/// Width of the line at the start of a legend's entry, including the space after it.
const SAMPLE: i32 = 44;

/// Largest number of epochs that are drawn as points; more would overlap.
const MAX_POINTS: usize = 20;

/// Parts of a longer curve; of each, the smallest and the largest value are drawn.
const MAX_PARTS: usize = 400;

/// Larger losses are drawn as this one.
const MAX_LOSS: f64 = 1e6;

/// A curve in each of the two panels, `(epoch, value)`.
struct Series {
    name: String,
    colour: RGBColor,
    is_dashed: bool,
    accuracy: Vec<(f64, f64)>,
    loss: Vec<(f64, f64)>,
}

impl Series {
    fn has_points(&self) -> bool {
        self.accuracy.len().max(self.loss.len()) <= MAX_POINTS
    }
}

/// Plots accuracy and loss over the epochs of named runs, on training images and on held-out images
/// if there are any.
pub fn history(runs: &[(&str, &[Epoch])]) -> Result<String, PlotError> {
    let series = series(runs);
    let last = runs.iter().flat_map(|(_, epochs)| *epochs).map(|epoch| epoch.epoch).max().unwrap_or(1).max(1);
    let losses = series.iter().flat_map(|series| &series.loss).map(|(_, loss)| *loss);
    let largest_loss = losses.fold(0.0, f64::max);
    let loss_end = if largest_loss > 0.0 { 1.05 * largest_loss } else { 1.0 };

    let title = match runs {
        [(name, _)] => format!("Training of {name}"),
        _ => format!("Training of {} networks", runs.len()),
    };
    let legend = Legend::of(&series);
    draw([WIDTH, TITLE_HEIGHT + PANEL_HEIGHT + legend.height()], |area| {
        let title = fit(&title, TITLE_SIZE, f64::from(WIDTH - 2 * MARGIN));
        area.draw_text(&title, &text(TITLE_SIZE, INK, HPos::Center), (WIDTH / 2, TITLE_HEIGHT * 2 / 3))?;
        let (_, rest) = area.split_vertically(TITLE_HEIGHT);
        let (panels, below) = rest.split_vertically(PANEL_HEIGHT);
        let (left, right) = panels.split_horizontally(WIDTH / 2);
        let accuracies = series.iter().map(|series| (series, series.accuracy.as_slice()));
        panel(&left, ["Accuracy", "share classified correctly"], accuracies, last, 1.0)?;
        let losses = series.iter().map(|series| (series, series.loss.as_slice()));
        panel(&right, ["Loss", "mean cross-entropy, nats"], losses, last, loss_end)?;
        legend.draw(&below)
    })
}

fn series(runs: &[(&str, &[Epoch])]) -> Vec<Series> {
    let mut all = Vec::new();
    for (run, (name, epochs)) in runs.iter().enumerate() {
        let is_alone = runs.len() == 1;
        let title = |what: &str, last: Option<(u32, f64, f64)>| {
            let name = if is_alone { String::new() } else { fit(name, TEXT_SIZE, 300.0) + ", " };
            let last = last.map(|(epoch, accuracy, loss)| {
                format!(": accuracy {accuracy:.4}, loss {} in epoch {epoch}", four_decimals(loss))
            });
            format!("{name}{what}{}", last.unwrap_or_default())
        };
        let training = |epoch: &Epoch| Some((epoch.epoch, epoch.accuracy, epoch.loss));
        let validation = |epoch: &Epoch| Some((epoch.epoch, epoch.validation_accuracy?, epoch.validation_loss?));
        let colours = if is_alone { [colour(0), colour(1)] } else { [colour(run); 2] };
        let curve = |epochs: Vec<(u32, f64, f64)>, what, colour, is_dashed| Series {
            name: title(what, epochs.last().copied()),
            colour,
            is_dashed,
            accuracy: thin(epochs.iter().map(|&(epoch, accuracy, _)| (epoch.into(), accuracy.clamp(0.0, 1.0)))),
            loss: thin(epochs.iter().map(|&(epoch, _, loss)| (epoch.into(), loss.clamp(0.0, MAX_LOSS)))),
        };
        all.push(curve(epochs.iter().filter_map(training).collect(), "training", colours[0], false));
        let held_out: Vec<_> = epochs.iter().filter_map(validation).collect();
        if !held_out.is_empty() {
            all.push(curve(held_out, "validation", colours[1], true));
        }
    }
    all
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

fn panel<'a>(
    area: &Area<'_>,
    [title, unit]: [&str; 2],
    curves: impl Iterator<Item = (&'a Series, &'a [(f64, f64)])>,
    last: u32,
    top: f64,
) -> Result<(), PlotError> {
    let small = text(TEXT_SIZE, INK, HPos::Center);
    let mut chart = ChartBuilder::on(area)
        .caption(title, text(TITLE_SIZE - 2, INK, HPos::Center))
        .margin(MARGIN / 2)
        .margin_right(MARGIN * 3 / 2)
        .x_label_area_size(46)
        .y_label_area_size(64)
        .build_cartesian_2d(Axis::of_epochs(last), Axis::of_values(0.0..top))?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .y_desc(unit)
        .axis_desc_style(small.clone())
        .label_style(small)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .draw()?;
    for (series, points) in curves {
        let line = ShapeStyle::from(&series.colour).stroke_width(2);
        if series.is_dashed {
            chart.draw_series(DashedLineSeries::new(points.iter().copied(), 6, 4, line))?;
        } else {
            chart.draw_series(LineSeries::new(points.iter().copied(), line))?;
        }
        if series.has_points() {
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, series.colour.filled())))?;
        }
    }
    Ok(())
}

/// Formats `value` with four decimals, or by powers of ten if these would be zeros.
fn four_decimals(value: f64) -> String {
    if value == 0.0 || value.abs() >= 0.001 { format!("{value:.4}") } else { format!("{value:.2e}") }
}

/// The names of the series, below the panels.
struct Legend<'a> {
    series: &'a [Series],
    columns: usize,
}

impl<'a> Legend<'a> {
    fn of(series: &'a [Series]) -> Self {
        let widest = series.iter().map(|series| width(&series.name, TEXT_SIZE)).fold(0.0, f64::max);
        let columns = f64::from(WIDTH - 2 * MARGIN) / (widest + f64::from(SAMPLE + MARGIN));
        Self { series, columns: (columns as usize).clamp(1, 2) }
    }

    fn height(&self) -> i32 {
        MARGIN + LEGEND_LINE * self.series.len().div_ceil(self.columns) as i32
    }

    fn draw(&self, area: &Area<'_>) -> Result<(), PlotError> {
        let column_width = (WIDTH - 2 * MARGIN) / self.columns as i32;
        for (index, series) in self.series.iter().enumerate() {
            let (row, column) = (index / self.columns, index % self.columns);
            let (x, y) = (2 * MARGIN + column as i32 * column_width, LEGEND_LINE / 2 + row as i32 * LEGEND_LINE);
            let (end, line) = (x + SAMPLE - 12, ShapeStyle::from(&series.colour).stroke_width(2));
            if series.is_dashed {
                area.draw(&DashedPathElement::new([(x, y), (end, y)], 6, 4, line))?;
            } else {
                area.draw(&PathElement::new([(x, y), (end, y)], line))?;
            }
            if series.has_points() {
                area.draw(&Circle::new(((x + end) / 2, y), 3, series.colour.filled()))?;
            }
            area.draw_text(&series.name, &text(TEXT_SIZE, INK, HPos::Left), (x + SAMPLE, y))?;
        }
        Ok(())
    }
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

    fn points(svg: &str) -> usize {
        svg.matches("<circle").count()
    }

    #[test]
    fn every_epoch_of_a_short_run_is_a_point() {
        for (count, is_validated, curves) in [(1, false, 1), (1, true, 2), (5, false, 1), (20, true, 2)] {
            let svg = history(&[("a network", &epochs(count, is_validated))]).unwrap();
            // Two panels, and one in the legend for each curve.
            assert_eq!(points(&svg), curves * (2 * count as usize + 1), "{count} epochs");
            assert!(svg.contains("Training of a network") && svg.contains(">\nepoch\n<"));
            assert!(svg.contains("validation: accuracy") == is_validated && !svg.contains("NaN"));
        }
    }

    #[test]
    fn the_plot_of_a_long_run_is_small() {
        let svg = history(&[("long", &epochs(100_000, true))]).unwrap();
        assert_eq!(points(&svg), 0);
        assert!(svg.len() < 500_000, "{} bytes", svg.len());
        assert!(svg.contains("in epoch 100000"));
    }

    #[test]
    fn several_runs_have_their_names_and_colours() {
        let (short, long) = (epochs(3, true), epochs(7, false));
        let svg = history(&[("<b>&\"", &short), ("plain", &long), ("nothing", &[])]).unwrap();
        assert!(svg.contains("&lt;b&gt;&amp;&quot;, validation: accuracy 0.6750, loss 0.3500 in epoch 3"), "{svg}");
        assert!(svg.contains("plain, training") && svg.contains("nothing, training"));
        for index in 0..3 {
            let RGBColor(red, green, blue) = colour(index);
            assert!(svg.contains(&format!("#{red:02X}{green:02X}{blue:02X}")), "colour {index}");
        }
        assert!(!history(&[]).unwrap().contains("NaN"));
    }

    #[test]
    fn impossible_values_do_not_break_the_plot() {
        for value in [f64::NAN, f64::INFINITY, f64::MAX, -1.0, 0.0, f64::MIN_POSITIVE] {
            let epoch = Epoch { loss: value, accuracy: value, epoch: u32::MAX, ..epochs(1, false)[0] };
            let svg = history(&[("odd", &[epoch])]).unwrap();
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
