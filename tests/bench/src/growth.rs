//! Draws cost against work: networks of several widths, and images with more or fewer zeros.

use host_support::mark::Look;
use host_support::style::{TEXT_SIZE, TITLE_SIZE};
use host_support::svg::{Anchor, Drawing, axes, faint_text, text};
use maud::{Markup, html};

use super::axis::Axis;
use super::row::Row;

const WIDTH: f64 = 1000.0;
const TITLE_HEIGHT: f64 = 40.0;
const LEGEND_HEIGHT: f64 = 30.0;

/// Size of a panel, and the corners of the area between its axes: left, top, right, bottom.
const PANEL: [f64; 2] = [500.0, 400.0];
const FRAME: [f64; 4] = [70.0, 44.0, 480.0, 340.0];

/// Draws instructions, the model's flash, and RAM against multiply-accumulates. For rows with each
/// image, also draws its instructions against its share of zeros.
pub fn growth(rows: &[Row]) -> String {
    let mut cores: Vec<&str> = rows.iter().map(|row| row.core.as_str()).collect();
    cores.sort_unstable();
    cores.dedup();
    let instructions = |row: &Row| row.spread().mean;
    let model = |row: &Row| row.model_bytes as f64;
    let panels = [
        against_work(
            rows,
            &cores,
            "instructions per image",
            Axis::logarithmic(rows.iter().map(instructions)),
            instructions,
        ),
        against_work(rows, &cores, "bytes of the model, in flash", Axis::logarithmic(rows.iter().map(model)), model),
        against_work(
            rows,
            &cores,
            "bytes of RAM in use: workspace and deepest stack",
            Axis::linear(rows.iter().map(ram_in_use)),
            ram_in_use,
        ),
        zeros(rows, &cores),
    ];
    let top = TITLE_HEIGHT + LEGEND_HEIGHT;
    let title = "Cost as work grows";
    let content = html! {
        (text([WIDTH / 2.0, TITLE_HEIGHT / 2.0], Anchor::Middle, TITLE_SIZE, title))
        (legend(&cores))
        @for (index, content) in panels.into_iter().enumerate() {
            @let [column, row] = [index % 2, index / 2].map(|place| place as f64);
            (Drawing { size: PANEL, content }.at([PANEL[0] * column, top + PANEL[1] * row]))
        }
    };
    Drawing { size: [WIDTH, top + 2.0 * PANEL[1]], content }.document(title)
}

/// Returns the workspace that the network needs plus the deepest stack.
fn ram_in_use(row: &Row) -> f64 {
    f64::from(row.ram_network_bytes + row.ram_stack_bytes)
}

fn look(cores: &[&str], core: &str) -> Look {
    Look::new(cores.iter().position(|name| *name == core).unwrap_or(0), 0)
}

fn legend(cores: &[&str]) -> Markup {
    let y = TITLE_HEIGHT + LEGEND_HEIGHT / 2.0;
    html! {
        @for (index, core) in cores.iter().enumerate() {
            @let x = 60.0 + 140.0 * index as f64;
            (look(cores, core).mark([x, y]))
            (text([x + 12.0, y], Anchor::Start, TEXT_SIZE, core))
        }
        (faint_text([60.0 + 140.0 * cores.len() as f64, y], Anchor::Start, TEXT_SIZE, "hollow: two hidden layers"))
    }
}

/// Returns the title and the axes of a panel.
fn titled_axes(title: &str, below: &str, [across, up]: [&Axis; 2]) -> Markup {
    let [left, top, right, bottom] = FRAME;
    let middle = f64::midpoint(left, right);
    html! {
        (text([middle, 22.0], Anchor::Middle, TEXT_SIZE, title))
        (axes(FRAME, across.placed([left, right]), up.placed([bottom, top]), 7.0, TEXT_SIZE - 1))
        (text([middle, bottom + 36.0], Anchor::Middle, TEXT_SIZE, below))
    }
}

fn against_work(rows: &[Row], cores: &[&str], what: &str, up: Axis, of: impl Fn(&Row) -> f64) -> Markup {
    let work = |row: &Row| row.multiply_accumulates as f64;
    let across = Axis::logarithmic(rows.iter().map(work));
    let [left, top, right, bottom] = FRAME;
    let place = |row: &Row| [across.place(work(row), [left, right]), up.place(of(row), [bottom, top])];
    let of_core = |core: &str| {
        let mut rows: Vec<_> = rows.iter().filter(|row| row.core == core).collect();
        rows.sort_by_key(|row| row.multiply_accumulates);
        let (plain, deep): (Vec<&Row>, Vec<&Row>) = rows.into_iter().partition(|row| row.network.widths().len() == 3);
        // The line joins networks with one hidden layer; the others are hollow marks next to it.
        let look = look(cores, core);
        html! {
            (look.curve(plain.iter().map(|row| place(row))))
            @for row in plain { (look.mark(place(row))) }
            @for row in deep { (look.ring(place(row))) }
        }
    };
    html! { (titled_axes(what, "multiply-accumulates", [&across, &up])) @for core in cores { (of_core(core)) } }
}

fn zeros(rows: &[Row], cores: &[&str]) -> Markup {
    let rows: Vec<_> = rows.iter().filter(|row| !row.each.is_empty()).collect();
    let (across, up) =
        (Axis::shares(), Axis::linear(rows.iter().flat_map(|row| &row.each).map(|image| image.count as f64)));
    let of = rows.first().map(|row| row.network.to_string()).unwrap_or_default();
    let [left, top, right, bottom] = FRAME;
    let title = format!("instructions of each image, {of}");
    html! {
        (titled_axes(&title, "share of its pixels that are zero", [&across, &up]))
        @for row in &rows {
            @for image in &row.each {
                @let place = [
                    across.place(image.zero_share, [left, right]),
                    up.place(image.count as f64, [bottom, top]),
                ];
                (look(cores, &row.core).dot(place))
            }
        }
        @if rows.is_empty() {
            @let middle = [f64::midpoint(left, right), f64::midpoint(top, bottom)];
            (faint_text(middle, Anchor::Middle, TEXT_SIZE, "not measured"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;
    use crate::row::tests::row;
    use parity::Unit;

    #[test]
    fn one_network_is_enough_to_draw() {
        let svg = growth(&[row(Unit::Instructions)]);
        assert!(svg.contains("multiply-accumulates") && svg.contains("784-128-10"), "{svg}");
        // One in the legend, three in panels, one dot for its image.
        let marks =
            |svg: &str| ["class=\"mark\"", "class=\"ground\" d", "<circle"].map(|part| svg.matches(part).count());
        assert_eq!(marks(&svg), [4, 0, 1], "{svg}");
        let deep = Row { network: Architecture::Dense(vec![784, 128, 64, 10]), ..row(Unit::Instructions) };
        assert_eq!(marks(&growth(&[deep])), [1, 3, 1]);
    }
}
