//! Draws cost against work: networks of several widths, and images with more or fewer zeros.

use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::row::Row;
use host_support::style::{Area, COLOURS, FAINT, GRID, INK, MARGIN, TEXT_SIZE, TITLE_SIZE, draw, text};

const SIZE: [i32; 2] = [1100, 900];
const TITLE_HEIGHT: u32 = 40;

/// Draws instructions, the model's flash, and RAM against multiply-accumulates. For rows with each
/// image, also draws its instructions against its share of zeros.
///
/// # Errors
///
/// Returns an error if plotting fails.
pub fn growth(rows: &[Row]) -> anyhow::Result<String> {
    let mut cores: Vec<&str> = rows.iter().map(|row| row.core.as_str()).collect();
    cores.sort_unstable();
    cores.dedup();
    draw(SIZE, |area| {
        let (title, panels) = area.split_vertically(TITLE_HEIGHT);
        title.draw_text("Cost as work grows", &text(TITLE_SIZE, INK, HPos::Left), (MARGIN, 20))?;
        legend(&title, &cores)?;
        let panels = panels.split_evenly((2, 2));
        let [count, flash, ram, zeros] = panels.as_slice() else { return Err(anyhow!("expected four panels")) };
        let instructions = |row: &Row| row.spread().mean;
        let y = Axis::logarithmic(rows.iter().map(instructions));
        draw_against_work(count, rows, &cores, "instructions per image", y, instructions)?;
        let model = |row: &Row| row.model_bytes as f64;
        let y = Axis::logarithmic(rows.iter().map(model));
        draw_against_work(flash, rows, &cores, "bytes of the model, in flash", y, model)?;
        let y = Axis::linear(rows.iter().map(ram_in_use));
        let what = "bytes of RAM in use: workspace and deepest stack";
        draw_against_work(ram, rows, &cores, what, y, ram_in_use)?;
        draw_zeros(zeros, rows, &cores)
    })
}

/// Returns the workspace that the network needs plus the deepest stack.
fn ram_in_use(row: &Row) -> f64 {
    f64::from(row.ram_network_bytes + row.ram_stack_bytes)
}

fn colour(cores: &[&str], core: &str) -> RGBColor {
    let index = cores.iter().position(|name| *name == core).unwrap_or(0);
    COLOURS[index % COLOURS.len()]
}

fn legend(area: &Area<'_>, cores: &[&str]) -> anyhow::Result<()> {
    for (index, core) in cores.iter().enumerate() {
        let x = 300 + 140 * index as i32;
        area.draw(&Circle::new((x, 20), 5, colour(cores, core).filled()))?;
        area.draw_text(core, &text(TEXT_SIZE, INK, HPos::Left), (x + 12, 20))?;
    }
    let x = 300 + 140 * cores.len() as i32;
    area.draw_text("rings: two hidden layers", &text(TEXT_SIZE, FAINT, HPos::Left), (x, 20))?;
    Ok(())
}

fn draw_against_work(
    area: &Area<'_>,
    rows: &[Row],
    cores: &[&str],
    what: &str,
    y: Axis,
    of: impl Fn(&Row) -> f64,
) -> anyhow::Result<()> {
    let work = |row: &Row| row.multiply_accumulates as f64;
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .margin_right(2 * MARGIN)
        .caption(what, text(TEXT_SIZE, INK, HPos::Center))
        .x_label_area_size(45)
        .y_label_area_size(85)
        .build_cartesian_2d(Axis::logarithmic(rows.iter().map(work)), y)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .label_style(text(TEXT_SIZE, INK, HPos::Center))
        .x_desc("multiply-accumulates")
        .draw()?;
    for core in cores {
        let mut rows: Vec<_> = rows.iter().filter(|row| row.core == *core).collect();
        rows.sort_by_key(|row| row.multiply_accumulates);
        let colour = colour(cores, core);
        // The line joins networks with one hidden layer; the others are rings next to it.
        let line = rows.iter().filter(|row| row.network.widths().len() == 3).map(|row| (work(row), of(row)));
        chart.draw_series(LineSeries::new(line, &colour))?;
        let points = rows.iter().map(|row| match row.network.widths().len() {
            3 => Circle::new((work(row), of(row)), 3, colour.filled()),
            _ => Circle::new((work(row), of(row)), 5, colour.stroke_width(2)),
        });
        chart.draw_series(points)?;
    }
    Ok(())
}

fn draw_zeros(area: &Area<'_>, rows: &[Row], cores: &[&str]) -> anyhow::Result<()> {
    let rows: Vec<_> = rows.iter().filter(|row| !row.each.is_empty()).collect();
    let counts = rows.iter().flat_map(|row| &row.each).map(|image| image.count as f64);
    let of = rows.first().map(|row| row.network.to_string()).unwrap_or_default();
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .margin_right(2 * MARGIN)
        .caption(format!("instructions of each image, {of}"), text(TEXT_SIZE, INK, HPos::Center))
        .x_label_area_size(45)
        .y_label_area_size(85)
        .build_cartesian_2d(0.0..1.0, Axis::linear(counts))?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .label_style(text(TEXT_SIZE, INK, HPos::Center))
        .x_desc("share of its pixels that are zero")
        .draw()?;
    for row in &rows {
        let colour = colour(cores, &row.core);
        chart.draw_series(
            row.each.iter().map(|image| Circle::new((image.zero_share, image.count as f64), 2, colour.filled())),
        )?;
    }
    if rows.is_empty() {
        area.draw_text("not measured", &text(TEXT_SIZE, FAINT, HPos::Center), (250, 200))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;
    use parity::Unit;

    #[test]
    fn one_network_is_enough_to_draw() {
        let svg = growth(&[row(Unit::Instructions)]).unwrap();
        assert!(svg.contains("multiply-accumulates") && svg.contains("784-128-10"), "{svg}");
    }
}
