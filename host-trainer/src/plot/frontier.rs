//! A chart of accuracy against cost: instructions per image, and bytes of the model.

use std::ops::Range;

use plotters::coord::ranged1d::{BoldPoints, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::PlotError;
use super::axis::Axis;
use super::labels::{Label, Labels};
use super::logarithm::Logarithm;
use super::text::{fit, width};
use host_support::style::{Area, COLOURS, FAINT, GRID, INK, MARGIN, TEXT_SIZE, TITLE_SIZE, draw, text};

const WIDTH: i32 = 1000;
const TITLE_HEIGHT: i32 = 52;
const LEGEND_HEIGHT: i32 = 34;
const PANEL_HEIGHT: i32 = 430;

/// Width of the axis at the left of a panel, and height of the one below, in pixels.
const AXES: [i32; 2] = [58, 52];

/// Height of a line of the foot, in pixels.
const FOOT_LINE: i32 = 20;

const MARK: i32 = 6;

/// Margin above and below the accuracies shown, in percentage points.
const ROOM: f64 = 0.4;

/// The format of a network's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontierKind {
    Eight,
    Four,
    Ternary,
    /// Eight bits, with blocks of zeros left out.
    Pruned,
}

/// One of our networks.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontierPoint {
    pub name: String,
    pub kind: FrontierKind,
    /// True if the weights were rounded to fewer than eight bits, without training in them.
    pub is_rounded: bool,
    /// Accuracy on test images, 0..=1; for several seeds, the mean.
    pub accuracy: f64,
    pub spread: Option<f64>,
    /// Instructions per image, if known.
    pub instructions: Option<f64>,
    pub bytes: f64,
}

/// A network of another project.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrontierRival {
    pub name: &'static str,
    /// Accuracy on test images, 0..=1.
    pub accuracy: f64,
    /// Instructions per image; `None` if that panel does not show the network.
    pub instructions: Option<f64>,
    /// Bytes of the model; `None` if that panel does not show the network.
    pub bytes: Option<f64>,
}

impl FrontierKind {
    const ALL: [Self; 4] = [Self::Eight, Self::Four, Self::Ternary, Self::Pruned];

    fn name(self) -> &'static str {
        match self {
            Self::Eight => "8 bits",
            Self::Four => "4 bits",
            Self::Ternary => "ternary",
            Self::Pruned => "8 bits, pruned",
        }
    }

    fn colour(self) -> RGBColor {
        let [eight, four, ternary, pruned, ..] = COLOURS;
        match self {
            Self::Eight => eight,
            Self::Four => four,
            Self::Ternary => ternary,
            Self::Pruned => pruned,
        }
    }

    /// Returns the corners of the mark, relative to its middle; none for a circle. Shapes differ
    /// for readers who cannot distinguish the colours.
    fn corners(self) -> &'static [(i32, i32)] {
        match self {
            Self::Eight => &[],
            Self::Four => &[(-5, -5), (5, -5), (5, 5), (-5, 5)],
            Self::Ternary => &[(0, -7), (7, 5), (-7, 5)],
            Self::Pruned => &[(0, -7), (7, 0), (0, 7), (-7, 0)],
        }
    }
}

/// Plots test accuracy of `points` and `rivals` against instructions and against bytes. The lines
/// of `source` name the sources of the rivals' figures.
pub fn frontier(points: &[FrontierPoint], rivals: &[FrontierRival], source: &[&str]) -> Result<String, PlotError> {
    let range = range(points, rivals);
    let hidden = points.iter().filter(|point| 100.0 * point.accuracy < range.start).map(describe).collect::<Vec<_>>();
    let below = (!hidden.is_empty()).then(|| format!("Below the chart: {}.", hidden.join("; ")));
    let foot: Vec<&str> = below.as_deref().into_iter().chain(source.iter().copied()).collect();
    let top = TITLE_HEIGHT + LEGEND_HEIGHT;
    let height = top + 2 * PANEL_HEIGHT + FOOT_LINE * foot.len() as i32 + MARGIN;
    draw([WIDTH, height], |area| {
        let title = "Accuracy on test images, against cost";
        area.draw_text(title, &text(TITLE_SIZE, INK, HPos::Left), (MARGIN, TITLE_HEIGHT / 2))?;
        draw_legend(area, points, !rivals.is_empty(), TITLE_HEIGHT + LEGEND_HEIGHT / 2 - 6)?;
        let instructions = Panel {
            top,
            unit: "instructions per image on an emulated Cortex-M4",
            range: range.clone(),
            of: |cost| cost.0,
        };
        let bytes = Panel { top: top + PANEL_HEIGHT, unit: "bytes of the model", range, of: |cost| cost.1 };
        instructions.draw(area, points, rivals)?;
        bytes.draw(area, points, rivals)?;
        for (index, line) in foot.iter().enumerate() {
            let y = top + 2 * PANEL_HEIGHT + FOOT_LINE * index as i32 + FOOT_LINE / 2;
            let line = fit(line, TEXT_SIZE, 1.25 * f64::from(WIDTH - 2 * MARGIN));
            area.draw_text(&line, &text(TEXT_SIZE, FAINT, HPos::Left), (MARGIN, y))?;
        }
        Ok(())
    })
}

