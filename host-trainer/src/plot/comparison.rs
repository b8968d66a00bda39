//! A chart of the accuracies of several networks.

use std::ops::Range;

use host_support::mark::Look;
use host_support::style::{MARGIN, TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, axis_line, faint_text, grid_line, text};
use maud::{Markup, html};

use super::axis::Axis;
use super::legend::Legend;
use super::text::{fit, width};

const WIDTH: f64 = 860.0;
const TITLE_HEIGHT: f64 = 64.0;
const ROW: f64 = 56.0;
const AXIS_HEIGHT: f64 = 50.0;
const LEGEND_LINE: f64 = 26.0;

/// Width of the two columns of numbers at the right, in pixels.
const NUMBERS: f64 = 236.0;

/// Right ends of the two columns.
const COLUMNS: [f64; 2] = [WIDTH - NUMBERS + 80.0, WIDTH - 16.0];

/// Largest width of a name at the left, in pixels.
const MAX_NAME_WIDTH: f64 = 220.0;

/// Distance of a row's two lines from its middle, in pixels.
const OFFSET: f64 = 12.0;

/// Scale of our marks. The lecture's are hollow and larger, so that both are visible if they
/// overlap.
const OURS: f64 = 1.5;
const THEIRS: f64 = 2.6;

/// Accuracies of a network, 0..=1; for several seeds, their means.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedNetwork {
    pub name: String,
    pub train_accuracy: f64,
    pub test_accuracy: f64,
    /// Standard deviation of the test accuracy over several seeds.
    pub test_spread: Option<f64>,
    pub lecture_train: Option<f64>,
    pub lecture_test: Option<f64>,
}

/// Plots training and test accuracy of each network, with the lecture's if known. Dots, unlike
/// bars, allow an axis that does not begin at 0; the title states where it begins.
pub fn comparison(networks: &[ComparedNetwork]) -> String {
    let range = range(networks);
    let title = match range.start {
        0.0 => "Accuracy on training and test images".to_owned(),
        start => format!("Accuracy on training and test images; the axis begins at {start:.2}"),
    };
    let names: Vec<String> = networks.iter().map(|network| fit(&network.name, TEXT_SIZE, MAX_NAME_WIDTH)).collect();
    let longest = names.iter().map(|name| width(name, TEXT_SIZE)).fold(0.0, f64::max);
    let chart = Chart {
        axis: Axis::of_values(range),
        sides: [f64::from(MARGIN) + longest + 12.0, WIDTH - NUMBERS],
        bottom: TITLE_HEIGHT + ROW * networks.len() as f64,
    };
    let (legend, legend_height) = legend(networks, chart.bottom + AXIS_HEIGHT);
    let content = html! {
        (text([WIDTH / 2.0, TITLE_HEIGHT / 3.0], Anchor::Middle, TITLE_SIZE, &title))
        @for (name, right) in ["training", "test"].into_iter().zip(COLUMNS) {
            (faint_text([right, TITLE_HEIGHT - 12.0], Anchor::End, TEXT_SIZE, name))
        }
        (chart.grid())
        @for ((row, network), name) in networks.iter().enumerate().zip(&names) {
            @let middle = TITLE_HEIGHT + ROW * (row as f64 + 0.5);
            (text([chart.sides[0] - 10.0, middle], Anchor::End, TEXT_SIZE, name))
            (chart.row(network, middle))
        }
        (legend)
    };
    Drawing { size: [WIDTH, chart.bottom + AXIS_HEIGHT + legend_height], content }.document(&title)
}

/// Returns the range of the axis: all values with a margin, between multiples of 0.05; from 0 if
/// the smallest value is below 0.4.
fn range(networks: &[ComparedNetwork]) -> Range<f64> {
    let values = networks.iter().flat_map(|network| {
        let spread = network.test_spread.unwrap_or_default();
        let own = [network.train_accuracy, network.test_accuracy - spread, network.test_accuracy + spread];
        own.into_iter().chain(network.lecture_train).chain(network.lecture_test)
    });
    let values = values.filter(|value| value.is_finite()).map(|value| value.clamp(0.0, 1.0));
    let (least, largest) = values.fold((1.0, 0.0), |(least, largest), value| (value.min(least), value.max(largest)));
    let start = ((least - 0.01) * 20.0_f64).floor() / 20.0;
    let end = ((largest + 0.005) * 20.0_f64).ceil() / 20.0;
    if start < 0.4 || end <= start { 0.0..1.0 } else { start..end.min(1.0) }
}

/// The looks of training and test accuracy.
fn looks() -> [Look; 2] {
    [Look::new(0, 0), Look::new(1, 0)]
}

/// The area between the axes.
struct Chart {
    axis: Axis,
    /// Left and right ends of the axis.
    sides: [f64; 2],
    bottom: f64,
}

impl Chart {
    /// Returns the position of a share. Values outside, also those that are no number, are at an
    /// end.
    fn x(&self, share: f64) -> f64 {
        let Range { start, end } = self.axis.range();
        self.axis.place(share.max(start).min(end), self.sides)
    }

