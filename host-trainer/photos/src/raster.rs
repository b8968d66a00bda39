//! Images of any number of channels.

use alloc::vec::Vec;

use libm::roundf;

/// Weights of red, green and blue in the brightness of sRGB, as the crate `image` computes them.
const LUMINANCE: [f32; 3] = [0.212_647_84, 0.715_179_2, 0.072_173_04];

/// Pixels of `N` bytes, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raster<const N: usize> {
    width: u32,
    height: u32,
    values: Vec<u8>,
}

impl<const N: usize> Raster<N> {
    /// Returns the image with these values, or `None` if they are not `N` for each pixel.
    #[must_use]
    pub fn new(width: u32, height: u32, values: Vec<u8>) -> Option<Self> {
        let count = (width as usize).checked_mul(height as usize)?.checked_mul(N)?;
        (count == values.len()).then_some(Self { width, height, values })
    }

    /// Returns the image of these pixels, as many as its size needs.
    pub(crate) fn of((width, height): (u32, u32), pixels: impl Iterator<Item = [u8; N]>) -> Self {
        let mut values = Vec::with_capacity(width as usize * height as usize * N);
        values.extend(pixels.flatten());
        Self { width, height, values }
    }

    /// Returns width and height.
    #[must_use]
    pub fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Returns all pixels, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[[u8; N]] {
        self.values.as_chunks().0
    }

    /// Returns all pixels, each with its column and row.
    pub(crate) fn enumerate(&self) -> impl Iterator<Item = (u32, u32, [u8; N])> {
        let rows = self.pixels().chunks_exact(self.width.max(1) as usize);
        (0..).zip(rows).flat_map(|(y, row)| (0..).zip(row).map(move |(x, pixel)| (x, y, *pixel)))
    }

    /// Returns the pixel in column `x` and row `y`; zeros outside.
    pub(crate) fn get(&self, x: u32, y: u32) -> [u8; N] {
        let index = y as usize * self.width as usize + x as usize;
        self.pixels().get(index).copied().unwrap_or([0; N])
    }

    /// Returns all values.
    #[must_use]
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    pub(crate) fn values_mut(&mut self) -> &mut [u8] {
        &mut self.values
    }

    /// Returns all values.
    #[must_use]
    pub fn into_values(self) -> Vec<u8> {
        self.values
    }

    /// Returns the part from column `x` and row `y` on, as far as there are pixels.
    pub(crate) fn crop(&self, (x, y): (u32, u32), (width, height): (u32, u32)) -> Self {
        let (width, height) = (width.min(self.width.saturating_sub(x)), height.min(self.height.saturating_sub(y)));
        let columns = x as usize..(x + width) as usize;
        let rows = self.pixels().chunks_exact(self.width.max(1) as usize).skip(y as usize).take(height as usize);
        let pixels = rows.flat_map(|row| row.get(columns.clone()).unwrap_or_default());
        Self { width, height, values: pixels.copied().flatten().collect() }
    }

    /// Replaces the pixels from column `x` and row `y` on by those of `part`.
    pub(crate) fn replace(&mut self, part: &Self, (x, y): (u32, u32)) {
        let (width, part_width) = (self.width.max(1) as usize * N, part.width.max(1) as usize * N);
        let rows = self.values.chunks_exact_mut(width).skip(y as usize);
        for (row, source) in rows.zip(part.values.chunks_exact(part_width)) {
            if let Some(target) = row.get_mut(x as usize * N..).and_then(|rest| rest.get_mut(..source.len())) {
                target.copy_from_slice(source);
            }
        }
    }
}

impl Raster<4> {
    /// Returns brightness and opacity of red, green, blue and opacity, like the crate `image`.
    #[must_use]
    pub fn brightness(&self) -> Raster<2> {
        let brightness = |[red, green, blue, alpha]: [u8; 4]| {
            let parts = [red, green, blue].into_iter().zip(LUMINANCE);
            let sum = parts.fold(0.0, |sum, (part, weight)| sum + f32::from(part) * (1.0 / 255.0) * weight);
            // A conversion of a float saturates.
            [roundf(sum * 255.0) as u8, alpha]
        };
        Raster::of(self.dimensions(), self.pixels().iter().map(|pixel| brightness(*pixel)))
    }
}

#[cfg(test)]
impl<const N: usize> Raster<N> {
    pub(crate) fn from_fn(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; N]) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self::of((width, height), pixels.map(|(x, y)| pixel(x, y)))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use image::{DynamicImage, RgbaImage};

    use super::*;

    #[test]
    fn the_brightness_of_every_colour_is_that_of_the_crate_image() {
        for red in 0..=255 {
            let colours = Raster::<4>::from_fn(256, 256, |x, y| [red, x as u8, y as u8, (x ^ y) as u8]);
            let reference = RgbaImage::from_raw(256, 256, colours.values().to_vec()).unwrap();
            let reference = DynamicImage::from(reference).into_luma_alpha8().into_raw();
            assert!(colours.brightness().into_values() == reference, "{red}");
        }
    }

    #[test]
    fn values_that_do_not_fill_an_image_are_refused() {
        assert_eq!(Raster::<2>::new(2, 2, vec![0; 7]), None);
        assert_eq!(Raster::<2>::new(u32::MAX, u32::MAX, vec![0; 7]), None);
        assert_eq!(Raster::<3>::new(0, 5, Vec::new()).unwrap().crop((0, 0), (1, 1)).dimensions(), (0, 1));
    }

    #[test]
    fn parts_are_cut_out_and_put_back() {
        let image = Raster::<1>::from_fn(5, 4, |x, y| [(10 * y + x) as u8]);
        let part = image.crop((1, 2), (3, 9));
        assert_eq!((part.dimensions(), part.values()), ((3, 2), &[21, 22, 23, 31, 32, 33][..]));
        let mut target = Raster::<1>::from_fn(4, 3, |_, _| [0]);
        target.replace(&part, (1, 1));
        assert_eq!(target.values(), [0, 0, 0, 0, 0, 21, 22, 23, 0, 31, 32, 33]);
    }
}
