//! Where names of points go, so that none lies on another, or on a point.

use super::text::width;

/// Corners of a rectangle, the smaller coordinates first.
type Rectangle = [f64; 4];

/// How far a name is from its point, in pixels; the next where there is no room.
const DISTANCES: [f64; 4] = [11.0, 18.0, 28.0, 40.0];

/// Directions from a point to its name, the best first.
const DIRECTIONS: [(f64, f64); 8] =
    [(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8)];

/// From this distance on a line joins a name with its point.
const FAR: f64 = 24.0;

/// Where a name goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// Where it begins, and half its height.
    pub start: (i32, i32),
    /// The end of a line from its point, where that is far.
    pub leader: Option<(i32, i32)>,
}

/// What is taken already, and what names must stay within.
pub struct Labels {
    taken: Vec<Rectangle>,
    bounds: Rectangle,
}

impl Labels {
    /// Nothing is taken yet of what lies from `left, top` to `right, bottom`.
    pub fn within([left, top, right, bottom]: [i32; 4]) -> Self {
        Self { taken: Vec::new(), bounds: [left, top, right, bottom].map(f64::from) }
    }

    /// No name comes nearer than `radius` to the point.
    pub fn keep_free(&mut self, (x, y): (i32, i32), radius: i32) {
        self.taken.push([x - radius, y - radius, x + radius, y + radius].map(f64::from));
    }

    /// No name comes onto the line between two points.
    pub fn keep_line_free(&mut self, from: (i32, i32), to: (i32, i32)) {
        let length = f64::from(to.0 - from.0).hypot(f64::from(to.1 - from.1));
        let steps = (length / 4.0).ceil().max(1.0) as u32;
        for step in 0..=steps {
            let share = f64::from(step) / f64::from(steps);
            let between = |from: i32, to: i32| (f64::from(from) + share * f64::from(to - from)).round() as i32;
            self.keep_free((between(from.0, to.0), between(from.1, to.1)), 2);
        }
    }

    /// Where `text` of `size` pixels goes, a name for the point; nothing where there is no room.
    pub fn place(&mut self, text: &str, size: u32, (x, y): (i32, i32)) -> Option<Label> {
        let half = [width(text, size) / 2.0, f64::from(size) / 2.0 + 1.0];
        let places = DISTANCES.iter().flat_map(|distance| DIRECTIONS.map(|(right, down)| (distance, right, down)));
        let place = |(distance, right, down): (&f64, f64, f64)| {
            // To the side, a name's end is at that distance, not its middle.
            let middle_x = f64::from(x) + right * distance + right.signum() * if right == 0.0 { 0.0 } else { half[0] };
            let middle_y = f64::from(y) + down * distance;
            (*distance, [middle_x - half[0], middle_y - half[1], middle_x + half[0], middle_y + half[1]])
        };
        let (distance, found) = places.map(place).find(|(_, place)| self.is_free(place))?;
        self.taken.push(found);
        let [left, top, right, bottom] = found.map(|place| place.round() as i32);
        // To the corner or the side that is nearest.
        let leader = (distance >= FAR).then(|| (x.clamp(left, right), y.clamp(top, bottom)));
        Some(Label { start: (left, (top + bottom) / 2), leader })
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
    fn names_stay_apart_and_within_bounds() {
        let mut labels = Labels::within([0, 0, 200, 100]);
        let points = [(100, 50), (104, 52), (198, 2), (2, 98)];
        points.iter().for_each(|point| labels.keep_free(*point, 5));
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
    fn where_there_is_no_room_there_is_no_name() {
        let mut labels = Labels::within([0, 0, 60, 30]);
        assert_eq!(labels.place("a name that is too long", 13, (30, 15)), None);
        labels.keep_line_free((0, 0), (60, 30));
        labels.keep_line_free((0, 30), (60, 0));
        assert_eq!(labels.place("middle", 13, (30, 15)), None);
    }
}
