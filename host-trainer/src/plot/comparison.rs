//! A chart of the accuracies of several networks.

use std::ops::Range;

use plotters::coord::ranged1d::{BoldPoints, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::PlotError;
use super::axis::Axis;
use super::text::{fit, width};
use host_support::style::{Area, COLOURS, FAINT, GRID, INK, MARGIN, TEXT_SIZE, TITLE_SIZE, draw, text};

const WIDTH: i32 = 1000;
const TITLE_HEIGHT: i32 = 64;
const ROW: i32 = 64;
const AXIS_HEIGHT: i32 = 50;
const LEGEND_HEIGHT: i32 = 40;

/// Width of the two columns of numbers at the right, in pixels.
const NUMBERS: i32 = 230;

/// Largest width of a name at the left, in pixels.
const MAX_NAME_WIDTH: f64 = 240.0;

/// Distance of a row's two lines from its middle, in pixels.
const OFFSET: i32 = 13;

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
pub fn comparison(bars: &[ComparedNetwork]) -> Result<String, PlotError> {
    let range = range(bars);
    let names: Vec<String> = bars.iter().map(|bar| fit(&bar.name, TEXT_SIZE, MAX_NAME_WIDTH)).collect();
    let longest = names.iter().map(|name| width(name, TEXT_SIZE)).fold(0.0, f64::max).ceil() as i32;
    let (left, right) = (MARGIN + longest + 12, WIDTH - NUMBERS);
    let height = ROW * bars.len() as i32;
    let title = match range.start {
        0.0 => "Accuracy on training and test images".to_owned(),
        start => format!("Accuracy on training and test images; the axis begins at {start:.2}"),
    };
    draw([WIDTH, TITLE_HEIGHT + height + AXIS_HEIGHT + LEGEND_HEIGHT], |area| {
        area.draw_text(&title, &text(TITLE_SIZE, INK, HPos::Left), (MARGIN, TITLE_HEIGHT / 3))?;
        let axis = Axis::of_values(range);
        let x = |share: f64| axis.map(&share.clamp(axis.range().start, axis.range().end), (left, right));
        draw_grid(area, &axis, [left, right], height)?;
        for ((row, bar), name) in bars.iter().enumerate().zip(&names) {
            let middle = TITLE_HEIGHT + ROW * row as i32 + ROW / 2;
            area.draw_text(name, &text(TEXT_SIZE, INK, HPos::Right), (left - 10, middle))?;
            draw_row(area, bar, middle, x)?;
        }
        draw_legend(area, bars, TITLE_HEIGHT + height + AXIS_HEIGHT + LEGEND_HEIGHT / 2)
    })
}

/// Returns the range of the axis: all values with a margin, between multiples of 0.05; from 0 if
/// the smallest value is below 0.4.
fn range(bars: &[ComparedNetwork]) -> Range<f64> {
    let values = bars.iter().flat_map(|bar| {
        let spread = bar.test_spread.unwrap_or_default();
        let own = [bar.train_accuracy, bar.test_accuracy - spread, bar.test_accuracy + spread];
        own.into_iter().chain(bar.lecture_train).chain(bar.lecture_test)
    });
    let values = values.filter(|value| value.is_finite()).map(|value| value.clamp(0.0, 1.0));
    let (least, largest) = values.fold((1.0, 0.0), |(least, largest), value| (value.min(least), value.max(largest)));
    let start = ((least - 0.01) * 20.0_f64).floor() / 20.0;
    let end = ((largest + 0.005) * 20.0_f64).ceil() / 20.0;
    if start < 0.4 || end <= start { 0.0..1.0 } else { start..end.min(1.0) }
}

fn draw_grid(area: &Area<'_>, axis: &Axis, [left, right]: [i32; 2], height: i32) -> Result<(), PlotError> {
    let bottom = TITLE_HEIGHT + height;
    for tick in axis.key_points(BoldPoints(0)) {
        let x = axis.map(&tick, (left, right));
        area.draw(&PathElement::new([(x, TITLE_HEIGHT), (x, bottom)], GRID))?;
        area.draw_text(&axis.format_ext(&tick), &text(TEXT_SIZE, INK, HPos::Center), (x, bottom + 14))?;
    }
    for y in (TITLE_HEIGHT..=bottom).step_by(ROW as usize) {
        area.draw(&PathElement::new([(MARGIN, y), (WIDTH - MARGIN, y)], GRID))?;
    }
    area.draw(&PathElement::new([(left, bottom), (right, bottom)], FAINT))?;
    let unit = text(TEXT_SIZE, INK, HPos::Center);
    area.draw_text("share classified correctly", &unit, ((left + right) / 2, bottom + 36))?;
    Ok(())
}

/// Returns the right ends of the columns of numbers.
fn number_columns() -> [i32; 2] {
    [WIDTH - NUMBERS + 90, WIDTH - MARGIN]
}

fn draw_row(area: &Area<'_>, bar: &ComparedNetwork, middle: i32, x: impl Fn(f64) -> i32) -> Result<(), PlotError> {
    let lines = [
        (middle - OFFSET, bar.train_accuracy, bar.lecture_train, None),
        (middle + OFFSET, bar.test_accuracy, bar.lecture_test, bar.test_spread),
    ];
    for ((y, own, lecture, spread), colour) in lines.into_iter().zip(COLOURS) {
        if let Some(spread) = spread {
            draw_spread(area, [x(own - spread), x(own + spread)], y, colour)?;
        }
        area.draw(&Circle::new((x(own), y), 6, colour.filled()))?;
        if let Some(lecture) = lecture {
            draw_diamond(area, (x(lecture), y), colour)?;
        }
    }
    let spread = bar.test_spread.map(|spread| format!(" \u{b1} {spread:.4}")).unwrap_or_default();
    let numbers = [format!("{:.4}", bar.train_accuracy), format!("{:.4}{spread}", bar.test_accuracy)];
    for (number, end) in numbers.iter().zip(number_columns()) {
        area.draw_text(number, &text(TEXT_SIZE, INK, HPos::Right), (end, middle))?;
    }
    Ok(())
}

fn draw_spread(area: &Area<'_>, [from, to]: [i32; 2], y: i32, colour: RGBColor) -> Result<(), PlotError> {
    let line = colour.stroke_width(2);
    area.draw(&PathElement::new([(from, y), (to, y)], line))?;
    for end in [from, to] {
        area.draw(&PathElement::new([(end, y - 6), (end, y + 6)], line))?;
    }
    Ok(())
}

/// Draws the lecture's mark: hollow, and larger than a dot, so that both are visible if they
/// overlap.
fn draw_diamond(area: &Area<'_>, (x, y): (i32, i32), colour: RGBColor) -> Result<(), PlotError> {
    let corners = [(x - 10, y), (x, y - 10), (x + 10, y), (x, y + 10), (x - 10, y)];
    Ok(area.draw(&PathElement::new(corners, colour.stroke_width(2)))?)
}

fn draw_legend(area: &Area<'_>, bars: &[ComparedNetwork], y: i32) -> Result<(), PlotError> {
    let [train, test, ..] = COLOURS;
    let mut x = 2 * MARGIN;
    // Writes the meaning of the mark at `x`, and moves `x` to the next mark.
    let name = |what: &str, x: &mut i32| -> Result<(), PlotError> {
        area.draw_text(what, &text(TEXT_SIZE, INK, HPos::Left), (*x + 20, y))?;
        *x += 20 + width(what, TEXT_SIZE) as i32 + 2 * MARGIN;
        Ok(())
    };
    for (what, colour) in [("training", train), ("test", test)] {
        area.draw(&Circle::new((x, y), 6, colour.filled()))?;
        name(what, &mut x)?;
    }
    if bars.iter().any(|bar| bar.test_spread.is_some()) {
        draw_spread(area, [x - 10, x + 10], y, test)?;
        name("one standard deviation", &mut x)?;
    }
    if bars.iter().any(|bar| bar.lecture_train.or(bar.lecture_test).is_some()) {
        for (what, colour) in [("the lecture's training", train), ("the lecture's test", test)] {
            draw_diamond(area, (x, y), colour)?;
            name(what, &mut x)?;
        }
    }
    for (what, end) in ["training", "test"].iter().zip(number_columns()) {
        area.draw_text(what, &text(TEXT_SIZE, FAINT, HPos::Right), (end, TITLE_HEIGHT - 14))?;
    }
    Ok(())
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
        svg.matches("<circle").count()
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
        let svg = comparison(&[plain.clone(), compared]).unwrap();
        for text in
            ["&lt;b&gt;&amp;&quot;", "128, 5 epochs", "0.8674 \u{b1} 0.0021", "0.9000", "one standard deviation"]
        {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        // Two networks and the legend.
        assert_eq!(dots(&svg), 6);
        let alone = comparison(&[plain]).unwrap();
        assert!(dots(&alone) == 4 && !alone.contains("lecture") && !alone.contains("deviation"), "{alone}");
    }

    #[test]
    fn the_title_states_where_the_axis_begins() {
        let title = |bars: &[ComparedNetwork]| {
            let svg = comparison(bars).unwrap();
            svg.lines().find(|line| line.starts_with("Accuracy on")).unwrap().to_owned()
        };
        assert!(title(&[network("good", 0.9, 0.87)]).ends_with("begins at 0.85"));
        assert!(title(&[network("perfect", 1.0, 1.0)]).ends_with("begins at 0.95"));
        for bars in [&[network("bad", 0.9, 0.1)][..], &[network("odd", f64::NAN, f64::INFINITY)], &[]] {
            assert!(title(bars).ends_with("images"));
        }
    }
}
