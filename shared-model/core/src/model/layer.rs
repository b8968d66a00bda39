//! One layer of a network: its kind, its shapes and its matrix.

use super::matrix::Matrix;
use super::shape::{Shape, Window};
use crate::weights::MAX_PAIRS;

/// The operation of a layer.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{LayerKind, Window};
///
/// let window = Window { kernel: [2, 2], stride: [2, 2], padding: [0; 4] };
/// let kinds = [LayerKind::Dense, LayerKind::Convolution(window), LayerKind::MaxPool(window)];
/// assert_eq!(kinds.map(LayerKind::name), ["dense", "conv", "maxpool"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerKind {
    /// Each output reads all inputs. Followed by ReLU, except in the last layer.
    #[default]
    Dense,
    /// Each output channel reads all channels in a window. Followed by ReLU.
    Convolution(Window),
    /// Each output channel reads its own channel in a window. Followed by ReLU.
    Depthwise(Window),
    /// The largest value of each channel in a window.
    MaxPool(Window),
    /// The mean of each channel in a window, without the padding; half rounds up.
    AveragePool(Window),
}

impl LayerKind {
    /// Returns the window; `None` for a dense layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{LayerKind, Window};
    ///
    /// let window = Window { kernel: [2, 2], stride: [2, 2], padding: [0; 4] };
    /// assert_eq!(LayerKind::AveragePool(window).window(), Some(window));
    /// assert_eq!(LayerKind::Dense.window(), None);
    /// ```
    #[must_use]
    pub const fn window(self) -> Option<Window> {
        match self {
            Self::Dense => None,
            Self::Convolution(window) | Self::Depthwise(window) | Self::MaxPool(window) | Self::AveragePool(window) => {
                Some(window)
            }
        }
    }

    /// Returns the first word of the layer's notation, such as `conv`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert_eq!(model.layers()[0].kind().name(), "dense"); // of `dense 64`
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Convolution(_) => "conv",
            Self::Depthwise(_) => "depthwise",
            Self::MaxPool(_) => "maxpool",
            Self::AveragePool(_) => "avgpool",
        }
    }

    /// Returns true if the layer has weights: true for all but pools.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{LayerKind, Window};
    ///
    /// let window = Window { kernel: [2, 2], stride: [2, 2], padding: [0; 4] };
    /// assert!(LayerKind::Depthwise(window).has_matrix());
    /// assert!(!LayerKind::MaxPool(window).has_matrix());
    /// ```
    #[must_use]
    pub const fn has_matrix(self) -> bool {
        !matches!(self, Self::MaxPool(_) | Self::AveragePool(_))
    }

    /// Returns the inputs of the matrix for activations of shape `input`; 0 for a pool.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{LayerKind, Shape, Window};
    ///
    /// let input = Shape { rows: 7, columns: 7, channels: 8 };
    /// let window = Window { kernel: [3, 3], stride: [1, 1], padding: [0; 4] };
    /// assert_eq!(LayerKind::Dense.matrix_inputs(input), 7 * 7 * 8);
    /// assert_eq!(LayerKind::Convolution(window).matrix_inputs(input), 3 * 3 * 8);
    /// assert_eq!(LayerKind::Depthwise(window).matrix_inputs(input), 3 * 3);
    /// ```
    #[must_use]
    pub const fn matrix_inputs(self, input: Shape) -> usize {
        match self {
            Self::Dense => input.count(),
            Self::Convolution(window) => window.inputs(input.channels),
            Self::Depthwise(window) => window.pixels(),
            Self::MaxPool(_) | Self::AveragePool(_) => 0,
        }
    }

    /// Returns the kind's number in a blob.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Dense => 0,
            Self::Convolution(_) => 1,
            Self::Depthwise(_) => 2,
            Self::MaxPool(_) => 3,
            Self::AveragePool(_) => 4,
        }
    }
}

/// A layer of a network.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// let notations: Vec<_> = model.layers().iter().map(ToString::to_string).collect();
/// assert_eq!(notations, ["dense 64", "dense 10"]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    pub(super) kind: LayerKind,
    pub(super) input: Shape,
    pub(super) output: Shape,
    /// Empty for a pool.
    pub(super) matrix: Matrix<'a>,
    /// Pairs of its list; 0 if it needs none.
    pub(super) list_pairs: u8,
}

