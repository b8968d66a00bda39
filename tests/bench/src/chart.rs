//! Bars for each core: our counts and other engines'.

use anyhow::ensure;
use host_support::numbers::grouped;
use host_support::style::{COLOURS, Colour, MARGIN, TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, faint_text, text};
use maud::{Markup, html};
use parity::Unit;

use super::rivals::Rivals;
use super::row::Row;
use super::table::whole;

const WIDTH: f64 = 900.0;
const TITLE_HEIGHT: f64 = 64.0;
const BAR: f64 = 20.0;
const GAP: f64 = 18.0;

/// Pixels left of the bars, and right of them for a number.
const LEFT: f64 = 290.0;
const NUMBER: f64 = 100.0;

/// Colour of others' bars.
const OTHERS: Colour = Colour(150, 150, 150);

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
/// Returns an error if rows differ in their unit.
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
    let first_rival = |row: &Row| {
        rivals.of_network(&row.network).first().and_then(|rival| rival.instructions.get(&row.core)).copied()
    };
    let longest = rows.iter().flat_map(|row| [row.spread().mean, first_rival(row).unwrap_or(0) as f64]);
    let most = (longest.fold(1.0, f64::max) * 1.5).ceil();
    let title = format!("{unit} per image, {}", rows.first().map(|row| row.network.to_string()).unwrap_or_default());
    let mut y = TITLE_HEIGHT;
    let mut cores = Vec::new();
    for row in rows {
        let bars = bars_of(row, rivals);
        let end = y + BAR * bars.len() as f64;
        cores.push(html! {
            (text([f64::from(MARGIN), y + BAR / 2.0], Anchor::Start, TEXT_SIZE, &row.core))
            @for (index, bar) in bars.iter().enumerate() { (bar.draw(y + BAR * index as f64, most)) }
        });
        y = end + GAP;
    }
    let content = html! {
        (text([WIDTH / 2.0, TITLE_HEIGHT / 3.0], Anchor::Middle, TITLE_SIZE, &title))
        (faint_text([WIDTH / 2.0, TITLE_HEIGHT / 3.0 + 22.0], Anchor::Middle, TEXT_SIZE, note))
        @for core in cores { (core) }
    };
    Ok(Drawing { size: [WIDTH, y - GAP + f64::from(MARGIN)], content }.document(&title))
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

impl Bar {
    fn draw(&self, y: f64, most: f64) -> Markup {
        let colour = if self.is_ours { COLOURS[0] } else { OTHERS };
        let place = [LEFT - 8.0, y + BAR / 2.0];
        let right = LEFT + (self.count / most).min(1.0) * (WIDTH - LEFT - NUMBER);
        let (top, bottom) = (y + 3.0, y + BAR - 3.0);
        let end = if self.count > most { right + 10.0 } else { right };
        let corners = [[LEFT, top], [right, top], [end, f64::midpoint(top, bottom)], [right, bottom], [LEFT, bottom]];
        let corners = corners.map(|[x, y]| format!("{x:.2},{y:.2}")).join(" ");
        let number = if self.is_ours { whole(self.count) } else { grouped(self.count as u64) };
        html! {
            @if self.is_ours {
                (text(place, Anchor::End, TEXT_SIZE, &self.name))
            } @else {
                (faint_text(place, Anchor::End, TEXT_SIZE, &self.name))
            }
            polygon points=(corners) fill=(colour.hex()) {}
            (text([end + 6.0, y + BAR / 2.0], Anchor::Start, TEXT_SIZE, &number))
        }
    }
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
