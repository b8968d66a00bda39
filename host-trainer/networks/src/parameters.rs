//! Weights and biases of a layer.

/// Value of one step of a raw pixel, 0..=255, in the float network, which takes 0..=1.
pub const INPUT_SCALE: f64 = 1.0 / 255.0;

/// The parameters of a dense layer or a convolution, as plain numbers. A depthwise convolution has
/// one input for each pixel of its window, and reads only the channel of the output.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseParameters {
    /// Inputs of each output.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
    /// Weights, `[input][output]`, as in burn.
    pub weights: Vec<f32>,
    /// One bias for each output.
    pub biases: Vec<f32>,
}

impl DenseParameters {
    /// Creates a layer from weights `[output][input]`, as in PyTorch.
    pub fn from_rows(inputs: usize, outputs: usize, by_output: &[f32], biases: Vec<f32>) -> Self {
        let weights = (0..inputs).flat_map(|input| by_output.iter().copied().skip(input).step_by(inputs)).collect();
        Self { inputs, outputs, weights, biases }
    }

    /// Turns one output, of which below 0 means the first of two classes, into two. The first of
    /// them is 0.
    pub fn split_output(&mut self) {
        self.weights = self.weights.iter().flat_map(|&weight| [0.0, weight]).collect();
        self.biases = self.biases.iter().flat_map(|&bias| [0.0, bias]).collect();
        self.outputs = 2;
    }

    /// Returns the weights of `output`, one for each input.
    pub fn column(&self, output: usize) -> impl Iterator<Item = f32> {
        self.weights.iter().copied().skip(output).step_by(self.outputs.max(1))
    }
}

/// Joins the widths of layers, for example to `128,64` or `784-128-10`. Returns `none` without
/// layers.
pub fn join_widths(widths: &[usize], separator: &str) -> String {
    if widths.is_empty() {
        return "none".to_owned();
    }
    widths.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}
