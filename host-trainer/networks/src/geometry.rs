//! The layers of a network for images of a known shape, and windows that walk over values.

use prenda::{LayerKind, Shape, Window};

use crate::parameters::DenseParameters;

/// A layer, without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerPlan {
    /// Its kind, with its window.
    pub kind: LayerKind,
    /// The shape of its input.
    pub input: Shape,
    /// The shape of its output.
    pub output: Shape,
}

impl LayerPlan {
    /// Returns a plan of dense layers with these parameters.
    pub fn dense(layers: &[DenseParameters]) -> Vec<Self> {
        let row = |values: usize| Shape::grey(1, values.try_into().unwrap_or(u16::MAX));
        let layers = layers.iter().map(|layer| (row(layer.inputs), row(layer.outputs)));
        layers.map(|(input, output)| Self { kind: LayerKind::Dense, input, output }).collect()
    }

    /// Returns inputs and outputs of the matrix; `None` for a pool.
    pub fn matrix(&self) -> Option<[usize; 2]> {
        let outputs = if self.kind == LayerKind::Dense { self.output.count() } else { self.output.channels.into() };
        self.kind.has_matrix().then(|| [self.kind.matrix_inputs(self.input), outputs])
    }

    /// Returns true if a device skips pairs of inputs that are zero.
    pub fn skips_zeros(&self) -> bool {
        matches!(self.kind, LayerKind::Dense | LayerKind::Convolution(_))
    }

    /// Returns the multiplications for an image, with those of padding.
    pub fn multiplications(&self) -> usize {
        let windows = self.walk().map_or(1, |walk| walk.windows());
        self.matrix().map_or(0, |[inputs, outputs]| windows * inputs * outputs)
    }

    /// Returns true for each value of a window's row that is not padded: see
    /// [`Window::row_inputs`]. Returns `None` for layers without such padding.
    pub fn is_row_value(&self) -> Option<Vec<bool>> {
        let LayerKind::Convolution(window) = self.kind else { return None };
        let (all, values) = (window.row_inputs(self.input.channels), row_values(window, self.input));
        (all > values).then(|| (0..all).map(|value| value < values).collect())
    }

    /// Returns the walk of a convolution or pool.
    pub fn walk(&self) -> Option<Walk> {
        let window = self.kind.window()?;
        let row = match self.kind {
            LayerKind::Convolution(_) => window.row_inputs(self.input.channels),
            _ => row_values(window, self.input),
        };
        Some(Walk { window, input: self.input, output: [self.output.rows, self.output.columns], row })
    }
}

fn row_values(window: Window, input: Shape) -> usize {
    usize::from(window.kernel[1]) * usize::from(input.channels)
}

/// A window, and the shapes of its input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The window.
    pub window: Window,
    /// The shape of its input.
    pub input: Shape,
    /// Rows and columns of the output.
    pub output: [u16; 2],
    /// Values of a window's row, with its padding.
    pub row: usize,
}

/// Values that are next to each other in a window and in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First index in the windows of an image, stored one after another.
    pub window: usize,
    /// First index in the image.
    pub image: usize,
    /// Their number.
    pub count: usize,
}

impl Walk {
    /// Returns the number of windows in an image.
    pub fn windows(&self) -> usize {
        self.output.map(usize::from).iter().product()
    }

    /// Returns the number of values in a window, with the padding of its rows.
    pub fn values(&self) -> usize {
        self.row * usize::from(self.window.kernel[0])
    }

    /// Returns the number of pixels of each window that are not padding.
    pub fn counts(&self) -> Vec<usize> {
        let channels = usize::from(self.input.channels);
        let mut counts = vec![0; self.windows()];
        for stretch in self.stretches() {
            if let Some(count) = counts.get_mut(stretch.window / self.values()) {
                *count += stretch.count / channels;
            }
        }
        counts
    }

    /// Returns the parts of all windows of an image that are not padding.
    pub fn stretches(&self) -> Vec<Stretch> {
        let Window { kernel, stride, padding } = self.window;
        let Shape { rows, columns, channels } = self.input;
        let channels = usize::from(channels);
        let mut stretches = Vec::new();
        for window in 0..self.windows() {
            let output = [window / usize::from(self.output[1]), window % usize::from(self.output[1])];
            // The first row and column of the window, in the padded image.
            let [top, left] = [0, 1].map(|axis| output[axis] * usize::from(stride[axis]));
            let [above, before] = [padding[0], padding[1]].map(usize::from);
            let first = left.max(before);
            let end = (left + usize::from(kernel[1])).min(before + usize::from(columns));
            for kernel_row in 0..usize::from(kernel[0]) {
                let Some(row) = (top + kernel_row).checked_sub(above).filter(|row| *row < rows.into()) else {
                    continue;
                };
                let Some(count) = end.checked_sub(first).filter(|count| *count > 0) else { continue };
                stretches.push(Stretch {
                    window: window * self.values() + kernel_row * self.row + (first - left) * channels,
                    image: (row * usize::from(columns) + first - before) * channels,
                    count: count * channels,
                });
            }
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_the_pixels_of_windows_inside_the_image() {
        for (kernel, stride, padding) in [
            ([3, 2], [2, 1], [1, 0, 1, 1]),
            ([1, 1], [1, 1], [0; 4]),
            ([4, 5], [4, 3], [2, 3, 1, 0]),
            ([2, 3], [1, 2], [0, 2, 1, 2]),
        ] {
            let (rows, columns, channels) = (5, 7, 3);
            let output = [
                (rows + padding[0] + padding[2] - kernel[0]) / stride[0] + 1,
                (columns + padding[1] + padding[3] - kernel[1]) / stride[1] + 1,
            ];
            let walk = Walk {
                window: Window { kernel, stride, padding },
                input: Shape { rows: rows.into(), columns: columns.into(), channels },
                output: output.map(u16::from),
                row: usize::from(kernel[1]) * 3,
            };
            // A slow reference: each pixel of each window.
            let mut expected = Vec::new();
            for window in 0..output[0] * output[1] {
                for pixel in 0..kernel[0] * kernel[1] {
                    let at = |axis: usize, window: u8, pixel: u8| {
                        i32::from(window * stride[axis] + pixel) - i32::from(padding[axis])
                    };
                    let row = at(0, window / output[1], pixel / kernel[1]);
                    let column = at(1, window % output[1], pixel % kernel[1]);
                    if (0..i32::from(rows)).contains(&row) && (0..i32::from(columns)).contains(&column) {
                        let to = usize::from(window) * walk.window.pixels() + usize::from(pixel);
                        expected.push((to, (row * i32::from(columns) + column) as usize));
                    }
                }
            }
            let found = walk.stretches().into_iter().flat_map(|stretch| {
                (0..stretch.count / 3).map(move |pixel| (stretch.window / 3 + pixel, stretch.image / 3 + pixel))
            });
            assert_eq!(found.collect::<Vec<_>>(), expected, "{walk:?}");
            assert_eq!(walk.counts().iter().sum::<usize>(), expected.len());
        }
    }
}
