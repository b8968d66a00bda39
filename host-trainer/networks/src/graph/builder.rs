//! Builds a network from operators, one after the other.

use prenda::{LayerKind, MAX_LAYERS, MAX_WIDTH, Shape, Window};

use super::affine::Affine;
use super::error::GraphError;
use super::layer::{Convolution, Pool, Weights, window, words};
use super::layout::Layout;
use super::network::{Activation, GraphNetwork, Layer, Matrix};
use crate::LayerPlan;
use crate::limits::MAX_WEIGHT_BYTES;

/// A network in progress: what the operators so far compute from an image.
#[derive(Clone, Debug)]
pub struct Builder {
    layout: Layout,
    /// True if the file's images have channels first.
    is_by_channel: bool,
    layers: Vec<Layer>,
    /// A function that the next layer with weights takes in.
    pending: Option<Affine>,
    /// A softmax or a sigmoid.
    is_ended: bool,
}

impl Builder {
    /// Starts with images of the shape `image`, which a tensor of `sizes` has after its first
    /// dimension, the batch.
    pub fn new(image: Shape, sizes: &[usize], is_by_channel: bool) -> Result<Self, GraphError> {
        let layout = Layout::of_image(image, sizes, is_by_channel);
        let layout = layout.ok_or_else(|| GraphError::Input { sizes: sizes.to_vec(), image })?;
        Ok(Self { layout, is_by_channel, layers: Vec::new(), pending: None, is_ended: false })
    }

    /// Returns the size of each dimension after the batch.
    pub fn sizes(&self) -> Vec<usize> {
        self.layout.sizes()
    }

    /// Changes the sizes of the dimensions; the order of values stays the same.
    pub fn reshape(&mut self, sizes: &[usize]) -> Result<(), GraphError> {
        let error = || GraphError::Reshape { from: self.sizes(), to: sizes.to_vec() };
        self.layout = self.layout.reshaped(sizes).ok_or_else(error)?;
        Ok(())
    }

    /// Changes the order of the dimensions after the batch.
    pub fn transpose(&mut self, order: &[usize]) -> Result<(), GraphError> {
        let error = || GraphError::Transpose { from: self.sizes(), order: order.to_vec() };
        self.layout = self.layout.transposed(order).ok_or_else(error)?;
        Ok(())
    }

    /// Adds a dense layer of `outputs`, whose weights have strides for outputs and inputs.
    pub fn dense(
        &mut self,
        operator: &str,
        outputs: usize,
        weights: &Weights,
        biases: Option<&[f32]>,
    ) -> Result<(), GraphError> {
        self.check_layer()?;
        if !self.layout.is_row() {
            return Err(self.expected("all values in the last dimension, as after a Flatten"));
        }
        let input = self.layout.shape();
        self.check_count(weights, input.count(), outputs)?;
        let channels = u16::try_from(outputs).ok().filter(|_| outputs <= MAX_WIDTH);
        let channels = channels.ok_or(GraphError::Width(outputs))?;
        let places = self.layout.places();
        let at = |input: usize, output| weights.at([output, 0, 0, *places.get(input)?]);
        let matrix: Option<Vec<f64>> = (0..input.count())
            .flat_map(|input| (0..outputs).map(move |output| (input, output)))
            .map(|(i, o)| at(i, o))
            .collect();
        let layout = self.layout.with_outputs(channels);
        let plan = LayerPlan { kind: LayerKind::Dense, input, output: layout.shape() };
        let matrix = matrix.unwrap_or_default();
        self.add_matrix(operator, plan, input.count(), matrix, biases, &|input| input)?;
        self.layout = layout;
        Ok(())
    }

    /// Adds a convolution. Groups of one channel each are a depthwise convolution; others become a
    /// convolution with zeros between groups.
    pub fn convolution(&mut self, operator: &str, convolution: &Convolution) -> Result<(), GraphError> {
        self.check_layer()?;
        let input = self.image()?;
        let Convolution { kernel, stride, dilation, padding, groups, outputs, ref weights, ref biases } = *convolution;
        if dilation != [1, 1] {
            return Err(GraphError::Dilation(dilation));
        }
        let (window, [rows, columns]) = window(kernel, stride, padding, input)?;
        let channels = usize::from(input.channels);
        if groups == 0 || channels % groups != 0 || outputs % groups != 0 {
            return Err(GraphError::Groups { channels, groups });
        }
        let group = [channels / groups, outputs / groups];
        let output = output_shape([rows, columns], outputs)?;
        self.check_count(weights, window.pixels() * group[0], outputs)?;
        let is_depthwise = channels > 1 && groups == channels && outputs == channels;
        let kind = if is_depthwise { LayerKind::Depthwise(window) } else { LayerKind::Convolution(window) };
        let plan = LayerPlan { kind, input, output };
        let [inputs, _] = plan.matrix().unwrap_or_default();
        if inputs > MAX_WIDTH {
            return Err(GraphError::Width(inputs));
        }
        self.check_total(inputs * outputs)?;
        let mut matrix = vec![0.0; inputs * outputs];
        let row_inputs = if is_depthwise { kernel[1] } else { window.row_inputs(input.channels) };
        let read_channels = if is_depthwise { 1 } else { channels };
        for row in 0..kernel[0] {
            for column in 0..kernel[1] {
                for channel in 0..read_channels {
                    let input = row * row_inputs + column * read_channels + channel;
                    for (output, weight) in matrix.iter_mut().skip(input * outputs).take(outputs).enumerate() {
                        if is_depthwise || channel / group[0] == output / group[1] {
                            *weight = weights.at([output, row, column, channel % group[0]]).unwrap_or_default();
                        }
                    }
                }
            }
        }
        let channel_of = |input: usize| if is_depthwise { 0 } else { input % row_inputs % channels };
        let reads = window.pixels() * read_channels;
        self.add_matrix(operator, plan, reads, matrix, biases.as_deref(), &channel_of)?;
        self.layout = Layout::of_outputs(output, self.is_by_channel);
        Ok(())
    }

