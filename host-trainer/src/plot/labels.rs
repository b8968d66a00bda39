//! Places labels of points so that they do not overlap each other or a point.

use super::text::width;

/// Corners of a rectangle, the smaller coordinates first.
type Rectangle = [f64; 4];

/// Distances of a label from its point, in pixels; the first with enough room is used.
const DISTANCES: [f64; 4] = [11.0, 18.0, 28.0, 40.0];

/// Directions from a point to its label, the best first.
const DIRECTIONS: [(f64, f64); 8] =
    [(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8)];

/// Distance from which a line connects a label with its point, in pixels.
const FAR: f64 = 24.0;

/// The position of a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// Left end, at half its height.
    pub start: [f64; 2],
    /// End of the line from the point, if the point is far.
    pub leader: Option<[f64; 2]>,
}

/// The areas that labels must avoid, and the bounds that they must stay in.
pub struct Labels {
    taken: Vec<Rectangle>,
    bounds: Rectangle,
}

impl Labels {
    /// Returns an empty area.
    pub fn within(bounds: Rectangle) -> Self {
        Self { taken: Vec::new(), bounds }
    }

    /// Keeps labels at least `radius` away from the point.
    pub fn keep_free(&mut self, [x, y]: [f64; 2], radius: f64) {
        self.taken.push([x - radius, y - radius, x + radius, y + radius]);
    }

    /// Keeps labels off the line between two points.
    pub fn keep_line_free(&mut self, from: [f64; 2], to: [f64; 2]) {
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let steps = (length / 4.0).ceil().max(1.0) as u32;
        for step in 0..=steps {
            let share = f64::from(step) / f64::from(steps);
            self.keep_free([0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis])), 2.0);
        }
    }

    /// Places a label of font size `size` at the point. Returns `None` if it does not fit.
    pub fn place(&mut self, text: &str, size: u32, [x, y]: [f64; 2]) -> Option<Label> {
        let half = [width(text, size) / 2.0, f64::from(size) / 2.0 + 1.0];
        let places = DISTANCES.iter().flat_map(|distance| DIRECTIONS.map(|(right, down)| (distance, right, down)));
        let place = |(distance, right, down): (&f64, f64, f64)| {
            // To the side, the distance is measured to the label's end, not to its middle.
            let middle_x = x + right * distance + right.signum() * if right == 0.0 { 0.0 } else { half[0] };
            let middle_y = y + down * distance;
            (*distance, [middle_x - half[0], middle_y - half[1], middle_x + half[0], middle_y + half[1]])
        };
        let (distance, found) = places.map(place).find(|(_, place)| self.is_free(place))?;
        self.taken.push(found);
        let [left, top, right, bottom] = found;
        // The line ends at the nearest corner or side.
        let leader = (distance >= FAR).then(|| [x.clamp(left, right), y.clamp(top, bottom)]);
        Some(Label { start: [left, f64::midpoint(top, bottom)], leader })
    }

    fn is_free(&self, place: &Rectangle) -> bool {
        let [left, top, right, bottom] = *place;
        let is_inside =
            left >= self.bounds[0] && top >= self.bounds[1] && right <= self.bounds[2] && bottom <= self.bounds[3];
        let meets = |other: &Rectangle| left < other[2] && other[0] < right && top < other[3] && other[1] < bottom;
        is_inside && !self.taken.iter().any(meets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_overlap_and_stay_in_bounds() {
        let mut labels = Labels::within([0.0, 0.0, 200.0, 100.0]);
        let points = [[100.0, 50.0], [104.0, 52.0], [198.0, 2.0], [2.0, 98.0]];
        points.iter().for_each(|point| labels.keep_free(*point, 5.0));
        let marks = labels.taken.len();
        for point in points {
            labels.place("name", 13, point).unwrap();
        }
        let names = &labels.taken[marks..];
        for (index, name) in names.iter().enumerate() {
            assert!(name[0] >= 0.0 && name[1] >= 0.0 && name[2] <= 200.0 && name[3] <= 100.0, "{name:?}");
            let others = labels.taken.iter().enumerate().filter(|(other, _)| *other != marks + index);
            for (_, other) in others {
                let is_apart = name[0] >= other[2] || other[0] >= name[2] || name[1] >= other[3] || other[1] >= name[3];
                assert!(is_apart, "{name:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_label_without_room_is_left_out() {
        let mut labels = Labels::within([0.0, 0.0, 60.0, 30.0]);
        assert_eq!(labels.place("a name that is too long", 13, [30.0, 15.0]), None);
        labels.keep_line_free([0.0, 0.0], [60.0, 30.0]);
        labels.keep_line_free([0.0, 30.0], [60.0, 0.0]);
        assert_eq!(labels.place("middle", 13, [30.0, 15.0]), None);
    }
}
