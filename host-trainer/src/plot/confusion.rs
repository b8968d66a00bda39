//! The confusion matrix.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::PlotError;
use super::text::{fit, width};
use crate::model::Evaluation;
use crate::text::percent;
use host_support::style::{Area, FAINT, INK, MARGIN, TEXT_SIZE, TITLE_SIZE, draw, text};

const TITLE_HEIGHT: i32 = 40;
const AXIS_NAME_HEIGHT: i32 = 24;

/// Largest height of a cell, in pixels.
const MAX_CELL: i32 = 40;

/// Height of a matrix with smaller cells, in pixels.
const MATRIX: i32 = 720;

/// Largest width of a row's name, in pixels.
const MAX_NAME_WIDTH: f64 = 180.0;
/// Largest width of a column, in pixels.
const MAX_COLUMN_WIDTH: f64 = 84.0;

/// Width of the colour scale at the right, with its numbers.
const SCALE: i32 = 112;

/// Colour of a cell whose share is 1; a share of 0 is white.
const FULL: RGBColor = RGBColor(0, 68, 136);

/// Positions and sizes, in pixels.
struct Layout {
    classes: usize,
    /// Width and height of a cell.
    cell: [i32; 2],
    /// Upper left corner of the first cell.
    start: [i32; 2],
    /// `true` if rows and columns have names, `false` if only some have a number.
    has_names: bool,
    /// `true` if the names of columns are vertical because they are too long.
    is_upright: bool,
    /// Font size of the counts in the cells, if they fit.
    count_size: Option<u32>,
}

/// Plots the confusion matrix: test images by true class (rows) and predicted class (columns).
pub fn confusion(evaluation: &Evaluation) -> Result<String, PlotError> {
    let classes = evaluation.confusion.len();
    let names: Vec<String> = (0..classes)
        .map(|class| evaluation.classes.get(class).map_or("", |class| class.name.as_str()))
        .map(|name| fit(name, TEXT_SIZE, MAX_NAME_WIDTH))
        .collect();
    let layout = Layout::of(evaluation, &names);
    let title = format!(
        "Confusion matrix: {} of {} test images classified correctly",
        percent(evaluation.accuracy),
        evaluation.images
    );
    let [left, top] = layout.start;
    let [matrix_width, matrix_height] = layout.matrix();
    let title_width = width(&title, TITLE_SIZE).ceil() as i32 + 2 * MARGIN;
    let size = [i32::max(left + matrix_width + SCALE, title_width), top + matrix_height + MARGIN];
    draw(size, |area| {
        area.draw_text(&title, &text(TITLE_SIZE, INK, HPos::Left), (MARGIN, TITLE_HEIGHT * 5 / 9))?;
        for (label, row) in evaluation.confusion.iter().enumerate() {
            // At least 1: a class without images has shares of 0.
            let images = row.iter().map(|count| u64::from(*count)).sum::<u64>().max(1) as f64;
            for (class, &count) in row.iter().enumerate().take(classes) {
                layout.draw_cell(area, [label, class], count, f64::from(count) / images)?;
            }
        }
        area.draw(&Rectangle::new([(left, top), (left + matrix_width, top + matrix_height)], FAINT))?;
        layout.draw_names(area, &names)?;
        layout.draw_scale(area)
    })
}

impl Layout {
    fn of(evaluation: &Evaluation, names: &[String]) -> Self {
        let classes = names.len();
        let height = (MATRIX / classes.max(1) as i32).clamp(3, MAX_CELL);
        let longest = names.iter().map(|name| width(name, TEXT_SIZE)).fold(0.0, f64::max);
        let has_names = height > TEXT_SIZE as i32;
        // Wide cells have room for horizontal names.
        let is_upright = height < MAX_CELL || longest + 8.0 > MAX_COLUMN_WIDTH;
        let cell_width = if is_upright { height } else { height.max(longest as i32 + 8) };
        let longest = if has_names { longest.ceil() as i32 } else { width("000", TEXT_SIZE).ceil() as i32 };
        let above = if has_names && is_upright { longest } else { TEXT_SIZE as i32 };

        let largest = evaluation.confusion.iter().flatten().max().copied().unwrap_or_default().to_string();
        let count_size = (9..=TEXT_SIZE)
            .rev()
            .find(|&size| width(&largest, size) + 2.0 <= f64::from(cell_width) && size as i32 + 2 <= height);
        let start = [MARGIN + AXIS_NAME_HEIGHT + longest + 8, TITLE_HEIGHT + AXIS_NAME_HEIGHT + above + 8];
        Self { classes, cell: [cell_width, height], start, has_names, is_upright, count_size }
    }

    fn matrix(&self) -> [i32; 2] {
        self.cell.map(|side| side * self.classes as i32)
    }

    /// Returns the upper left corner of a cell.
    fn corner(&self, [row, column]: [usize; 2]) -> (i32, i32) {
        (self.start[0] + self.cell[0] * column as i32, self.start[1] + self.cell[1] * row as i32)
    }

    fn draw_cell(&self, area: &Area<'_>, position: [usize; 2], count: u32, share: f64) -> Result<(), PlotError> {
        let [width, height] = self.cell;
        let (x, y) = self.corner(position);
        let fill = shade(share);
        // The background is white, and so are most cells of a large matrix.
        if count > 0 {
            area.draw(&Rectangle::new([(x, y), (x + width, y + height)], fill.filled()))?;
        }
        if let Some(size) = self.count_size {
            let ink = if count == 0 { FAINT } else { ink_on(fill) };
            area.draw_text(&count.to_string(), &text(size, ink, HPos::Center), (x + width / 2, y + height / 2))?;
        }
        Ok(())
    }