/// Describes a point that is not drawn.
fn describe(point: &FrontierPoint) -> String {
    let rounded = if point.is_rounded { ", rounded" } else { "" };
    format!("{}, {}{rounded}, {:.1} %", point.name, point.kind.name(), 100.0 * point.accuracy)
}

/// Returns the range of accuracies shown, in percent: those of rivals, and ours except for rounded
/// networks that are much worse than the best.
fn range(points: &[FrontierPoint], rivals: &[FrontierRival]) -> Range<f64> {
    let ours = points.iter().flat_map(|point| {
        let spread = point.spread.unwrap_or_default();
        [point.accuracy - spread, point.accuracy + spread].map(|accuracy| (accuracy, point.is_rounded))
    });
    let all = ours.chain(rivals.iter().map(|rival| (rival.accuracy, false)));
    let all: Vec<_> = all.filter(|(accuracy, _)| (0.0..=1.0).contains(accuracy)).collect();
    let largest = all.iter().fold(0.0_f64, |largest, (accuracy, _)| largest.max(*accuracy));
    // Networks that rounding ruins would compress the scale of all others.
    let counts = |(accuracy, is_rounded): &&(f64, bool)| !is_rounded || *accuracy > largest - 0.04;
    let least = all.iter().filter(counts).fold(largest, |least, (accuracy, _)| least.min(*accuracy));
    let (start, end) = (100.0 * least - ROOM, 100.0 * largest + ROOM);
    if end <= start || all.is_empty() { 0.0..100.0 } else { start.max(0.0)..end.min(100.0) }
}

/// Instructions and bytes of a network, if known.
type Cost = (Option<f64>, Option<f64>);

/// One of the two panels.
struct Panel {
    top: i32,
    unit: &'static str,
    /// Range of the accuracy, in percent.
    range: Range<f64>,
    /// Returns the cost that is shown.
    of: fn(Cost) -> Option<f64>,
}

impl Panel {
    fn draw(&self, area: &Area<'_>, points: &[FrontierPoint], rivals: &[FrontierRival]) -> Result<(), PlotError> {
        let points = points.iter().filter(|point| 100.0 * point.accuracy >= self.range.start);
        let points: Vec<_> =
            points.filter_map(|point| Some((point, (self.of)((point.instructions, Some(point.bytes)))?))).collect();
        let rivals: Vec<_> =
            rivals.iter().filter_map(|rival| Some((rival, (self.of)((rival.instructions, rival.bytes))?))).collect();
        let [left, right] = [MARGIN + AXES[0], WIDTH - MARGIN];
        let [top, bottom] = [self.top + 6, self.top + PANEL_HEIGHT - AXES[1]];
        let costs = points.iter().map(|(_, cost)| *cost).chain(rivals.iter().map(|(_, cost)| *cost));
        let across = Logarithm::of_values(costs, [left, right]);
        let up = Axis::of_values(self.range.clone());
        let y = |accuracy: f64| up.map(&(100.0 * accuracy).clamp(self.range.start, self.range.end), (bottom, top));
        self.draw_grid(area, &across, &up, [left, top, right, bottom])?;
        if points.is_empty() {
            let middle = ((left + right) / 2, top + 40);
            area.draw_text("nothing of ours is measured yet", &text(TEXT_SIZE, FAINT, HPos::Center), middle)?;
        }

        let mut labels = Labels::within([left + 2, top, right, bottom - 2]);
        let best = best(&points);
        let line: Vec<(i32, i32)> = best.iter().map(|(point, cost)| (across.place(*cost), y(point.accuracy))).collect();
        for (from, to) in line.iter().zip(line.iter().skip(1)) {
            labels.keep_line_free(*from, *to);
        }
        area.draw(&PathElement::new(line, FAINT.stroke_width(1)))?;
        for (rival, cost) in &rivals {
            let place = (across.place(*cost), y(rival.accuracy));
            labels.keep_free(place, MARK);
            draw_cross(area, place)?;
        }
        for (point, cost) in &points {
            let (x, middle) = (across.place(*cost), y(point.accuracy));
            labels.keep_free((x, middle), MARK + 1);
            if let Some(spread) = point.spread {
                let ends = [y(point.accuracy - spread), y(point.accuracy + spread)];
                labels.keep_line_free((x, ends[0]), (x, ends[1]));
                draw_spread(area, x, ends, point.kind.colour())?;
            }
            draw_mark(area, (x, middle), point.kind, point.is_rounded)?;
        }
        // Networks on the line are labelled first: they need room most.
        let is_best = |point: &FrontierPoint| best.iter().any(|(best, _)| std::ptr::eq(*best, point));
        let (first, others): (Vec<_>, Vec<_>) = points.iter().partition(|(point, _)| is_best(point));
        let place = |accuracy: f64, cost: f64| (across.place(cost), y(accuracy));
        let ours = |(point, cost): &(&FrontierPoint, f64)| {
            (point.name.clone(), place(point.accuracy, *cost), point.kind.colour())
        };
        let theirs = rivals.iter().map(|(rival, cost)| (rival.name.to_owned(), place(rival.accuracy, *cost), INK));
        for (name, place, colour) in first.into_iter().map(ours).chain(theirs).chain(others.into_iter().map(ours)) {
            let name = fit(&name, TEXT_SIZE, 240.0);
            let Some(Label { start, leader }) = labels.place(&name, TEXT_SIZE, place) else { continue };
            if let Some(end) = leader {
                area.draw(&PathElement::new([place, end], colour))?;
            }
            area.draw_text(&name, &text(TEXT_SIZE, colour, HPos::Left), start)?;
        }
        Ok(())
    }

