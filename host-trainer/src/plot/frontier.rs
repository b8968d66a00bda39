//! A chart of accuracy against cost: instructions per image, bytes of the model, and RAM.

use std::ops::Range;

use host_support::mark::Look;
use host_support::style::{MARGIN, TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, axes, axis_line, faint_text, ink_line, text};
use maud::{Markup, html};

use super::axis::Axis;
use super::labels::{Label, Labels};
use super::legend::Legend;
use super::logarithm::Logarithm;
use super::text::fit;

const WIDTH: f64 = 900.0;
const TITLE_HEIGHT: f64 = 44.0;
const LEGEND_LINE: f64 = 24.0;
const PANEL_HEIGHT: f64 = 380.0;

/// Width of the axis at the left of a panel, and height of the one below, in pixels.
const AXES: [f64; 2] = [58.0, 56.0];

/// Height of a line of the foot, in pixels.
const FOOT_LINE: f64 = 19.0;

/// Scale and radius of a mark.
const SCALE: f64 = 1.5;
const RADIUS: f64 = 6.0;

/// Largest width of a label, in pixels.
const MAX_LABEL: f64 = 220.0;

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

/// The costs of a network that are known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrontierCost {
    /// Instructions per image.
    pub instructions: Option<f64>,
    /// Bytes of the model.
    pub bytes: Option<f64>,
    /// Bytes of RAM for inference.
    pub ram: Option<f64>,
}

/// Returns the cost that a panel shows.
type CostOf = fn(&FrontierCost) -> Option<f64>;

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
    pub cost: FrontierCost,
}

/// A network of another project. The panels of its unknown costs do not show it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrontierRival {
    pub name: &'static str,
    /// Accuracy on test images, 0..=1.
    pub accuracy: f64,
    pub cost: FrontierCost,
    /// True if accuracy and cost are those that its authors published; false if we measured them.
    pub is_published: bool,
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

    /// Returns its look. Shapes differ for readers who cannot distinguish the colours.
    fn look(self) -> Look {
        Look::new(self as usize, 0)
    }
}