    /// Adds a pool.
    pub fn pool(&mut self, pool: &Pool) -> Result<(), GraphError> {
        self.check_open()?;
        let input = self.image()?;
        let Pool { is_maximum, window: kernel, stride, padding, counts_padding } = *pool;
        let kernel = kernel.unwrap_or([input.rows, input.columns].map(usize::from));
        let (window, positions) = window(kernel, stride, padding, input)?;
        if counts_padding && !is_maximum && window.padding != [0; 4] {
            return Err(GraphError::CountsPadding);
        }
        let output = output_shape(positions, input.channels.into())?;
        if let Some(pending) = &self.pending {
            let by_channel = pending.by_channel(input).filter(|pending| !is_maximum || pending.is_increasing());
            self.pending = Some(by_channel.ok_or(GraphError::Scale("a pool"))?.for_pixels(output));
        }
        let kind = if is_maximum { LayerKind::MaxPool(window) } else { LayerKind::AveragePool(window) };
        // A window of one pixel changes nothing.
        if window != (Window { kernel: [1, 1], stride: [1, 1], padding: [0; 4] }) {
            self.add(LayerPlan { kind, input, output }, None)?;
        }
        self.layout = Layout::of_outputs(output, self.is_by_channel);
        Ok(())
    }

    /// Multiplies values by a constant tensor, then adds another one; each has sizes and numbers.
    pub fn affine(&mut self, factor: (&[usize], &[f64]), summand: (&[usize], &[f64])) -> Result<(), GraphError> {
        self.check_open()?;
        let spread = |(sizes, values): (&[usize], &[f64])| {
            let error = || GraphError::Constant { constant: sizes.to_vec(), values: self.sizes() };
            self.layout.spread(sizes, values).ok_or_else(error)
        };
        let own = Affine::new(spread(factor)?, spread(summand)?);
        let shape = self.layout.shape();
        let open = self.layers.last_mut().and_then(|layer| layer.matrix.as_mut());
        match open.filter(|matrix| matrix.activation == Activation::None) {
            Some(matrix) => {
                let by_channel = own.by_channel(shape).ok_or(GraphError::Scale("ReLU"))?;
                by_channel.fold_after(&mut matrix.weights, &mut matrix.biases);
            }
            None => {
                self.pending = Some(match &self.pending {
                    Some(pending) => pending.then(&own),
                    None => own,
                });
            }
        }
        Ok(())
    }

    /// Applies ReLU.
    pub fn relu(&mut self) -> Result<(), GraphError> {
        self.activate(Activation::Relu)
    }

    /// Clamps values at zero, since the integers of the file do so. After the last layer this does
    /// nothing: the smallest logit that was seen is zero.
    pub fn clamp(&mut self) -> Result<(), GraphError> {
        self.activate(Activation::Clamped)
    }

    fn activate(&mut self, activation: Activation) -> Result<(), GraphError> {
        self.check_open()?;
        // A scale above 0 can come before or after ReLU.
        let is_scaled = self.pending.as_ref().is_some_and(|pending| !pending.is_increasing() || !pending.keeps_zero());
        let (mut averages, mut last) = (false, None);
        for layer in self.layers.iter_mut().rev() {
            match &mut layer.matrix {
                Some(matrix) => {
                    last = Some(matrix);
                    break;
                }
                None => averages |= matches!(layer.plan.kind, LayerKind::AveragePool(_)),
            }
        }
        match last {
            // Pixels and activations are not negative, so ReLU changes nothing.
            None if !is_scaled => Ok(()),
            None => Err(GraphError::LateActivation("a layer with weights".to_owned())),
            Some(matrix) if is_scaled || (averages && matrix.activation == Activation::None) => {
                Err(GraphError::LateActivation(matrix.operator.clone()))
            }
            // The largest value is the same before and after ReLU.
            Some(matrix) => {
                if matrix.activation != Activation::Relu {
                    matrix.activation = activation;
                }
                Ok(())
            }
        }
    }

    /// Ends the network with a softmax, which a model adds.
    pub fn softmax(&mut self) -> Result<(), GraphError> {
        self.check_open()?;
        self.is_ended = true;
        Ok(())
    }

