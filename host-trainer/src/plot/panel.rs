//! A panel of a plot: curves over epochs, between axes that fit them.

use std::ops::RangeInclusive;

use maud::{Markup, html};

use super::axis::Axis;
use super::labels::{Label, Labels};
use host_support::mark::Look;
use host_support::style::{TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, axes, axis_line, faint_text, text};

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

/// Room beyond the values of most epochs, as a share of their range, if other values are cut.
const CUT_ROOM: f64 = 0.3;

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

/// The end of an axis with the good values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

/// The content of a panel.
pub struct Panel<'a> {
    pub title: &'a str,
    /// The other end is cut if a few epochs would take most of the axis.
    pub better: Better,
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
        let fitted = self.fitted();
        let values = self.values().filter(|value| fitted.contains(value));
        let up = Axis::fitting(values.chain(self.points.iter().map(|point| point.value)));
        let shown = up.range().start..=up.range().end;
        let across = Axis::of_epochs(self.last);
        let place = |epoch: f64, value: f64| [across.place(epoch, [left, right]), up.place(value, [bottom, top])];
        let content = html! {
            (text([f64::midpoint(left, right), 20.0], Anchor::Middle, TITLE_SIZE - 2, self.title))
            (grid(&across, &up))
            @if let Some(kept) = self.kept { (kept_line(across.place(kept.into(), [left, right]))) }
            @for curve in &self.curves {
                (curve.look.curve(curve.within(&shown).map(|(epoch, value)| place(epoch, value))))
                @for (epoch, value) in curve.marked().filter(|(_, value)| shown.contains(value)) {
                    (curve.look.mark(place(epoch, value)))
                }
            }
            (self.cut_note(&shown))
            @for point in &self.points { (point.look.ring(place(point.epoch, point.value))) }
            (self.labels(&shown, place))
        };
        Drawing { size: SIZE, content }
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.curves.iter().flat_map(|curve| curve.points).map(|(_, value)| *value)
    }

    /// Returns the range that the axis fits: that of all values, or without those of a few epochs
    /// if they would take most of the axis.
    fn fitted(&self) -> RangeInclusive<f64> {
        let mut values: Vec<f64> = self.values().collect();
        values.sort_by(f64::total_cmp);
        let [first, .., last] = values.as_slice() else { return f64::MIN..=f64::MAX };
        // The limits of the tenth that may be cut, below and above.
        let few = values.len() / 10;
        let [low, high] = [values[few], values[values.len() - 1 - few]];
        match self.better {
            Better::Higher if few > 0 && *first < low - (last - low) => low - CUT_ROOM * (last - low)..=f64::MAX,
            Better::Lower if few > 0 && *last > high + (high - first) => f64::MIN..=high + CUT_ROOM * (high - first),
            _ => f64::MIN..=f64::MAX,
        }
    }

    /// Names the value that is the farthest outside `shown`, where curves seldom are.
    fn cut_note(&self, shown: &RangeInclusive<f64>) -> Markup {
        let [left, top, right, bottom] = FRAME;
        let outside: Vec<f64> = self.values().filter(|value| !shown.contains(value)).collect();
        let (farthest, y, way) = match self.better {
            Better::Higher => (outside.into_iter().reduce(f64::min), bottom - 10.0, "\u{2193} down to"),
            Better::Lower => (outside.into_iter().reduce(f64::max), top + 10.0, "\u{2191} up to"),
        };
        html! {
            @if let Some(value) = farthest {
                @let middle = [f64::midpoint(left, right), y];
                (faint_text(middle, Anchor::Middle, TEXT_SIZE - 2, &format!("cut: {way} {value:.3}")))
            }
        }
    }

    /// Returns the names of curves and points next to their ends. Those at the last epoch are moved
    /// apart; others are where they cover no curve, or left out.
    fn labels(&self, shown: &RangeInclusive<f64>, place: impl Fn(f64, f64) -> [f64; 2]) -> Markup {
        let [left, top, right, bottom] = FRAME;
        let ends = self.curves.iter().filter_map(|curve| Some((*curve.points.last()?, curve.label?)));
        let points = self.points.iter().filter_map(|point| Some(((point.epoch, point.value), point.label?)));
        let all = ends.chain(points).filter(|((_, value), _)| shown.contains(value));
        let labels = all.map(|((epoch, value), label)| (place(epoch, value), label));
        let end = place(self.last.into(), 0.0)[0];
        let (mut last, earlier): (Vec<_>, Vec<_>) = labels.partition(|([x, _], _)| *x >= end);
        if last.len() + earlier.len() > MAX_LABELS {
            return Markup::default();
        }
        last.sort_by(|one, other| one.0[1].total_cmp(&other.0[1]));
        let apart = spread(last.iter().map(|([_, y], _)| *y).collect(), [top, bottom]);
        let last = last.into_iter().zip(apart).map(|(([x, _], label), y)| ([x + 15.0, y], label));

        let mut free = Labels::within([left, top, right, bottom]);
        if !earlier.is_empty() {
            for curve in &self.curves {
                let line: Vec<_> = curve.within(shown).map(|(epoch, value)| place(epoch, value)).collect();
                line.windows(2).for_each(|pair| free.keep_line_free(pair[0], pair[1]));
            }
            self.points.iter().for_each(|point| free.keep_free(place(point.epoch, point.value), 6.0));
        }
        let earlier = earlier.into_iter().filter_map(|(end, label)| {
            let Label { start, leader } = free.place(label, TEXT_SIZE, end)?;
            Some((start, leader.map(|leader| axis_line(end, leader)), label))
        });
        html! {
            @for (start, leader, label) in earlier {
                @if let Some(leader) = leader { (leader) }
                (text(start, Anchor::Start, TEXT_SIZE, label))
            }
            @for (start, label) in last { (text(start, Anchor::Start, TEXT_SIZE, label)) }
        }
    }
}

