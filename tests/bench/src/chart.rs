//! Bars for each core: our counts and other engines'.

use anyhow::ensure;
use parity::Unit;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::rivals::Rivals;
use super::row::Row;
use super::table::whole;
use host_support::numbers::grouped;
use host_support::style::{Area, COLOURS, FAINT, INK, MARGIN, TEXT_SIZE, TITLE_SIZE, draw, text};

const WIDTH: i32 = 1000;
const TITLE_HEIGHT: i32 = 64;
const BAR: i32 = 20;
const GAP: i32 = 18;

/// Pixels left of the bars, and right of them for a number.
const LEFT: i32 = 300;
const NUMBER: i32 = 110;

struct Bar {
    name: String,
    count: f64,
    is_ours: bool,
}

/// Draws the counts per image for each core: ours first, then the rivals with a figure. The scale
/// ends at 1.5 times the longest of our bars and the first rival's. Longer bars are cut and end in
/// a point.
///
/// # Errors
///
/// Returns an error if rows differ in their unit, or if plotting fails.
pub fn bars(rows: &[Row], rivals: &Rivals) -> anyhow::Result<String> {
    let unit = rows.first().map(|row| row.unit);
    ensure!(
        rows.iter().all(|row| Some(row.unit) == unit),
        "cannot draw instructions and cycles in one chart; measure emulated and hardware boards separately"
    );
    let (unit, note) = match unit {
        Some(Unit::Cycles) => ("Cycles", "of the core's clock, on hardware"),
        _ => ("Instructions", "counted by an emulator, which does not measure time; bars with a point are cut"),
    };
    let cores: Vec<(&Row, Vec<Bar>)> = rows.iter().map(|row| (row, bars_of(row, rivals))).collect();
    let first_rival = |row: &Row| {
        rivals.of_network(&row.network).first().and_then(|rival| rival.instructions.get(&row.core)).copied()
    };
    let longest = rows.iter().flat_map(|row| [row.spread().mean, first_rival(row).unwrap_or(0) as f64]);
    let most = (longest.fold(1.0, f64::max) * 1.5).ceil();
    let lines: usize = cores.iter().map(|(_, bars)| bars.len()).sum();
    let height = TITLE_HEIGHT + lines as i32 * BAR + cores.len() as i32 * GAP + MARGIN;
    draw([WIDTH, height], |area| {
        let of = rows.first().map(|row| row.network.to_string()).unwrap_or_default();
        area.draw_text(
            &format!("{unit} per image, {of}"),
            &text(TITLE_SIZE, INK, HPos::Left),
            (MARGIN, TITLE_HEIGHT / 3),
        )?;
        area.draw_text(note, &text(TEXT_SIZE, FAINT, HPos::Left), (MARGIN, TITLE_HEIGHT / 3 + 22))?;
        let mut y = TITLE_HEIGHT;
        for (row, bars) in &cores {
            area.draw_text(&row.core, &text(TEXT_SIZE, INK, HPos::Left), (MARGIN, y + BAR / 2))?;
            for bar in bars {
                draw_bar(area, bar, y, most)?;
                y += BAR;
            }
            y += GAP;
        }
        Ok(())
    })
}

fn bars_of(row: &Row, rivals: &Rivals) -> Vec<Bar> {
    let ours = Bar { name: "prenda".into(), count: row.spread().mean, is_ours: true };
    // Cycles are not compared with instructions.
    let others = if row.instructions_mean.is_some() { rivals.of_network(&row.network) } else { &[] };
    let others = others.iter().filter_map(|rival| {
        let count = *rival.instructions.get(&row.core)?;
        Some(Bar { name: rival.name.clone(), count: count as f64, is_ours: false })
    });
    [ours].into_iter().chain(others).collect()
}

fn draw_bar(area: &Area<'_>, bar: &Bar, y: i32, most: f64) -> anyhow::Result<()> {
    let colour = if bar.is_ours { COLOURS[0] } else { RGBColor(178, 178, 178) };
    let name = text(TEXT_SIZE, if bar.is_ours { INK } else { FAINT }, HPos::Right);
    area.draw_text(&bar.name, &name, (LEFT - 8, y + BAR / 2))?;
    let right = LEFT + ((bar.count / most).min(1.0) * f64::from(WIDTH - LEFT - NUMBER)) as i32;
    let (top, bottom) = (y + 3, y + BAR - 3);
    area.draw(&Rectangle::new([(LEFT, top), (right, bottom)], colour.filled()))?;
    let mut end = right;
    if bar.count > most {
        end += 10;
        area.draw(&Polygon::new([(right, top), (end, (top + bottom) / 2), (right, bottom)], colour.filled()))?;
    }
    let number = if bar.is_ours { whole(bar.count) } else { grouped(bar.count as u64) };
    area.draw_text(&number, &text(TEXT_SIZE, INK, HPos::Left), (end + 6, y + BAR / 2))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    #[test]
    fn every_rival_of_a_core_has_a_bar_and_a_number() {
        let rivals = Rivals::committed().unwrap();
        let svg = bars(&[row(Unit::Instructions)], &rivals).unwrap();
        assert!(svg.contains("CMSIS-NN") && svg.contains("202,459") && svg.contains("1,234"), "{svg}");
        let svg = bars(&[row(Unit::Cycles)], &rivals).unwrap();
        assert!(svg.contains("Cycles") && !svg.contains("CMSIS-NN"), "{svg}");
        assert!(bars(&[row(Unit::Cycles), row(Unit::Instructions)], &rivals).is_err());
    }
}