    /// Ends the network with a sigmoid of one output.
    pub fn sigmoid(&mut self) -> Result<(), GraphError> {
        let outputs = self.layout.shape().count();
        if outputs != 1 {
            return Err(GraphError::Sigmoid(outputs));
        }
        self.softmax()
    }

    /// Returns the network for `classes`; two classes may have one output.
    pub fn finish(self, classes: usize) -> Result<GraphNetwork, GraphError> {
        if self.pending.is_some() { Err(GraphError::Scale("the end")) } else { GraphNetwork::of(self.layers, classes) }
    }

    /// Adds a layer with weights, `[input][output]`. `value_of` returns the value or the channel
    /// that an input of the matrix has.
    fn add_matrix(
        &mut self,
        operator: &str,
        plan: LayerPlan,
        reads: usize,
        mut weights: Vec<f64>,
        biases: Option<&[f32]>,
        value_of: &dyn Fn(usize) -> usize,
    ) -> Result<(), GraphError> {
        let [_, outputs] = plan.matrix().unwrap_or_default();
        let mut biases: Vec<f64> = match biases {
            Some(biases) if biases.len() != outputs => {
                return Err(GraphError::BiasCount { found: biases.len(), expected: outputs });
            }
            Some(biases) => biases.iter().copied().map(f64::from).collect(),
            None => vec![0.0; outputs],
        };
        if let Some(odd) = weights.iter().chain(&biases).find(|number| !number.is_finite()) {
            return Err(GraphError::NotFinite(*odd));
        }
        if let Some(pending) = self.pending.take() {
            let pending = match plan.kind.window() {
                None => pending,
                Some(window) => {
                    let by_channel = pending.by_channel(plan.input).ok_or(GraphError::Scale("a convolution"))?;
                    if window.padding != [0; 4] && !by_channel.keeps_zero() {
                        return Err(GraphError::ShiftedPadding);
                    }
                    by_channel
                }
            };
            let is_depthwise = matches!(plan.kind, LayerKind::Depthwise(_));
            for (input, row) in weights.chunks_mut(outputs.max(1)).enumerate() {
                if is_depthwise {
                    // Each output reads its own channel.
                    for (output, (weight, bias)) in row.iter_mut().zip(&mut biases).enumerate() {
                        pending.fold_before(output, std::slice::from_mut(weight), std::slice::from_mut(bias));
                    }
                } else {
                    pending.fold_before(value_of(input), row, &mut biases);
                }
            }
        }
        let matrix = Matrix { operator: operator.to_owned(), reads, weights, biases, activation: Activation::None };
        self.add(plan, Some(matrix))
    }

    fn add(&mut self, plan: LayerPlan, matrix: Option<Matrix>) -> Result<(), GraphError> {
        if self.layers.len() == MAX_LAYERS {
            return Err(GraphError::Count);
        }
        let words = words(plan.kind, plan.input, plan.output.channels.into())?;
        self.layers.push(Layer { plan, words, matrix });
        Ok(())
    }

    /// Checks that a layer with weights can follow.
    fn check_layer(&self) -> Result<(), GraphError> {
        self.check_open()?;
        match self.layers.iter().rev().find_map(|layer| layer.matrix.as_ref()) {
            Some(matrix) if matrix.activation == Activation::None => {
                Err(GraphError::NoActivation(matrix.operator.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Checks the number of `weights` of a layer that reads `inputs` values.
    fn check_count(&self, weights: &Weights, inputs: usize, outputs: usize) -> Result<(), GraphError> {
        let (found, expected) = (weights.values.len(), inputs.saturating_mul(outputs));
        if found != expected {
            return Err(GraphError::WeightCount { found, expected });
        }
        self.check_total(expected)
    }

    /// Checks that a model can have `count` more weights.
    fn check_total(&self, count: usize) -> Result<(), GraphError> {
        let matrices = self.layers.iter().filter_map(|layer| layer.matrix.as_ref());
        let total = matrices.fold(count, |sum, matrix| sum.saturating_add(matrix.weights.len()));
        if total > MAX_WEIGHT_BYTES { Err(GraphError::Total(total)) } else { Ok(()) }
    }

    fn check_open(&self) -> Result<(), GraphError> {
        if self.is_ended { Err(GraphError::AfterEnd) } else { Ok(()) }
    }

    /// Returns the shape of the values, if they are an image.
    fn image(&self) -> Result<Shape, GraphError> {
        let expected = if self.is_by_channel { "channels, rows and columns" } else { "rows, columns and channels" };
        self.layout.is_image(self.is_by_channel).then(|| self.layout.shape()).ok_or_else(|| self.expected(expected))
    }

    fn expected(&self, expected: &'static str) -> GraphError {
        GraphError::Layout { sizes: self.sizes(), expected }
    }
}

fn output_shape([rows, columns]: [u16; 2], channels: usize) -> Result<Shape, GraphError> {
    let count = usize::from(rows).saturating_mul(columns.into()).saturating_mul(channels);
    let channels = u16::try_from(channels).ok().filter(|_| count <= MAX_WIDTH).ok_or(GraphError::Width(count))?;
    Ok(Shape { rows, columns, channels })
}