/// Plots test accuracy of `points` and `rivals` against each cost. The lines of `source` name the
/// sources of the rivals' figures.
pub fn frontier(points: &[FrontierPoint], rivals: &[FrontierRival], source: &[&str]) -> String {
    let range = range(points, rivals);
    let hidden = points.iter().filter(|point| 100.0 * point.accuracy < range.start).map(describe).collect::<Vec<_>>();
    let below = (!hidden.is_empty()).then(|| format!("Below the chart: {}.", hidden.join("; ")));
    let foot: Vec<&str> = below.as_deref().into_iter().chain(source.iter().copied()).collect();
    let (legend, legend_height) = legend(points, rivals);
    let top = TITLE_HEIGHT + legend_height;
    let panels: [(&str, CostOf); 3] = [
        ("instructions per image on an emulated Cortex-M4", |cost| cost.instructions),
        ("bytes of the model", |cost| cost.bytes),
        ("bytes of RAM; ours with the deepest stack of the firmware", |cost| cost.ram),
    ];
    let bottom = top + PANEL_HEIGHT * panels.len() as f64;
    let margin = f64::from(MARGIN);
    let content = html! {
        (text([WIDTH / 2.0, TITLE_HEIGHT / 2.0], Anchor::Middle, TITLE_SIZE, "Accuracy on test images, against cost"))
        (legend)
        @for (index, (unit, of)) in panels.into_iter().enumerate() {
            (Panel::new(top + PANEL_HEIGHT * index as f64, unit, range.clone(), of, points, rivals).draw())
        }
        @for (index, line) in foot.iter().enumerate() {
            @let y = bottom + FOOT_LINE * (index as f64 + 0.5);
            (faint_text([margin, y], Anchor::Start, TEXT_SIZE - 1, &fit(line, TEXT_SIZE, 1.3 * (WIDTH - 2.0 * margin))))
        }
    };
    Drawing { size: [WIDTH, bottom + FOOT_LINE * foot.len() as f64 + margin], content }
        .document("Accuracy on test images, against instructions, bytes of the model, and RAM")
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

/// One of the panels.
struct Panel<'a> {
    unit: &'static str,
    /// Corners of the area between the axes: left, top, right, bottom.
    frame: [f64; 4],
    across: Logarithm,
    up: Axis,
    /// With their costs.
    points: Vec<(&'a FrontierPoint, f64)>,
    rivals: Vec<(&'a FrontierRival, f64)>,
}

impl<'a> Panel<'a> {
    /// Returns the panel at `top` of the cost that `of` returns, and of accuracies in `range`, in
    /// percent.
    fn new(
        top: f64,
        unit: &'static str,
        range: Range<f64>,
        of: CostOf,
        points: &'a [FrontierPoint],
        rivals: &'a [FrontierRival],
    ) -> Self {
        let points = points.iter().filter(|point| 100.0 * point.accuracy >= range.start);
        let points: Vec<_> = points.filter_map(|point| Some((point, of(&point.cost)?))).collect();
        let rivals: Vec<_> = rivals.iter().filter_map(|rival| Some((rival, of(&rival.cost)?))).collect();
        let margin = f64::from(MARGIN);
        let frame = [margin + AXES[0], top + 6.0, WIDTH - margin, top + PANEL_HEIGHT - AXES[1]];
        let costs = points.iter().map(|(_, cost)| *cost).chain(rivals.iter().map(|(_, cost)| *cost));
        let across = Logarithm::of_values(costs, [frame[0], frame[2]]);
        Self { unit, frame, across, up: Axis::of_values(range), points, rivals }
    }

    /// Returns the position of a network.
    fn place(&self, accuracy: f64, cost: f64) -> [f64; 2] {
        let Range { start, end } = self.up.range();
        let [_, top, _, bottom] = self.frame;
        [self.across.place(cost), self.up.place((100.0 * accuracy).clamp(start, end), [bottom, top])]
    }

    fn draw(&self) -> Markup {
        let [left, top, right, _] = self.frame;
        let best = best(&self.points);
        let line: Vec<[f64; 2]> = best.iter().map(|(point, cost)| self.place(point.accuracy, *cost)).collect();
        html! {
            (self.grid())
            @if self.points.is_empty() {
                (faint_text(
                    [f64::midpoint(left, right), top + 40.0], Anchor::Middle, TEXT_SIZE,
                    "nothing of ours is measured yet"
                ))
            }
            @for pair in line.windows(2) { (axis_line(pair[0], pair[1])) }
            @for (rival, cost) in &self.rivals { (cross(self.place(rival.accuracy, *cost), rival.is_published)) }
            @for (point, cost) in &self.points {
                @if let Some(spread) = point.spread {
                    @let [from, to] = [point.accuracy - spread, point.accuracy + spread];
                    (point.kind.look().spread(self.place(from, *cost), self.place(to, *cost)))
                }
                (point.kind.look().sized(self.place(point.accuracy, *cost), SCALE, point.is_rounded))
            }
            (self.labels(&best, &line))
        }
    }

    /// Returns the names, as far as there is room: first those of networks on the `line`, which
    /// need it most.
    fn labels(&self, best: &[(&FrontierPoint, f64)], line: &[[f64; 2]]) -> Markup {
        let [left, top, right, bottom] = self.frame;
        let mut labels = Labels::within([left + 2.0, top, right, bottom - 2.0]);
        line.windows(2).for_each(|pair| labels.keep_line_free(pair[0], pair[1]));
        for (point, cost) in &self.points {
            let place = self.place(point.accuracy, *cost);
            labels.keep_free(place, RADIUS + 1.0);
            if let Some(spread) = point.spread {
                let end = |accuracy: f64| self.place(accuracy, *cost);
                labels.keep_line_free(end(point.accuracy - spread), end(point.accuracy + spread));
            }
        }
        let is_best = |point: &FrontierPoint| best.iter().any(|(best, _)| std::ptr::eq(*best, point));
        let (first, others): (Vec<_>, Vec<_>) = self.points.iter().partition(|(point, _)| is_best(point));
        let ours = |(point, cost): &(&'a FrontierPoint, f64)| (point.name.as_str(), self.place(point.accuracy, *cost));
        let theirs = self.rivals.iter().map(|(rival, cost)| (rival.name, self.place(rival.accuracy, *cost)));
        let theirs: Vec<_> = theirs.collect();
        theirs.iter().for_each(|(_, place)| labels.keep_free(*place, RADIUS));
        let all = first.into_iter().map(ours).chain(theirs).chain(others.into_iter().map(ours));
        let placed = all.filter_map(|(name, place)| {
            let name = fit(name, TEXT_SIZE - 1, MAX_LABEL);
            let label = labels.place(&name, TEXT_SIZE - 1, place)?;
            Some((name, place, label))
        });
        html! {
            @for (name, place, Label { start, leader }) in placed {
                @if let Some(end) = leader { (axis_line(place, end)) }
                (text(start, Anchor::Start, TEXT_SIZE - 1, &name))
            }
        }
    }

    fn grid(&self) -> Markup {
        let [left, top, right, bottom] = self.frame;
        let across = self.across.ticks().into_iter().map(|tick| (self.across.place(tick), short(tick)));
        let up = self.up.placed([bottom, top]).map(|(y, label)| (y, format!("{label} %")));
        html! {
            (axes(self.frame, across, up, 8.0, TEXT_SIZE))
            (text([f64::midpoint(left, right), bottom + 34.0], Anchor::Middle, TEXT_SIZE, self.unit))
        }
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

/// Returns the mark of another project's network: upright if its figures are published ones.
fn cross([x, y]: [f64; 2], is_published: bool) -> Markup {
    let lines = if is_published {
        [[[x - 6.0, y], [x + 6.0, y]], [[x, y - 6.0], [x, y + 6.0]]]
    } else {
        [[[x - 5.0, y - 5.0], [x + 5.0, y + 5.0]], [[x - 5.0, y + 5.0], [x + 5.0, y - 5.0]]]
    };
    html! { g stroke-width="2" { @for [from, to] in lines { (ink_line(from, to)) } } }
}

/// Returns the meaning of the marks, below the title, and its height.
fn legend(points: &[FrontierPoint], rivals: &[FrontierRival]) -> (Markup, f64) {
    let margin = f64::from(MARGIN);
    let mut legend = Legend::new([margin + 8.0, WIDTH - margin], TITLE_HEIGHT, LEGEND_LINE);
    for kind in FrontierKind::ALL.into_iter().filter(|kind| points.iter().any(|point| point.kind == *kind)) {
        legend.add(kind.name(), |point| kind.look().sized(point, SCALE, false));
    }
    if let Some(rounded) = points.iter().find(|point| point.is_rounded) {
        legend.add("only rounded", |point| rounded.kind.look().sized(point, SCALE, true));
    }
    if let Some(spread) = points.iter().find(|point| point.spread.is_some()) {
        legend.add("one standard deviation", |[x, y]| spread.kind.look().spread([x, y - 8.0], [x, y + 8.0]));
    }
    for (is_published, name) in [(false, "others, measured by us"), (true, "others, as published")] {
        if rivals.iter().any(|rival| rival.is_published == is_published) {
            legend.add(name, |point| cross(point, is_published));
        }
    }
    legend.add("the best of ours", |[x, y]| axis_line([x - 8.0, y], [x + 8.0, y]));
    legend.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, kind: FrontierKind, accuracy: f64, instructions: f64) -> FrontierPoint {
        let cost = FrontierCost {
            instructions: Some(instructions),
            bytes: Some(1.5 * instructions),
            ram: Some(0.1 * instructions),
        };
        FrontierPoint { name: name.to_owned(), kind, is_rounded: false, accuracy, spread: None, cost }
    }

    fn rival() -> FrontierRival {
        let cost = FrontierCost { instructions: Some(202_459.0), bytes: Some(102_184.0), ram: None };
        FrontierRival { name: "rival", accuracy: 0.8858, cost, is_published: false }
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
        let points: Vec<_> = points.iter().map(|point| (point, point.cost.instructions.unwrap())).collect();
        let names: Vec<_> = best(&points).iter().map(|(point, _)| point.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn kinds_names_spreads_and_rivals_are_shown() {
        let spread = FrontierPoint { spread: Some(0.001), ..point("<256>", FrontierKind::Pruned, 0.913, 20e3) };
        let ruined = FrontierPoint { is_rounded: true, ..point("128", FrontierKind::Ternary, 0.7, 60e3) };
        let svg = frontier(&[spread, ruined], &[rival()], &["source & year"]);
        for text in [
            "&lt;256&gt;",
            "8 bits, pruned",
            "one standard deviation",
            "rival",
            "source &amp; year",
            "200 k",
            "others, measured by us",
        ] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(svg.contains("Below the chart: 128, ternary, rounded, 70.0 %"), "{svg}");
        assert!(!svg.contains("4 bits") && !svg.contains("as published"), "{svg}");
    }

    #[test]
    fn empty_lists_can_be_drawn() {
        let svg = frontier(&[], &[], &[]);
        assert_eq!(svg.matches("nothing of ours is measured yet").count(), 3);
        let unmeasured =
            FrontierPoint { cost: FrontierCost::default(), ..point("x", FrontierKind::Four, f64::NAN, 1.0) };
        assert!(!frontier(&[unmeasured], &[rival()], &[]).contains("NaN"));
    }
}