    fn draw_grid(
        &self,
        area: &Area<'_>,
        across: &Logarithm,
        up: &Axis,
        [left, top, right, bottom]: [i32; 4],
    ) -> Result<(), PlotError> {
        for tick in up.key_points(BoldPoints(0)) {
            let y = up.map(&tick, (bottom, top));
            area.draw(&PathElement::new([(left, y), (right, y)], GRID))?;
            area.draw_text(&format!("{} %", up.format_ext(&tick)), &text(TEXT_SIZE, INK, HPos::Right), (left - 8, y))?;
        }
        for tick in across.ticks() {
            let x = across.place(tick);
            area.draw(&PathElement::new([(x, top), (x, bottom)], GRID))?;
            area.draw_text(&short(tick), &text(TEXT_SIZE, INK, HPos::Center), (x, bottom + 14))?;
        }
        area.draw(&PathElement::new([(left, top), (left, bottom), (right, bottom)], FAINT))?;
        let unit = text(TEXT_SIZE, INK, HPos::Center);
        area.draw_text(self.unit, &unit, ((left + right) / 2, bottom + 34))?;
        Ok(())
    }
}

/// Returns the points that are more accurate than all cheaper ones, the cheapest first.
fn best<'a>(points: &[(&'a FrontierPoint, f64)]) -> Vec<(&'a FrontierPoint, f64)> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|(one, cost), (other, other_cost)| {
        cost.total_cmp(other_cost).then(other.accuracy.total_cmp(&one.accuracy))
    });
    let mut largest = f64::NEG_INFINITY;
    sorted.retain(|(point, _)| {
        let is_better = point.accuracy > largest;
        largest = largest.max(point.accuracy);
        is_better
    });
    sorted
}

/// Formats a tick in few characters.
fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{} M", value / 1e6),
        1e3.. => format!("{} k", value / 1e3),
        _ => format!("{value}"),
    }
}

fn draw_mark(area: &Area<'_>, (x, y): (i32, i32), kind: FrontierKind, is_hollow: bool) -> Result<(), PlotError> {
    let colour = kind.colour();
    let style = if is_hollow { WHITE.filled() } else { colour.filled() };
    let corners: Vec<_> = kind.corners().iter().map(|(right, down)| (x + right, y + down)).collect();
    let Some(first) = corners.first().copied() else {
        area.draw(&Circle::new((x, y), MARK, style))?;
        return Ok(area.draw(&Circle::new((x, y), MARK, colour.stroke_width(2)))?);
    };
    area.draw(&Polygon::new(corners.clone(), style))?;
    let closed: Vec<_> = corners.into_iter().chain([first]).collect();
    Ok(area.draw(&PathElement::new(closed, colour.stroke_width(2)))?)
}

