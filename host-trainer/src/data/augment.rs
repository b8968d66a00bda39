//! Augmentation: images shifted by one pixel and mirrored.

use prenda::Shape;
use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;

/// A shift by one pixel. Black pixels move in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shift {
    None,
    Right,
    Left,
    Down,
    Up,
}

/// One of the ten versions of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Mirrors left and right, before the shift.
    is_mirrored: bool,
    shift: Shift,
}

pub const VERSIONS: usize = 10;

impl Version {
    /// The unchanged image.
    pub const PLAIN: Self = Self { is_mirrored: false, shift: Shift::None };

    /// Chooses one of the ten versions with probability `share`, otherwise the plain image.
    pub fn choose(share: f64, random: &mut Xoshiro256PlusPlus) -> Self {
        // Both numbers are always drawn, so that a larger share alters a superset of the images.
        let (chance, version): (f64, u8) = (random.random(), random.random_range(0..VERSIONS as u8));
        if chance >= share { Self::PLAIN } else { Self::from_number(version) }
    }

    /// Returns all versions, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..VERSIONS as u8).map(Self::from_number)
    }

    fn from_number(number: u8) -> Self {
        let shift = match number / 2 {
            0 => Shift::None,
            1 => Shift::Right,
            2 => Shift::Left,
            3 => Shift::Down,
            _ => Shift::Up,
        };
        Self { is_mirrored: number % 2 == 1, shift }
    }

    /// Returns the version's number, 0..[`VERSIONS`].
    pub fn number(self) -> usize {
        let shift = match self.shift {
            Shift::None => 0,
            Shift::Right => 1,
            Shift::Left => 2,
            Shift::Down => 3,
            Shift::Up => 4,
        };
        2 * shift + usize::from(self.is_mirrored)
    }

    /// Returns the version that is the mirror image of this one.
    pub fn mirrored(self) -> Self {
        let shift = match self.shift {
            Shift::Right => Shift::Left,
            Shift::Left => Shift::Right,
            other => other,
        };
        Self { is_mirrored: !self.is_mirrored, shift }
    }

    /// Appends this version of `image`, raw values of `shape`, to `pixels`.
    pub fn append(self, image: &[u8], shape: Shape, pixels: &mut Vec<u8>) {
        let start = pixels.len();
        pixels.extend_from_slice(image);
        let Some(image) = pixels.get_mut(start..) else { return };
        if self.is_mirrored {
            mirror(image, shape);
        }
        let (pixel, row) = (usize::from(shape.channels), row_values(shape));
        match self.shift {
            Shift::None => {}
            Shift::Right => image.chunks_exact_mut(row).for_each(|row| move_right(row, pixel)),
            Shift::Left => image.chunks_exact_mut(row).for_each(|row| move_left(row, pixel)),
            Shift::Down => move_right(image, row),
            Shift::Up => move_left(image, row),
        }
    }
}

/// Mirrors `images` of `shape` left and right.
pub fn mirror(images: &mut [u8], shape: Shape) {
    let pixel = usize::from(shape.channels).max(1);
    for row in images.chunks_exact_mut(row_values(shape)) {
        // Reverses the values, then those of each pixel again.
        row.reverse();
        row.chunks_exact_mut(pixel).for_each(<[u8]>::reverse);
    }
}

/// Returns the number of values in a row, at least 1.
fn row_values(shape: Shape) -> usize {
    (usize::from(shape.columns) * usize::from(shape.channels)).max(1)
}

/// Moves all values by `count` places towards the end, and fills with zeros.
fn move_right(values: &mut [u8], count: usize) {
    let count = count.min(values.len());
    values.rotate_right(count);
    values.iter_mut().take(count).for_each(|value| *value = 0);
}