impl<'a> Layer<'a> {
    /// Returns a layer of a model that was parsed while this program was compiled.
    pub(crate) const fn compiled(kind: LayerKind, [input, output]: [Shape; 2], matrix: Matrix<'a>) -> Self {
        let list_pairs = list_pairs(kind, &matrix);
        Self { kind, input, output, matrix, list_pairs }
    }

    /// Returns true if the layer is dense.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert!(model.layers().last().unwrap().is_dense()); // in every model
    /// ```
    #[must_use]
    pub fn is_dense(&self) -> bool {
        self.kind == LayerKind::Dense
    }

    /// Returns the operation.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// use prenda::LayerKind;
    ///
    /// let is_pool = |kind| matches!(kind, LayerKind::MaxPool(_) | LayerKind::AveragePool(_));
    /// assert!(!model.layers().iter().any(|layer| is_pool(layer.kind())));
    /// ```
    #[must_use]
    pub fn kind(&self) -> LayerKind {
        self.kind
    }

    /// Returns the shape of the input: that of the previous layer's output, or of the image.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert_eq!(model.layers()[0].input(), model.image());
    /// assert_eq!(model.layers()[1].input(), model.layers()[0].output());
    /// ```
    #[must_use]
    pub fn input(&self) -> Shape {
        self.input
    }

    /// Returns the shape of the output.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let output = model.layers()[0].output();
    /// assert_eq!((output.rows, output.columns, output.channels), (1, 1, 64));
    /// ```
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// Returns the number of inputs, 1..=[`MAX_WIDTH`](crate::MAX_WIDTH).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let inputs: Vec<_> = model.layers().iter().map(|layer| layer.inputs()).collect();
    /// assert_eq!(inputs, [784, 64]);
    /// ```
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.input.count()
    }

    /// Returns the number of outputs, 1..=[`MAX_WIDTH`](crate::MAX_WIDTH).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert_eq!(model.layers().last().unwrap().outputs(), model.classes());
    /// ```
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.output.count()
    }

    /// Returns weights, biases and requantizations; `None` for a pool.
    ///
    /// A convolution's matrix has an output for each channel, and the window's values as inputs,
    /// row by row; see [`Window::row_inputs`]. That of a depthwise convolution has an input for
    /// each pixel of the window.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let matrix = model.layers()[0].matrix().expect("dense");
    /// assert_eq!((matrix.inputs(), matrix.outputs()), (784, 64));
    /// ```
    #[must_use]
    pub fn matrix(&self) -> Option<&Matrix<'a>> {
        self.kind.has_matrix().then_some(&self.matrix)
    }

    /// Returns the number of weights of each output, without the zeros that pad the rows of a
    /// window; 0 for a pool.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert_eq!(model.layers()[1].weights_per_output(), 64);
    /// ```
    #[must_use]
    pub fn weights_per_output(&self) -> usize {
        match self.kind {
            LayerKind::Convolution(window) => window.pixels().wrapping_mul(self.input.channels.into()),
            _ => self.matrix.inputs(),
        }
    }

    /// Returns the number of weights and biases. A pruned layer stores fewer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert_eq!(model.layers()[1].parameters(), 64 * 10 + 10); // weights and biases
    /// ```
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.weights_per_output().wrapping_add(1).wrapping_mul(self.matrix.outputs())
    }

    /// Returns the number of multiplications for one image without zeros and without pruning.
    /// Includes those of the padding.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert_eq!(model.layers()[0].multiplications(), 784 * 64); // at most, for any image
    /// ```
    #[must_use]
    pub fn multiplications(&self) -> usize {
        if self.kind.has_matrix() { self.weights_per_output().wrapping_mul(self.outputs()) } else { 0 }
    }

    /// Returns the number of pairs for which the layer needs a list; 0 if it needs none.
    pub(super) fn list_pairs(&self) -> usize {
        self.list_pairs.into()
    }

    /// Returns the matrix, which is empty for a pool.
    pub(crate) const fn any_matrix(&self) -> &Matrix<'a> {
        &self.matrix
    }
}

/// Returns the pairs of a list for a layer of `kind` with `matrix`, as far as one list holds them;
/// 0 if it needs no list.
pub(super) const fn list_pairs(kind: LayerKind, matrix: &Matrix<'_>) -> u8 {
    if !matrix.order.has_pairs() || matches!(kind, LayerKind::Depthwise(_)) {
        return 0;
    }
    let pairs = matrix.inputs().div_ceil(2);
    if pairs < MAX_PAIRS { pairs as u8 } else { MAX_PAIRS as u8 }
}
