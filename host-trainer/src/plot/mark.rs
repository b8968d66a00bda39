//! Marks and dashes that distinguish curves without colour.

use maud::{Markup, html};
use plotters::style::RGBColor;

use super::svg::{hex, short};
use host_support::style::{FAINT, colour};

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
    colour: RGBColor,
    shape: &'static str,
    dash: &'static str,
}

impl Look {
    /// Returns the look of series `index`, with the dashes of `dash`.
    pub fn new(index: usize, dash: usize) -> Self {
        let colour = match colour(index) {
            // Not visible on a dark ground.
            RGBColor(0, 0, 0) => FAINT,
            colour => colour,
        };
        Self { colour, shape: SHAPES[index % SHAPES.len()], dash: DASHES[dash % DASHES.len()] }
    }

    /// Returns the curve through `points`.
    pub fn curve(self, points: impl Iterator<Item = [f64; 2]>) -> Markup {
        let points: Vec<String> = points.map(|[x, y]| format!("{},{}", short(x), short(y))).collect();
        html! {
            polyline points=(points.join(" ")) fill="none" stroke=(hex(self.colour)) stroke-width="2"
                stroke-linejoin="round" stroke-dasharray=(self.dash) {}
        }
    }

    /// Returns a filled mark at a point.
    pub fn mark(self, [x, y]: [f64; 2]) -> Markup {
        html! { path.mark d={ "M" (short(x)) "," (short(y)) (self.shape) } fill=(hex(self.colour)) {} }
    }

    /// Returns a larger, hollow mark.
    pub fn ring(self, [x, y]: [f64; 2]) -> Markup {
        let place = format!("translate({},{}) scale(1.5)", short(x), short(y));
        html! {
            path.ground d={ "M0,0" (self.shape) } transform=(place) fill="#ffffff" stroke=(hex(self.colour))
                stroke-width="1.4" {}
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
            assert_ne!(one.colour, RGBColor(0, 0, 0));
        }
    }

    #[test]
    fn coordinates_have_fractions() {
        let svg = Look::new(1, 1).curve([[1.0, 2.5], [3.333_33, 4.0]].into_iter()).into_string();
        assert!(svg.contains("points=\"1,2.5 3.33,4\"") && svg.contains("stroke-dasharray=\"7 4\""), "{svg}");
    }
}