impl Curve<'_> {
    /// Returns the curve inside `shown`. Where it leaves, it ends at the limit.
    fn within(&self, shown: &RangeInclusive<f64>) -> impl Iterator<Item = (f64, f64)> {
        let crossing = |pair: &[(f64, f64)]| {
            let [(from, start), (to, end)] = [pair[0], pair[1]];
            let limit = if f64::min(start, end) < *shown.start() { *shown.start() } else { *shown.end() };
            (from + (to - from) * (limit - start) / (end - start), limit)
        };
        let is_inside = |point: &(f64, f64)| shown.contains(&point.1);
        let segments = self.points.windows(2).flat_map(move |pair| {
            let crosses = is_inside(&pair[0]) != is_inside(&pair[1]);
            [crosses.then(|| crossing(pair)), Some(pair[1]).filter(is_inside)]
        });
        self.points.first().copied().filter(is_inside).into_iter().chain(segments.flatten())
    }

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
        (axes(FRAME, across.placed([left, right]), up.placed([bottom, top]), 7.0, TEXT_SIZE))
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

    fn panel<'a>(better: Better, curves: &'a [Vec<(f64, f64)>]) -> Panel<'a> {
        let curve = |(place, points): (usize, &'a Vec<(f64, f64)>)| Curve {
            points,
            look: Look::new(place, place),
            label: Some("name"),
            place,
        };
        let last = curves.iter().map(Vec::len).max().unwrap_or(1) as u32;
        Panel {
            title: "",
            better,
            last,
            curves: curves.iter().enumerate().map(curve).collect(),
            points: vec![],
            kept: None,
        }
    }

    fn points(values: impl IntoIterator<Item = f64>) -> Vec<(f64, f64)> {
        values.into_iter().zip(1..).map(|(value, epoch)| (f64::from(epoch), value)).collect()
    }

    #[test]
    fn first_epochs_that_would_stretch_the_axis_are_cut_and_named() {
        let rising = |first: f64| points([first].into_iter().chain((0..19).map(|step| 0.85 + 0.002 * f64::from(step))));
        let drawn = |better, curve: Vec<(f64, f64)>| panel(better, &[curve]).draw().content.into_string();
        let cut = drawn(Better::Higher, rising(0.3));
        assert!(cut.contains("cut: \u{2193} down to 0.300") && !cut.contains(">0.3"), "{cut}");
        assert!(!drawn(Better::Higher, rising(0.84)).contains("cut"));
        let falling: Vec<_> = rising(0.3).into_iter().map(|(epoch, value)| (epoch, 1.0 - value)).collect();
        assert!(drawn(Better::Lower, falling).contains("cut: \u{2191} up to 0.700"));
        // A few epochs are all shown.
        assert!(!drawn(Better::Higher, points([0.1, 0.8, 0.85, 0.86, 0.87])).contains("cut"));
        let curves = [points([0.0, 1.0, 3.0, 1.0])];
        let panel = panel(Better::Higher, &curves);
        let within: Vec<_> = panel.curves[0].within(&(0.5..=2.0)).collect();
        assert_eq!(within, [(1.5, 0.5), (2.0, 1.0), (2.5, 2.0), (3.5, 2.0), (4.0, 1.0)]);
    }

    #[test]
    fn the_name_of_a_short_curve_covers_no_longer_one() {
        let curves = [points([0.5, 0.6, 0.65]), points((0..30).map(|step| 0.5 + 0.015 * f64::from(step)))];
        let svg = panel(Better::Higher, &curves).draw().content.into_string();
        assert_eq!(svg.matches(">name<").count(), 2, "{svg}");
        // Without room, the legend alone has the name.
        let dense: Vec<_> = (0..60).map(|curve| points((0..30).map(|_| f64::from(curve)))).collect();
        let mut panel = panel(Better::Higher, &dense);
        panel.curves.iter_mut().for_each(|curve| curve.label = None);
        let short = points([30.0]);
        panel.curves.push(Curve { points: &short, look: Look::new(0, 0), label: Some("name"), place: 0 });
        assert!(!panel.draw().content.into_string().contains(">name<"));
    }
}
