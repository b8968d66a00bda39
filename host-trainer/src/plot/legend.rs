//! The meaning of marks, next to each other, in as many lines as needed.

use host_support::style::TEXT_SIZE;
use host_support::svg::{Anchor, text};
use maud::{Markup, html};

use super::text::width;

/// Distance of a name from the middle of its mark, and of the next mark from its end, in pixels.
const SPACES: [f64; 2] = [16.0, 30.0];

/// A legend that is being filled.
pub struct Legend {
    /// Left and right ends.
    sides: [f64; 2],
    top: f64,
    line: f64,
    /// The position of the next mark.
    next: [f64; 2],
    entries: Vec<Markup>,
}

impl Legend {
    /// Returns an empty legend between two `sides`, from `top` on, with lines of this height.
    pub fn new(sides: [f64; 2], top: f64, line: f64) -> Self {
        Self { sides, top, line, next: [sides[0], top + line / 2.0], entries: Vec::new() }
    }

    /// Adds a mark, which `mark` returns for its position, and its name.
    pub fn add(&mut self, name: &str, mark: impl FnOnce([f64; 2]) -> Markup) {
        let [left, right] = self.sides;
        let wide = width(name, TEXT_SIZE);
        if self.next[0] > left && self.next[0] + SPACES[0] + wide > right {
            self.next = [left, self.next[1] + self.line];
        }
        let [x, y] = self.next;
        self.entries.push(html! { (mark([x, y])) (text([x + SPACES[0], y], Anchor::Start, TEXT_SIZE, name)) });
        self.next[0] = x + SPACES[0] + wide + SPACES[1];
    }

    /// Returns the legend and its height.
    pub fn finish(self) -> (Markup, f64) {
        let height = self.next[1] + self.line / 2.0 - self.top;
        (html! { @for entry in self.entries { (entry) } }, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_not_fit_begin_a_line() {
        let mut legend = Legend::new([10.0, 200.0], 5.0, 20.0);
        for name in ["short", "a name that is longer", "a name that is longer than all of the line is"] {
            legend.add(name, |[x, y]| html! { mark x=(x) y=(y) {} });
        }
        let (content, height) = legend.finish();
        let content = content.into_string();
        assert_eq!(content.matches("<mark x=\"10\"").count(), 3, "{content}");
        assert_eq!(height, 60.0);
    }
}