    fn grid(&self) -> Markup {
        let ([left, right], bottom) = (self.sides, self.bottom);
        let rows = (0..).map(|row| TITLE_HEIGHT + ROW * f64::from(row)).take_while(|y| *y <= bottom);
        html! {
            @for (x, label) in self.axis.placed(self.sides) {
                (grid_line([x, TITLE_HEIGHT], [x, bottom]))
                (text([x, bottom + 14.0], Anchor::Middle, TEXT_SIZE, &label))
            }
            @for y in rows { (grid_line([f64::from(MARGIN), y], [WIDTH - f64::from(MARGIN), y])) }
            (axis_line([left, bottom], [right, bottom]))
            (text([f64::midpoint(left, right), bottom + 34.0], Anchor::Middle, TEXT_SIZE, "share classified correctly"))
        }
    }

    fn row(&self, network: &ComparedNetwork, middle: f64) -> Markup {
        let lines = [
            (middle - OFFSET, network.train_accuracy, network.lecture_train, None),
            (middle + OFFSET, network.test_accuracy, network.lecture_test, network.test_spread),
        ];
        let spread = network.test_spread.map(|spread| format!(" \u{b1} {spread:.4}")).unwrap_or_default();
        let numbers = [format!("{:.4}", network.train_accuracy), format!("{:.4}{spread}", network.test_accuracy)];
        html! {
            @for ((y, own, lecture, spread), look) in lines.into_iter().zip(looks()) {
                @if let Some(lecture) = lecture { (look.sized([self.x(lecture), y], THEIRS, true)) }
                @if let Some(spread) = spread { (look.spread([self.x(own - spread), y], [self.x(own + spread), y])) }
                (look.sized([self.x(own), y], OURS, false))
            }
            @for (number, right) in numbers.iter().zip(COLUMNS) {
                (text([right, middle], Anchor::End, TEXT_SIZE, number))
            }
        }
    }
}

/// Returns the meaning of the marks, from `top` on, and its height.
fn legend(networks: &[ComparedNetwork], top: f64) -> (Markup, f64) {
    let [train, test] = looks();
    let mut legend = Legend::new([2.0 * f64::from(MARGIN), WIDTH - f64::from(MARGIN)], top, LEGEND_LINE);
    legend.add("training", |point| train.sized(point, OURS, false));
    legend.add("test", |point| test.sized(point, OURS, false));
    if networks.iter().any(|network| network.test_spread.is_some()) {
        legend.add("one standard deviation", |[x, y]| test.spread([x - 9.0, y], [x + 9.0, y]));
    }
    if networks.iter().any(|network| network.lecture_train.or(network.lecture_test).is_some()) {
        legend.add("the lecture's training", |point| train.sized(point, THEIRS, true));
        legend.add("the lecture's test", |point| test.sized(point, THEIRS, true));
    }
    legend.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, train_accuracy: f64, test_accuracy: f64) -> ComparedNetwork {
        let (test_spread, lecture_train, lecture_test) = (None, None, None);
        ComparedNetwork {
            name: name.to_owned(),
            train_accuracy,
            test_accuracy,
            test_spread,
            lecture_train,
            lecture_test,
        }
    }

    fn dots(svg: &str) -> usize {
        svg.matches("class=\"mark\"").count()
    }

    #[test]
    fn each_network_has_marks_numbers_and_a_name() {
        let plain = network("<b>&\"", 0.9, 0.88);
        let compared = ComparedNetwork {
            test_spread: Some(0.0021),
            lecture_train: Some(0.899),
            lecture_test: Some(0.877),
            ..network("128, 5 epochs", 0.8912, 0.8674)
        };
        let svg = comparison(&[plain.clone(), compared]);
        for text in
            ["&lt;b&gt;&amp;&quot;", "128, 5 epochs", "0.8674 \u{b1} 0.0021", "0.9000", "one standard deviation"]
        {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        // Two networks and the legend.
        assert_eq!(dots(&svg), 6);
        let alone = comparison(&[plain]);
        assert!(dots(&alone) == 4 && !alone.contains("lecture") && !alone.contains("deviation"), "{alone}");
    }

    #[test]
    fn the_title_states_where_the_axis_begins() {
        let title = |networks: &[ComparedNetwork]| {
            let svg = comparison(networks);
            svg.split(['<', '>']).find(|text| text.starts_with("Accuracy on")).unwrap().to_owned()
        };
        assert!(title(&[network("good", 0.9, 0.87)]).ends_with("begins at 0.85"));
        assert!(title(&[network("perfect", 1.0, 1.0)]).ends_with("begins at 0.95"));
        for bars in [&[network("bad", 0.9, 0.1)][..], &[network("odd", f64::NAN, f64::INFINITY)], &[]] {
            assert!(title(bars).ends_with("images"));
        }
    }
}
