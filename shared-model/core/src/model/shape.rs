//! Shapes of images and activations, and windows that move over them.

use super::limits::MAX_WIDTH;

/// The shape of an image or of a layer's activations.
///
/// Values are stored row by row, and all channels of a pixel next to each other (NHWC).
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::Shape;
///
/// let image = Shape { rows: 32, columns: 24, channels: 3 };
/// let green = |row: usize, column: usize| 3 * (24 * row + column) + 1;
/// assert!(green(31, 23) < image.count());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Number of rows.
    pub rows: u16,
    /// Number of columns.
    pub columns: u16,
    /// Number of channels.
    pub channels: u16,
}

impl Shape {
    /// Returns the shape of a grey image: one channel.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Shape;
    ///
    /// assert_eq!(Shape::grey(28, 28), Shape { rows: 28, columns: 28, channels: 1 });
    /// ```
    #[must_use]
    pub const fn grey(rows: u16, columns: u16) -> Self {
        Self { rows, columns, channels: 1 }
    }

    /// Returns the number of values: at most [`MAX_WIDTH`] in a parsed model. The product
    /// saturates.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::Shape;
    ///
    /// assert_eq!(Shape { rows: 32, columns: 32, channels: 3 }.count(), 3072);
    /// ```
    #[must_use]
    pub const fn count(self) -> usize {
        (self.rows as usize).saturating_mul(self.columns as usize).saturating_mul(self.channels as usize)
    }
}

/// A window that moves over rows and columns. It can begin and end outside the image, where
/// convolutions read zeros and pools read nothing.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Shape, Window};
///
/// let image = Shape::grey(28, 28);
/// let window = Window { kernel: [3, 3], stride: [2, 2], padding: [0, 0, 1, 1] };
/// assert_eq!(window.positions(image), Ok([14, 14]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the window, each 1..=255.
    pub kernel: [u8; 2],
    /// Rows and columns from one position to the next, each 1..=255.
    pub stride: [u8; 2],
    /// Rows of zeros above, columns left, rows below and columns right of the image, each less than
    /// the window's rows or columns.
    pub padding: [u8; 4],
}

/// The reason why a window does not fit an image.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Shape, Window, WindowError};
///
/// let window = Window { kernel: [5, 5], stride: [1, 1], padding: [1; 4] };
/// assert_eq!(window.positions(Shape::grey(2, 8)), Err(WindowError::TooLarge));
/// assert_eq!(window.positions(Shape::grey(3, 8)), Ok([1, 6]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WindowError {
    /// The window or the stride has no rows or no columns.
    Empty,
    /// A whole window would be in the padding.
    Padding,
    /// The window is larger than the padded image.
    TooLarge,
    /// There are more positions than a shape can have rows or columns.
    TooMany,
}

impl core::error::Error for WindowError {}

impl core::fmt::Display for WindowError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Empty => f.write_str("the window or its stride has no rows or no columns"),
            Self::Padding => f.write_str("the padding is as large as the window, expected less"),
            Self::TooLarge => f.write_str("the window is larger than the image with its padding"),
            Self::TooMany => f.write_str("the window has more than 65,535 positions along a side"),
        }
    }
}

impl Window {
    /// Size in a blob.
    pub(crate) const BYTES: usize = 8;

    /// Returns the window that covers all of an image, for a global pool.
    ///
    /// Returns `None` if the image has more than 255 rows or columns.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{Shape, Window};
    ///
    /// let input = Shape { rows: 7, columns: 5, channels: 16 };
    /// let window = Window::covering(input).unwrap();
    /// assert_eq!((window.kernel, window.positions(input)), ([7, 5], Ok([1, 1])));
    /// assert_eq!(Window::covering(Shape::grey(1, 256)), None);
    /// ```
    #[must_use]
    pub fn covering(image: Shape) -> Option<Self> {
        let kernel = [u8::try_from(image.rows).ok()?, u8::try_from(image.columns).ok()?];
        Some(Self { kernel, stride: [1, 1], padding: [0; 4] })
    }

    /// Returns the padding with which a window has a position over `image` at each stride, with the
    /// smaller half before the image.
    ///
    /// Neither side of `stride` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{Shape, Window};
    ///
    /// let ([kernel, stride], image) = ([[3, 3], [2, 2]], Shape::grey(28, 28));
    /// let padding = Window::same_padding(kernel, stride, image);
    /// assert_eq!(padding, [0, 0, 1, 1]);
    /// assert_eq!(Window { kernel, stride, padding }.positions(image), Ok([14, 14]));
    /// ```
    #[must_use]
    pub fn same_padding(kernel: [u8; 2], stride: [u8; 2], image: Shape) -> [u8; 4] {
        let side = |size: u16, kernel: u8, stride: u8| {
            let [size, kernel, stride] = [size, kernel.into(), stride.into()].map(i32::from);
            let steps = size.wrapping_sub(1).checked_div(stride).unwrap_or(0);
            let all = steps.wrapping_mul(stride).wrapping_add(kernel).wrapping_sub(size).max(0);
            // Less than the window, so at most 254.
            [all / 2, all.wrapping_sub(all / 2)].map(|padding| padding as u8)
        };
        let [top, bottom] = side(image.rows, kernel[0], stride[0]);
        let [left, right] = side(image.columns, kernel[1], stride[1]);
        [top, left, bottom, right]
    }

