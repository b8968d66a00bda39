//! A panel of a plot: curves over epochs, between axes that fit them.

use maud::{Markup, html};

use super::axis::Axis;
use super::mark::Look;
use host_support::style::{TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, axis_line, faint_text, grid_line, text};

/// Size of a panel, in pixels: on a phone its text is still readable.
pub const SIZE: [f64; 2] = [480.0, 340.0];

/// Corners of the area between the axes: left, top, right, bottom.
const FRAME: [f64; 4] = [52.0, 44.0, 388.0, 294.0];

/// Smallest distance of two labels, in pixels.
const LABEL_LINE: f64 = 15.0;

/// Most labels next to each other.
const MAX_LABELS: usize = 14;

/// Most epochs of which each is a mark; on a longer curve they would overlap.
const MAX_MARKS: usize = 20;

/// Marks of a longer curve.
const SPARSE_MARKS: usize = 5;

/// A curve over the epochs.
pub struct Curve<'a> {
    /// `(epoch, value)`, with finite values.
    pub points: &'a [(f64, f64)],
    pub look: Look,
    /// Its name next to its end, if it has one.
    pub label: Option<&'a str>,
    /// Its place among the curves: marks of different curves are at different epochs.
    pub place: usize,
}

/// A single value.
pub struct Point<'a> {
    pub epoch: f64,
    pub value: f64,
    pub look: Look,
    pub label: Option<&'a str>,
}

/// The content of a panel.
pub struct Panel<'a> {
    pub title: &'a str,
    /// The last epoch.
    pub last: u32,
    pub curves: Vec<Curve<'a>>,
    pub points: Vec<Point<'a>>,
    /// The epoch whose network was kept.
    pub kept: Option<u32>,
}

impl Panel<'_> {
    pub fn draw(&self) -> Drawing {
        let [left, top, right, bottom] = FRAME;
        let curves = self.curves.iter().flat_map(|curve| curve.points).map(|(_, value)| *value);
        let up = Axis::fitting(curves.chain(self.points.iter().map(|point| point.value)));
        let across = Axis::of_epochs(self.last);
        let place = |epoch: f64, value: f64| [across.place(epoch, [left, right]), up.place(value, [bottom, top])];
        let content = html! {
            (text([f64::midpoint(left, right), 20.0], Anchor::Middle, TITLE_SIZE - 2, self.title))
            (grid(&across, &up))
            @if let Some(kept) = self.kept { (kept_line(across.place(kept.into(), [left, right]))) }
            @for curve in &self.curves {
                (curve.look.curve(curve.points.iter().map(|&(epoch, value)| place(epoch, value))))
                @for (epoch, value) in curve.marked() { (curve.look.mark(place(epoch, value))) }
            }
            @for point in &self.points { (point.look.ring(place(point.epoch, point.value))) }
            (self.labels(place))
        };
        Drawing { size: SIZE, content }
    }

    /// Returns the names of curves and points next to their ends. Those at the last epoch are moved
    /// apart.
    fn labels(&self, place: impl Fn(f64, f64) -> [f64; 2]) -> Markup {
        let [_, top, _, bottom] = FRAME;
        let ends = self.curves.iter().filter_map(|curve| Some((*curve.points.last()?, curve.label?)));
        let points = self.points.iter().filter_map(|point| Some(((point.epoch, point.value), point.label?)));
        let labels = ends.chain(points).map(|((epoch, value), label)| (place(epoch, value), label));
        let right = place(self.last.into(), 0.0)[0];
        let (mut last, earlier): (Vec<_>, Vec<_>) = labels.partition(|([x, _], _)| *x >= right);
        if last.len() + earlier.len() > MAX_LABELS {
            return Markup::default();
        }
        last.sort_by(|one, other| one.0[1].total_cmp(&other.0[1]));
        let apart = spread(last.iter().map(|([_, y], _)| *y).collect(), [top, bottom]);
        let last = last.into_iter().zip(apart).map(|(([x, _], label), y)| ([x + 7.0, y], label));
        html! {
            @for ([x, y], label) in earlier.into_iter().chain(last) {
                (text([x + 8.0, y], Anchor::Start, TEXT_SIZE, label))
            }
        }
    }
}

impl Curve<'_> {
    /// Returns the points that are marked.
    fn marked(&self) -> impl Iterator<Item = (f64, f64)> {
        let count = self.points.len();
        let (first, step) = if count <= MAX_MARKS {
            (0, 1)
        } else {
            let step = count / SPARSE_MARKS;
            (step / 2 + self.place * step / 7 % step, step)
        };
        self.points.iter().skip(first).step_by(step).copied()
    }
}

fn grid(across: &Axis, up: &Axis) -> Markup {
    let [left, top, right, bottom] = FRAME;
    html! {
        @for (tick, label) in up.ticks() {
            @let y = up.place(tick, [bottom, top]);
            (grid_line([left, y], [right, y]))
            (text([left - 7.0, y], Anchor::End, TEXT_SIZE, &label))
        }
        @for (tick, label) in across.ticks() {
            @let x = across.place(tick, [left, right]);
            (grid_line([x, top], [x, bottom]))
            (text([x, bottom + 14.0], Anchor::Middle, TEXT_SIZE, &label))
        }
        (axis_line([left, top], [left, bottom]))
        (axis_line([left, bottom], [right, bottom]))
        (text([f64::midpoint(left, right), bottom + 34.0], Anchor::Middle, TEXT_SIZE, "epoch"))
    }
}

fn kept_line(x: f64) -> Markup {
    let [_, top, _, bottom] = FRAME;
    html! {
        g stroke-dasharray="2 4" { (axis_line([x, top - 1.0], [x, bottom])) }
        (faint_text([x, top - 8.0], Anchor::Middle, TEXT_SIZE - 2, "kept"))
    }
}

/// Moves sorted positions apart, so that neighbours have [`LABEL_LINE`] between them, and keeps
/// them in bounds if there is room.
fn spread(mut places: Vec<f64>, [top, bottom]: [f64; 2]) -> Vec<f64> {
    let mut least = top;
    for place in &mut places {
        *place = place.max(least);
        least = *place + LABEL_LINE;
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - LABEL_LINE;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_overlap() {
        assert_eq!(spread(vec![10.0, 12.0, 90.0], [0.0, 100.0]), [10.0, 25.0, 90.0]);
        assert_eq!(spread(vec![95.0, 98.0, 99.0], [0.0, 100.0]), [70.0, 85.0, 100.0]);
        assert_eq!(spread(vec![-5.0], [0.0, 100.0]), [0.0]);
    }
}
