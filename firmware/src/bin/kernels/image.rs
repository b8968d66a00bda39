//! Images of the cases.

use crate::random::Random;

#[derive(Clone, Copy)]
pub enum Image {
    Black,
    White,
    /// Any values, half of them 0.
    Half,
    Any,
    /// One value that is not 0, at this place.
    Single(usize),
    /// This many pairs of neighbours that are not both 0.
    Pairs(usize),
}

/// Numbers of pairs around one and two full lists.
const PAIRS: [usize; 9] = [124, 125, 126, 127, 128, 129, 255, 256, 257];

/// Maximum number of pixels that each get an image of their own.
const MAX_SINGLES: usize = 48;

/// Returns the images for a blob at an address with this remainder modulo 16. Most are for the
/// alignments that the assembly kernels accept.
pub fn all(pixels: usize, alignment: usize) -> impl Iterator<Item = Image> {
    let is_aligned = alignment.is_multiple_of(4);
    let first = if alignment == 0 { pixels } else { 0 };
    let singles = (0..first).step_by(pixels.div_ceil(MAX_SINGLES)).chain(first.checked_sub(1)).map(Image::Single);
    let whole = [Image::Black, Image::Any].into_iter().filter(move |_| is_aligned);
    let pairs = PAIRS.into_iter().filter(move |&pairs| is_aligned && pairs <= pixels.div_ceil(2)).map(Image::Pairs);
    [Image::Half, Image::White].into_iter().chain(whole).chain(pairs).chain(singles)
}

impl Image {
    pub fn draw(self, random: &mut Random, pixels: &mut [u8]) {
        pixels.fill(0);
        match self {
            Self::Black => {}
            Self::White => pixels.fill(255),
            Self::Half => {
                pixels.iter_mut().for_each(|pixel| *pixel = if random.below(2) == 0 { 0 } else { random.byte() })
            }
            Self::Any => pixels.iter_mut().for_each(|pixel| *pixel = random.byte()),
            Self::Single(place) => pixels.iter_mut().skip(place).take(1).for_each(|pixel| *pixel = random.byte() | 1),
            Self::Pairs(count) => draw_pairs(random, pixels, count),
        }
    }

    /// Returns the name for logs.
    pub const fn name(self) -> (&'static str, usize) {
        match self {
            Self::Black => ("all 0", 0),
            Self::White => ("all 255", 0),
            Self::Half => ("half of them 0", 0),
            Self::Any => ("any", 0),
            Self::Single(place) => ("one only, at", place),
            Self::Pairs(count) => ("pairs", count),
        }
    }
}

/// Draws `count` pairs that are not both 0, at any places.
fn draw_pairs(random: &mut Random, pixels: &mut [u8], count: usize) {
    let pairs = pixels.len().div_ceil(2);
    let mut missing = count;
    for (index, pair) in pixels.chunks_mut(2).enumerate() {
        if random.below((pairs - index) as u32) as usize >= missing {
            continue;
        }
        missing -= 1;
        // The even pixel, the odd one, or both.
        let which = if pair.len() == 2 { random.below(3) + 1 } else { 1 };
        for (place, pixel) in pair.iter_mut().enumerate() {
            *pixel = if which >> place & 1 == 1 { random.byte() | 1 } else { 0 };
        }
    }
}