    /// Returns the number of rows and columns of positions over `image`: the shape of the output.
    ///
    /// # Errors
    ///
    /// Returns a [`WindowError`] if the output would be empty, or a window could have no pixel of
    /// the image.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{Shape, Window, WindowError};
    ///
    /// let mut window = Window { kernel: [3, 3], stride: [1, 1], padding: [1; 4] };
    /// assert_eq!(window.positions(Shape::grey(28, 20)), Ok([28, 20]));
    /// window.stride = [0, 1];
    /// assert_eq!(window.positions(Shape::grey(28, 20)), Err(WindowError::Empty));
    /// ```
    pub fn positions(self, image: Shape) -> Result<[u16; 2], WindowError> {
        let [top, left, bottom, right] = self.padding;
        let rows = positions(image.rows, self.kernel[0], self.stride[0], [top, bottom])?;
        let columns = positions(image.columns, self.kernel[1], self.stride[1], [left, right])?;
        Ok([rows, columns])
    }

    /// Returns the number of inputs that a window's row has in a matrix: its values, and a zero if
    /// their number is odd.
    ///
    /// So each row starts with a new pair of inputs.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let window = prenda::Window { kernel: [3, 3], stride: [1, 1], padding: [1; 4] };
    /// assert_eq!([1, 2].map(|channels| window.row_inputs(channels)), [4, 6]); // 3 and a zero; 6
    /// ```
    #[must_use]
    pub const fn row_inputs(self, channels: u16) -> usize {
        (self.kernel[1] as usize).wrapping_mul(channels as usize).next_multiple_of(2)
    }

    /// Returns the number of inputs of a convolution's matrix: all of its window's rows.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let window = prenda::Window { kernel: [3, 3], stride: [1, 1], padding: [1; 4] };
    /// assert_eq!([1, 2].map(|channels| window.inputs(channels)), [12, 18]); // of three rows
    /// ```
    #[must_use]
    pub const fn inputs(self, channels: u16) -> usize {
        self.row_inputs(channels).saturating_mul(self.kernel[0] as usize)
    }

    /// Returns the number of pixels of the window.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// let window = prenda::Window { kernel: [3, 5], stride: [1, 1], padding: [1; 4] };
    /// assert_eq!(window.pixels(), 15);
    /// ```
    #[must_use]
    pub const fn pixels(self) -> usize {
        (self.kernel[0] as usize).wrapping_mul(self.kernel[1] as usize)
    }

    pub(crate) const fn to_bytes(self) -> [u8; Self::BYTES] {
        let ([a, b], [c, d], [e, f, g, h]) = (self.kernel, self.stride, self.padding);
        [a, b, c, d, e, f, g, h]
    }

    pub(super) const fn from_bytes([a, b, c, d, e, f, g, h]: [u8; Self::BYTES]) -> Self {
        Self { kernel: [a, b], stride: [c, d], padding: [e, f, g, h] }
    }
}

/// Returns the number of positions along one side of an image.
fn positions(size: u16, kernel: u8, stride: u8, padding: [u8; 2]) -> Result<u16, WindowError> {
    if kernel == 0 || stride == 0 {
        return Err(WindowError::Empty);
    }
    if padding.iter().any(|&padding| padding >= kernel) {
        return Err(WindowError::Padding);
    }
    let padded = padding.iter().fold(u32::from(size), |sum, &padding| sum.wrapping_add(padding.into()));
    let Some(rest) = padded.checked_sub(kernel.into()) else { return Err(WindowError::TooLarge) };
    let last = rest.checked_div(stride.into()).unwrap_or(0);
    u16::try_from(last.wrapping_add(1)).map_err(|_| WindowError::TooMany)
}

const _: () = assert!(MAX_WIDTH <= u16::MAX as usize, "counts fit 16 bits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_a_slow_count() {
        for size in 1..=12_u16 {
            for kernel in 0..=5_u8 {
                for stride in 0..=4_u8 {
                    for before in 0..=4_u8 {
                        for after in 0..=4_u8 {
                            let found = positions(size, kernel, stride, [before, after]);
                            let padded = i32::from(size) + i32::from(before) + i32::from(after);
                            if kernel == 0 || stride == 0 {
                                assert_eq!(found, Err(WindowError::Empty));
                            } else if before >= kernel || after >= kernel {
                                assert_eq!(found, Err(WindowError::Padding));
                            } else if padded < kernel.into() {
                                assert_eq!(found, Err(WindowError::TooLarge));
                            } else {
                                let starts = (0..=padded - i32::from(kernel)).step_by(stride.into());
                                // Each window has a pixel of the image.
                                for start in starts.clone() {
                                    let (first, end) = (i32::from(before), i32::from(before) + i32::from(size));
                                    assert!(start < end && start + i32::from(kernel) > first);
                                }
                                assert_eq!(found, Ok(starts.count() as u16));
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rows_of_a_window_start_with_a_new_pair() {
        let window = Window { kernel: [2, 3], stride: [1, 1], padding: [0; 4] };
        assert_eq!([1, 2, 3].map(|channels| window.row_inputs(channels)), [4, 6, 10]);
        assert_eq!([1, 2, 3].map(|channels| window.inputs(channels)), [8, 12, 20]);
        assert_eq!(Window::from_bytes(window.to_bytes()), window);
    }
}