    fn draw_names(&self, area: &Area<'_>, names: &[String]) -> Result<(), PlotError> {
        let [left, top] = self.start;
        let [matrix_width, matrix_height] = self.matrix();
        let upright = |style: TextStyle<'static>| style.transform(FontTransform::Rotate270);
        let (beside, above) = (text(TEXT_SIZE, INK, HPos::Right), text(TEXT_SIZE, INK, HPos::Center));
        let below_name = upright(text(TEXT_SIZE, INK, HPos::Left));
        // Without names, some rows and columns have numbers, far enough apart to be read.
        let step = if self.has_names {
            1
        } else {
            (4 * TEXT_SIZE as usize).div_ceil(self.cell[1] as usize).next_multiple_of(5)
        };
        for (class, name) in names.iter().enumerate().step_by(step) {
            let (x, y) = self.corner([class, class]);
            let (x, y) = (x + self.cell[0] / 2, y + self.cell[1] / 2);
            let name = if self.has_names { name } else { &class.to_string() };
            area.draw_text(name, &beside, (left - 6, y))?;
            if self.has_names && self.is_upright {
                area.draw_text(name, &below_name, (x, top - 6))?;
            } else {
                area.draw_text(name, &above, (x, top - 6 - TEXT_SIZE as i32 / 2))?;
            }
        }
        let number = if self.has_names { "" } else { " (number)" };
        let title = text(TEXT_SIZE, FAINT, HPos::Center);
        let predicted = format!("predicted class{number}");
        area.draw_text(&predicted, &title, (left + matrix_width / 2, TITLE_HEIGHT + AXIS_NAME_HEIGHT / 2))?;
        let middle = (MARGIN + AXIS_NAME_HEIGHT / 2, top + matrix_height / 2);
        Ok(area.draw_text(&format!("true class{number}"), &upright(title), middle)?)
    }

    /// Draws the colour scale at the right.
    fn draw_scale(&self, area: &Area<'_>) -> Result<(), PlotError> {
        const STEPS: i32 = 50;
        let x = self.start[0] + self.matrix()[0] + MARGIN;
        let (top, height) = (self.start[1], self.matrix()[1].max(1));
        let level = |step: i32| top + height - height * step / STEPS;
        for step in 0..STEPS {
            let fill = shade(f64::from(step) / f64::from(STEPS - 1));
            area.draw(&Rectangle::new([(x, level(step + 1)), (x + 12, level(step))], fill.filled()))?;
        }
        area.draw(&Rectangle::new([(x, top), (x + 12, top + height)], FAINT))?;
        for (step, label) in [(0, "0 %"), (STEPS / 2, "50 %"), (STEPS, "100 %")] {
            area.draw_text(label, &text(TEXT_SIZE - 2, INK, HPos::Left), (x + 17, level(step)))?;
        }
        let style = text(TEXT_SIZE - 2, FAINT, HPos::Left);
        Ok(area.draw_text("share of its row", &style, (x, top - TEXT_SIZE as i32))?)
    }
}

/// Returns the colour of a share, 0..=1: white to [`FULL`].
fn shade(share: f64) -> RGBColor {
    let mix = |full: u8| (255.0 - share.clamp(0.0, 1.0) * (255.0 - f64::from(full))).round() as u8;
    RGBColor(mix(FULL.0), mix(FULL.1), mix(FULL.2))
}

/// Returns black or white, whichever has the higher contrast on `fill`.
fn ink_on(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    // Relative luminance of WCAG 2; at 0.18 both have the same contrast.
    let linear = |part: u8| (f64::from(part) / 255.0).powf(2.2);
    let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    if luminance > 0.18 { INK } else { WHITE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::evaluation;

    fn cells(svg: &str) -> usize {
        // 53 others: the background, two frames and 50 steps of the scale.
        svg.matches("<rect").count() - 53
    }

    #[test]
    fn each_cell_has_its_count_and_each_class_its_names() {
        let svg = confusion(&evaluation(&["<b>&\"", "plain", "line\nend"], 20)).unwrap();
        assert_eq!(cells(&svg), 9);
        assert_eq!(svg.matches("&lt;b&gt;&amp;&quot;").count(), 2);
        assert_eq!(svg.matches("line\\nend").count(), 2);
        for text in ["true class", "predicted class", "90.91 %", "20", "1"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn many_classes_drop_counts_and_then_names() {
        let has = |classes: usize| {
            let names: Vec<String> = (0..classes).map(|class| format!("name-{class}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let svg = confusion(&evaluation(&names, 77_777)).unwrap();
            assert_eq!(cells(&svg), classes * classes);
            assert!(!svg.contains("NaN"));
            (svg.contains("77777"), svg.contains("name-1"), svg.contains("class (number)"))
        };
        assert_eq!(has(2), (true, true, false));
        assert_eq!(has(30), (false, true, false));
        assert_eq!(has(256), (false, false, true));
    }

    #[test]
    fn a_damaged_record_does_not_break_the_plot() {
        let mut odd = evaluation(&["one", "two"], 0);
        assert_eq!(cells(&confusion(&odd).unwrap()), 2);
        odd.classes.pop();
        odd.confusion = vec![vec![u32::MAX; 5], Vec::new()];
        confusion(&odd).unwrap();
        odd.confusion.clear();
        confusion(&odd).unwrap();
    }

    #[test]
    fn counts_are_readable_on_every_colour() {
        assert_eq!((shade(0.0), shade(1.0)), (WHITE, FULL));
        assert_eq!((ink_on(shade(0.0)), ink_on(shade(0.4)), ink_on(shade(1.0))), (INK, INK, WHITE));
    }
}
