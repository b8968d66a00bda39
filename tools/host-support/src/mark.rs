//! Marks and dashes that distinguish curves without colour.

use maud::{Markup, html};

use crate::style::{Colour, FAINT, colour};
use crate::svg::short;

/// Shapes of marks, as paths around the middle.
const SHAPES: [&str; 6] = [
    "m-3.5,0a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0 -7,0z",
    "m-3.2,-3.2h6.4v6.4h-6.4z",
    "m0,-4.4l4.2,7.4h-8.4z",
    "m0,-4.6l4.6,4.6l-4.6,4.6l-4.6,-4.6z",
    "m0,4.4l4.2,-7.4h-8.4z",
    "m-4.4,-1.4h3v-3h2.8v3h3v2.8h-3v3h-2.8v-3h-3z",
];

/// Dashes of lines; the first is a whole line.
const DASHES: [&str; 4] = ["none", "7 4", "2 3", "9 3 2 3"];

/// The appearance of a curve.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    colour: Colour,
    shape: &'static str,
    dash: &'static str,
}

impl Look {
    /// Returns the look of series `index`, with the dashes of `dash`.
    #[must_use]
    pub fn new(index: usize, dash: usize) -> Self {
        let colour = match colour(index) {
            // Not visible on a dark ground.
            Colour(0, 0, 0) => FAINT,
            colour => colour,
        };
        Self { colour, shape: SHAPES[index % SHAPES.len()], dash: DASHES[dash % DASHES.len()] }
    }

    /// Returns the curve through `points`.
    #[must_use]
    pub fn curve(self, points: impl Iterator<Item = [f64; 2]>) -> Markup {
        let points: Vec<String> = points.map(|[x, y]| format!("{},{}", short(x), short(y))).collect();
        html! {
            polyline points=(points.join(" ")) fill="none" stroke=(self.colour.hex()) stroke-width="2"
                stroke-linejoin="round" stroke-dasharray=(self.dash) {}
        }
    }

    /// Returns a filled mark at a point.
    #[must_use]
    pub fn mark(self, [x, y]: [f64; 2]) -> Markup {
        html! { path.mark d={ "M" (short(x)) "," (short(y)) (self.shape) } fill=(self.colour.hex()) {} }
    }

    /// Returns a dot, for a point among very many.
    #[must_use]
    pub fn dot(self, [x, y]: [f64; 2]) -> Markup {
        html! { circle cx=(short(x)) cy=(short(y)) r="2" fill=(self.colour.hex()) {} }
    }

    /// Returns a larger, hollow mark.
    #[must_use]
    pub fn ring(self, point: [f64; 2]) -> Markup {
        self.sized(point, 1.5, true)
    }

    /// Returns a mark that is `scale` times larger, hollow or filled.
    #[must_use]
    pub fn sized(self, [x, y]: [f64; 2], scale: f64, is_hollow: bool) -> Markup {
        let place = format!("translate({},{}) scale({scale})", short(x), short(y));
        let (class, fill) = if is_hollow { ("ground", "#ffffff".to_owned()) } else { ("mark", self.colour.hex()) };
        html! {
            path class=(class) d={ "M0,0" (self.shape) } transform=(place) fill=(fill) stroke=(self.colour.hex())
                stroke-width="1.4" {}
        }
    }

    /// Returns a bar between two points, with ends across it: the spread of a value.
    #[must_use]
    pub fn spread(self, from: [f64; 2], to: [f64; 2]) -> Markup {
        let [[x1, y1], [x2, y2]] = [from, to].map(|point| point.map(short));
        let [wide, high] = if y1 == y2 { [0.0, 5.0] } else { [5.0, 0.0] };
        let end = |x: f64, y: f64| format!("M{},{}l{},{}", x - wide, y - high, 2.0 * wide, 2.0 * high);
        html! {
            path d={ "M" (x1) "," (y1) "L" (x2) "," (y2) (end(x1, y1)) (end(x2, y2)) } stroke=(self.colour.hex())
                stroke-width="1.5" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ_in_shape_and_dash_not_only_in_colour() {
        for index in 0..12 {
            let [one, other] = [Look::new(index, index), Look::new(index + 1, index + 1)];
            assert!(one.shape != other.shape && one.dash != other.dash, "{index}");
            assert_ne!(one.colour, Colour(0, 0, 0));
        }
    }

    #[test]
    fn coordinates_have_fractions() {
        let svg = Look::new(1, 1).curve([[1.0, 2.5], [3.333_33, 4.0]].into_iter()).into_string();
        assert!(svg.contains("points=\"1,2.5 3.33,4\"") && svg.contains("stroke-dasharray=\"7 4\""), "{svg}");
    }
}
