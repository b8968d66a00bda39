//! Layers of a graph.

use prenda::{LayerKind, Shape, Window};

use super::error::GraphError;

/// Weights in the order of a file.
#[derive(Clone, Debug)]
pub struct Weights {
    pub values: Vec<f32>,
    /// Distances of neighbours: output, row, column, input. A dense layer has its inputs last.
    pub strides: [usize; 4],
}

impl Weights {
    /// Returns the weight of an output, a row, a column and an input.
    pub fn at(&self, place: [usize; 4]) -> Option<f64> {
        let index: usize = place.iter().zip(self.strides).map(|(place, stride)| place * stride).sum();
        self.values.get(index).copied().map(f64::from)
    }
}

/// The padding of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Enough for an output at each stride; the smaller half is first.
    Same,
    /// The same, with the larger half first.
    SameBefore,
    /// Top, left, bottom, right.
    Sides([usize; 4]),
}

/// A convolution.
#[derive(Clone, Debug)]
pub struct Convolution {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub padding: Padding,
    /// Each group of outputs reads a group of input channels.
    pub groups: usize,
    pub outputs: usize,
    pub weights: Weights,
    pub biases: Option<Vec<f32>>,
}

/// A pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    pub is_maximum: bool,
    /// Rows and columns; `None` for all of the image.
    pub window: Option<[usize; 2]>,
    pub stride: [usize; 2],
    pub padding: Padding,
    /// True if an average counts padding as zeros.
    pub counts_padding: bool,
}

/// Returns the window of a convolution or a pool over values of the shape `input`.
pub fn window(
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
    input: Shape,
) -> Result<(Window, [u16; 2]), GraphError> {
    let byte = |size: usize| u8::try_from(size).map_err(|_| GraphError::LargeWindow { size });
    let bytes = |[rows, columns]: [usize; 2]| Ok::<_, GraphError>([byte(rows)?, byte(columns)?]);
    let (kernel, stride) = (bytes(kernel)?, bytes(stride)?);
    if stride.contains(&0) {
        return Err(GraphError::Window { reason: prenda::WindowError::Empty, input });
    }
    let padding = match padding {
        Padding::Same => Window::same_padding(kernel, stride, input),
        Padding::SameBefore => {
            let [top, left, bottom, right] = Window::same_padding(kernel, stride, input);
            [bottom, right, top, left]
        }
        Padding::Sides([top, left, bottom, right]) => [byte(top)?, byte(left)?, byte(bottom)?, byte(right)?],
    };
    let window = Window { kernel, stride, padding };
    let positions = window.positions(input).map_err(|reason| GraphError::Window { reason, input })?;
    Ok((window, positions))
}

/// Returns a layer in the words of `--network`.
///
/// # Errors
///
/// Returns an error if there are no words for its padding.
pub fn words(kind: LayerKind, input: Shape, outputs: usize) -> Result<String, GraphError> {
    let name = match kind {
        LayerKind::Convolution(_) => format!("conv {outputs}"),
        LayerKind::Depthwise(_) => "depthwise".to_owned(),
        LayerKind::MaxPool(_) => "maxpool".to_owned(),
        LayerKind::AveragePool(_) => "avgpool".to_owned(),
        _ => return Ok(format!("dense {outputs}")),
    };
    let Some(Window { kernel, stride, padding }) = kind.window() else { return Ok(name) };
    let padding = match padding {
        [0, 0, 0, 0] => "valid".to_owned(),
        sides if sides == Window::same_padding(kernel, stride, input) => "same".to_owned(),
        [first, rest @ ..] if rest.iter().all(|side| *side == first) => format!("pad {first}"),
        sides => return Err(GraphError::Padding { sides }),
    };
    Ok(format!("{name} {}x{} stride {}x{} {padding}", kernel[0], kernel[1], stride[0], stride[1]))
}