/// Moves all values by `count` places towards the start, and fills with zeros.
fn move_left(values: &mut [u8], count: usize) {
    let count = count.min(values.len());
    values.rotate_left(count);
    values.iter_mut().rev().take(count).for_each(|value| *value = 0);
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const SHIFTS: [(Shift, i32, i32); 5] =
        [(Shift::None, 0, 0), (Shift::Right, 0, 1), (Shift::Left, 0, -1), (Shift::Down, 1, 0), (Shift::Up, -1, 0)];

    /// Returns the shape of a grey image.
    fn grey(rows: i32, columns: i32) -> Shape {
        Shape::grey(rows as u16, columns as u16)
    }

    /// Computes a version pixel by pixel.
    fn expected(version: Version, image: &[u8], rows: i32, columns: i32) -> Vec<u8> {
        let (_, down, right) = SHIFTS.into_iter().find(|(shift, ..)| *shift == version.shift).unwrap();
        let pixel = |row: i32, column: i32| {
            let (row, column) = (row - down, column - right);
            let is_inside = (0..rows).contains(&row) && (0..columns).contains(&column);
            let column = if version.is_mirrored { columns - 1 - column } else { column };
            if is_inside { image[(row * columns + column) as usize] } else { 0 }
        };
        (0..rows * columns).map(|index| pixel(index / columns, index % columns)).collect()
    }

    #[test]
    fn versions_match_the_definition_at_every_edge() {
        for (rows, columns) in [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (28, 28)] {
            let image: Vec<u8> = (0..rows * columns).map(|index| (index % 255 + 1) as u8).collect();
            for (shift, ..) in SHIFTS {
                for is_mirrored in [false, true] {
                    let version = Version { is_mirrored, shift };
                    let mut pixels = vec![7, 7];
                    version.append(&image, grey(rows, columns), &mut pixels);
                    assert_eq!(pixels[..2], [7, 7]);
                    assert_eq!(pixels[2..], expected(version, &image, rows, columns), "{version:?} {rows} {columns}");
                }
            }
        }
    }

    #[test]
    fn the_channels_of_a_pixel_stay_together() {
        let shape = Shape { channels: 3, ..grey(3, 4) };
        let image: Vec<u8> = (1..=36).collect();
        for version in Version::all() {
            let mut pixels = Vec::new();
            version.append(&image, shape, &mut pixels);
            for channel in 0..3 {
                let of_channel = |values: &[u8]| values.iter().skip(channel).step_by(3).copied().collect::<Vec<u8>>();
                assert_eq!(of_channel(&pixels), expected(version, &of_channel(&image), 3, 4), "{version:?}");
            }
        }
    }

    #[test]
    fn a_mirrored_version_is_the_mirror_image() {
        let (rows, columns) = (3, 5);
        let image: Vec<u8> = (1..=15).collect();
        let show = |version: Version| {
            let mut pixels = Vec::new();
            version.append(&image, grey(rows, columns), &mut pixels);
            pixels
        };
        assert_eq!(Version::all().count(), VERSIONS);
        for (number, version) in Version::all().enumerate() {
            assert_eq!(version.number(), number);
            let mut expected = show(version);
            expected.chunks_exact_mut(columns as usize).for_each(<[u8]>::reverse);
            assert_eq!(show(version.mirrored()), expected, "{version:?}");
            assert_eq!(expected.len(), (rows * columns) as usize);
        }
    }

    #[test]
    fn an_empty_image_stays_empty() {
        for (shift, ..) in SHIFTS {
            let mut pixels = Vec::new();
            Version { is_mirrored: true, shift }.append(&[], Shape::default(), &mut pixels);
            assert_eq!(pixels, [0_u8; 0]);
        }
    }

    #[test]
    fn versions_are_as_frequent_as_requested_and_reproducible() {
        let draw = |share, seed| -> Vec<Version> {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
            (0..20_000).map(|_| Version::choose(share, &mut random)).collect()
        };
        assert_eq!(draw(0.5, 1), draw(0.5, 1));
        assert_ne!(draw(0.5, 1), draw(0.5, 2));
        assert!(draw(0.0, 1).iter().all(|version| *version == Version::PLAIN));
        for share in [0.5, 1.0] {
            let drawn = draw(share, 1);
            for (shift, ..) in SHIFTS {
                for is_mirrored in [false, true] {
                    let version = Version { is_mirrored, shift };
                    let found = drawn.iter().filter(|drawn| **drawn == version).count() as f64 / drawn.len() as f64;
                    let plain = if version == Version::PLAIN { 1.0 - share } else { 0.0 };
                    assert!((found - plain - share / 10.0).abs() < 0.01, "{share} {version:?}: {found}");
                }
            }
        }
    }
}