fn draw_cross(area: &Area<'_>, (x, y): (i32, i32)) -> Result<(), PlotError> {
    let line = INK.stroke_width(2);
    area.draw(&PathElement::new([(x - 5, y - 5), (x + 5, y + 5)], line))?;
    Ok(area.draw(&PathElement::new([(x - 5, y + 5), (x + 5, y - 5)], line))?)
}

fn draw_spread(area: &Area<'_>, x: i32, [from, to]: [i32; 2], colour: RGBColor) -> Result<(), PlotError> {
    area.draw(&PathElement::new([(x, from), (x, to)], colour))?;
    for end in [from, to] {
        area.draw(&PathElement::new([(x - 4, end), (x + 4, end)], colour))?;
    }
    Ok(())
}

fn draw_legend(area: &Area<'_>, points: &[FrontierPoint], has_rivals: bool, y: i32) -> Result<(), PlotError> {
    let mut x = MARGIN + 8;
    // Writes the meaning of the mark at `x`, and moves `x` to the next mark.
    let name = |what: &str, x: &mut i32| -> Result<(), PlotError> {
        area.draw_text(what, &text(TEXT_SIZE, INK, HPos::Left), (*x + 14, y))?;
        *x += 14 + width(what, TEXT_SIZE) as i32 + 18;
        Ok(())
    };
    for kind in FrontierKind::ALL.into_iter().filter(|kind| points.iter().any(|point| point.kind == *kind)) {
        draw_mark(area, (x, y), kind, false)?;
        name(kind.name(), &mut x)?;
    }
    if let Some(rounded) = points.iter().find(|point| point.is_rounded) {
        draw_mark(area, (x, y), rounded.kind, true)?;
        name("only rounded", &mut x)?;
    }
    if points.iter().any(|point| point.spread.is_some()) {
        draw_spread(area, x, [y - 8, y + 8], INK)?;
        name("one standard deviation", &mut x)?;
    }
    if has_rivals {
        draw_cross(area, (x, y))?;
        name("others", &mut x)?;
    }
    area.draw(&PathElement::new([(x - 8, y), (x + 8, y)], FAINT))?;
    name("the best of ours", &mut x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, kind: FrontierKind, accuracy: f64, instructions: f64) -> FrontierPoint {
        let bytes = 1.5 * instructions;
        FrontierPoint {
            name: name.to_owned(),
            kind,
            is_rounded: false,
            accuracy,
            spread: None,
            instructions: Some(instructions),
            bytes,
        }
    }

    fn rival() -> FrontierRival {
        FrontierRival { name: "rival", accuracy: 0.8858, instructions: Some(202_459.0), bytes: Some(102_184.0) }
    }

    #[test]
    fn the_line_connects_the_best_networks() {
        let points = [
            point("a", FrontierKind::Eight, 0.90, 1000.0),
            point("worse", FrontierKind::Eight, 0.89, 2000.0),
            point("b", FrontierKind::Eight, 0.91, 3000.0),
            point("equal at higher cost", FrontierKind::Eight, 0.91, 3001.0),
            point("worse at equal cost", FrontierKind::Eight, 0.88, 1000.0),
        ];
        let points: Vec<_> = points.iter().map(|point| (point, point.instructions.unwrap())).collect();
        let names: Vec<_> = best(&points).iter().map(|(point, _)| point.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn kinds_names_spreads_and_rivals_are_shown() {
        let spread = FrontierPoint { spread: Some(0.001), ..point("<256>", FrontierKind::Pruned, 0.913, 20e3) };
        let ruined = FrontierPoint { is_rounded: true, ..point("128", FrontierKind::Ternary, 0.7, 60e3) };
        let svg = frontier(&[spread, ruined], &[rival()], &["source & year"]).unwrap();
        for text in ["&lt;256&gt;", "8 bits, pruned", "one standard deviation", "rival", "source &amp; year", "200 k"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(svg.contains("Below the chart: 128, ternary, rounded, 70.0 %"), "{svg}");
        assert!(!svg.contains("4 bits"), "{svg}");
    }

    #[test]
    fn empty_lists_can_be_drawn() {
        let svg = frontier(&[], &[], &[]).unwrap();
        assert_eq!(svg.matches("nothing of ours is measured yet").count(), 2);
        let unmeasured = FrontierPoint { instructions: None, ..point("x", FrontierKind::Four, f64::NAN, 1.0) };
        frontier(&[unmeasured], &[rival()], &[]).unwrap();
    }
}
