//! The float network.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData, TensorReadError};
use prenda::LayerKind;
use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;

use super::operations::{activated, convolved, largest, means, sums};
use super::running::Running;
use networks::DenseParameters;
use networks::LayerPlan;

/// Layers with ReLU between them; the last layer, which is dense, gives the logits. Values are
/// `[image, row * column * channel]`.
#[derive(Module, Debug, Default)]
pub struct Network {
    /// The layers with a matrix.
    layers: Vec<Layer>,
    /// All layers, first to last.
    #[module(skip)]
    plan: Vec<LayerPlan>,
}

/// The parameters of a dense layer or a convolution.
#[derive(Module, Debug)]
pub struct Layer {
    linear: Linear,
    /// With batch normalization, the deviation of each output; its mean is the bias.
    scale: Option<Param<Tensor<1>>>,
}

impl Layer {
    /// Creates a layer of `plan`, with a matrix. Weights are Glorot-uniform, from `random`, and
    /// biases zero. Convolutions are normalized.
    pub fn init(plan: &LayerPlan, random: &mut Xoshiro256PlusPlus, device: &Device) -> Self {
        let [inputs, outputs] = plan.matrix().unwrap_or_default();
        let limit = (6.0 / (inputs + outputs) as f64).sqrt() as f32;
        let mut weights: Vec<f32> = (0..inputs * outputs).map(|_| random.random_range(-limit..limit)).collect();
        if let Some(is_value) = plan.is_row_value() {
            // Padding is zero, so its weights have no gradient and stay zero.
            let rows = weights.chunks_mut(outputs).zip(is_value.iter().cycle());
            rows.filter(|(_, is_value)| !**is_value).for_each(|(weights, _)| weights.fill(0.0));
        }
        let scale = (plan.kind != LayerKind::Dense)
            .then(|| Param::from_data(TensorData::new(vec![1.0_f32; outputs], [outputs]), device));
        Self { scale, ..Self::new(DenseParameters { inputs, outputs, weights, biases: vec![0.0; outputs] }, device) }
    }

    /// Creates a layer without normalization.
    pub fn new(parameters: DenseParameters, device: &Device) -> Self {
        let DenseParameters { inputs, outputs, weights, biases } = parameters;
        let linear = Linear {
            weight: Param::from_data(TensorData::new(weights, [inputs, outputs]), device),
            bias: Some(Param::from_data(TensorData::new(biases, [outputs]), device)),
        };
        Self { linear, scale: None }
    }

    /// Returns the weighted sums of `values`, normalized if the layer has a normalization, then
    /// with ReLU if `is_hidden`. Calls `on_moments` with the moments before the normalization.
    pub fn forward(
        &self,
        values: Tensor<2>,
        plan: &LayerPlan,
        is_hidden: bool,
        on_moments: &mut dyn FnMut(Tensor<2>),
    ) -> Tensor<2> {
        if plan.kind == LayerKind::Dense {
            let sums = self.linear.forward(values);
            return if is_hidden { relu(sums) } else { sums };
        }
        let images = values.dims()[0];
        let sums = weighted(values, self.linear.weight.val(), plan);
        let Some(bias) = &self.linear.bias else { return sums };
        let activations = match &self.scale {
            Some(scale) => {
                let (activations, moments) = activated(sums, scale.val(), bias.val());
                on_moments(moments);
                activations
            }
            None => relu(sums + bias.val().unsqueeze()),
        };
        activations.reshape([images, plan.output.count()])
    }

    /// Returns the parameters. If the layer has a normalization, the next moments of `running` are
    /// folded into them.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn folded<'a>(
        &self,
        running: &mut impl Iterator<Item = &'a Running>,
    ) -> Result<DenseParameters, TensorReadError> {
        let Self { linear, scale } = self;
        let [inputs, outputs] = linear.weight.dims();
        let biases = match &linear.bias {
            Some(bias) => bias.val().try_into_vec_as()?,
            None => vec![0.0; outputs],
        };
        let weights = linear.weight.val().try_into_vec_as()?;
        let mut parameters = DenseParameters { inputs, outputs, weights, biases };
        if let Some(scale) = scale
            && let Some(running) = running.next()
        {
            running.fold_into(&mut parameters, &scale.val().try_into_vec_as::<f32>()?);
        }
        Ok(parameters)
    }
}

/// Returns the weighted sums of `values`, or of their windows.
pub fn weighted(values: Tensor<2>, weights: Tensor<2>, plan: &LayerPlan) -> Tensor<2> {
    let Some(walk) = plan.walk() else { return values.matmul(weights) };
    let is_depthwise = matches!(plan.kind, LayerKind::Depthwise(_));
    convolved(values, if is_depthwise { by_channel(weights) } else { weights }, walk)
}

/// Converts the weights of a depthwise convolution, `[pixel, channel]`, to those of a convolution
/// with the same outputs, `[pixel * channel, channel]`: all others are zero.
fn by_channel(weights: Tensor<2>) -> Tensor<2> {
    let [pixels, channels] = weights.dims();
    let own = Tensor::<2>::eye(channels, &weights.device()).unsqueeze::<3>();
    (weights.reshape([pixels, 1, channels]) * own).reshape([pixels * channels, channels])
}

impl Network {
    /// Creates a network of `plan`. Weights are Glorot-uniform, biases zero, and each convolution
    /// is normalized. All random numbers come from `random`, so that a seed gives the same start on
    /// every backend.
    pub fn init(plan: &[LayerPlan], random: &mut Xoshiro256PlusPlus, device: &Device) -> Self {
        let layers = plan.iter().filter(|layer| layer.kind.has_matrix());
        let layers = layers.map(|layer| Layer::init(layer, random, device));
        Self { layers: layers.collect(), plan: plan.to_vec() }
    }

    /// Creates a network from its layers, without normalization.
    pub fn new(plan: Vec<LayerPlan>, layers: impl IntoIterator<Item = DenseParameters>, device: &Device) -> Self {
        Self { layers: layers.into_iter().map(|layer| Layer::new(layer, device)).collect(), plan }
    }

    /// Creates a network of dense layers.
    pub fn from_parameters(layers: impl IntoIterator<Item = DenseParameters>, device: &Device) -> Self {
        let layers: Vec<DenseParameters> = layers.into_iter().collect();
        Self::new(LayerPlan::dense(&layers), layers, device)
    }

    /// Returns a network like this one, with other parameters and without normalization.
    pub fn with_parameters(&self, layers: Vec<DenseParameters>) -> Self {
        Self::new(self.plan.clone(), layers, &self.device())
    }

    /// Returns all layers, first to last, without their parameters.
    pub fn plan(&self) -> &[LayerPlan] {
        &self.plan
    }

    /// Returns the number of normalizations.
    pub fn count_normalizations(&self) -> usize {
        self.layers.iter().filter(|layer| layer.scale.is_some()).count()
    }

    /// Returns the parameters of the layers with a matrix, first to last.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn parameters(&self) -> Result<Vec<DenseParameters>, TensorReadError> {
        self.folded(&[])
    }

    /// Like [`parameters`](Self::parameters), with the `running` moments of each normalization
    /// folded into the parameters.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn folded(&self, running: &[Running]) -> Result<Vec<DenseParameters>, TensorReadError> {
        let mut running = running.iter();
        self.layers.iter().map(|layer| layer.folded(&mut running)).collect()
    }

    /// Returns the network with the same identifiers and with changed weights in all layers except
    /// the last and depthwise convolutions. `change` takes the number of such layers before, the
    /// layer's output count and its weights, `[input][output]`.
    ///
    /// Takes the weights out of their tensors and puts them back: burn-ndarray copies the numbers
    /// of a shared tensor one by one.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors. The network is then incomplete.
    pub fn map_hidden_weights(
        &mut self,
        mut change: impl FnMut(usize, usize, &mut [f32]),
    ) -> Result<Self, TensorReadError> {
        let mut mapped = Self { layers: Vec::new(), plan: self.plan.clone() };
        let is_changed = self.is_changed();
        let mut numbers = 0..;
        for (layer, is_changed) in std::mem::take(&mut self.layers).into_iter().zip(is_changed) {
            if !is_changed {
                mapped.layers.push(layer.clone());
                self.layers.push(layer);
                continue;
            }
            let Layer { linear: Linear { weight, bias }, scale } = layer;
            let (id, [inputs, outputs], device) = (weight.id, weight.dims(), weight.device());
            let weights: Vec<f32> = weight.into_value().inner().try_into_vec_as()?;
            let mut changed = weights.clone();
            change(numbers.next().unwrap_or_default(), outputs, &mut changed);
            for (network, weights) in [(&mut *self, weights), (&mut mapped, changed)] {
                let weights = Tensor::<2>::from_data(TensorData::new(weights, [inputs, outputs]), &device);
                let weight = Param::initialized(id, weights.require_grad());
                network.layers.push(Layer { linear: Linear { weight, bias: bias.clone() }, scale: scale.clone() });
            }
        }
        Ok(mapped)
    }

    /// Changes the `gradients` of the weights that [`map_hidden_weights`](Self::map_hidden_weights)
    /// changes. `change` takes the layer's number, its output count and the gradients,
    /// `[input][output]`.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn map_hidden_gradients(
        &self,
        gradients: &mut GradientsParams,
        mut change: impl FnMut(usize, usize, &mut [f32]),
    ) -> Result<(), TensorReadError> {
        let layers = self.layers.iter().zip(self.is_changed()).filter(|(_, is_changed)| *is_changed);
        for (index, (layer, _)) in layers.enumerate() {
            let id = layer.linear.weight.id;
            let Some(gradient) = gradients.remove::<2>(id) else { continue };
            let ([inputs, outputs], device) = (gradient.dims(), gradient.device());
            let mut values: Vec<f32> = gradient.try_into_vec_as()?;
            change(index, outputs, &mut values);
            let gradient = Tensor::<2>::from_data(TensorData::new(values, [inputs, outputs]), &device);
            gradients.register(id, gradient);
        }
        Ok(())
    }

    /// Returns true for each layer with a matrix that is neither the last nor depthwise.
    fn is_changed(&self) -> Vec<bool> {
        let kinds = self.plan.iter().map(|layer| layer.kind).filter(|kind| kind.has_matrix());
        let mut is_changed: Vec<bool> = kinds.map(|kind| !matches!(kind, LayerKind::Depthwise(_))).collect();
        is_changed.last_mut().into_iter().for_each(|is_changed| *is_changed = false);
        is_changed
    }

    /// Returns the identifier of the first layer's weights.
    #[cfg(test)]
    pub fn first_weight_id(&self) -> burn::module::ParamId {
        self.layers[0].linear.weight.id
    }

    /// Returns the address of the first layer's weights, which must not be shared.
    #[cfg(test)]
    pub fn first_weight_address(&mut self) -> *const f32 {
        let Layer { linear: Linear { weight, bias }, scale } = self.layers.remove(0);
        let (id, device) = (weight.id, weight.device());
        let weights = weight.into_value().inner().into_data();
        let address = weights.as_slice().unwrap().as_ptr();
        let weight = Param::initialized(id, Tensor::from_data(weights, &device).require_grad());
        self.layers.insert(0, Layer { linear: Linear { weight, bias }, scale });
        address
    }

    /// Returns the device of the network's tensors.
    pub fn device(&self) -> Device {
        self.layers.first().map(|layer| layer.linear.weight.device()).unwrap_or_default()
    }

    /// Returns the logits, `[image, class]`, of images, `[image, pixel]` in 0..=1.
    pub fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.run(images, &mut |_| (), &mut |_| (), &mut |_, _| ())
    }

    /// Like [`forward`](Self::forward), but calls `on_activations` for each hidden layer with a
    /// matrix, with `[image, neuron]`.
    pub fn forward_with(&self, images: Tensor<2>, mut on_activations: impl FnMut(&Tensor<2>)) -> Tensor<2> {
        self.run(images, &mut on_activations, &mut |_| (), &mut |_, _| ())
    }

    /// Like [`forward`](Self::forward), but calls `on_moments` for each normalization, with the
    /// means and the variances before it, `[2, channel]`, and `on_inputs` for each layer, with its
    /// index and its inputs, `[image, value]`.
    pub fn forward_normalized(
        &self,
        images: Tensor<2>,
        mut on_moments: impl FnMut(Tensor<2>),
        mut on_inputs: impl FnMut(usize, &Tensor<2>),
    ) -> Tensor<2> {
        self.run(images, &mut |_| (), &mut on_moments, &mut on_inputs)
    }

    fn run(
        &self,
        images: Tensor<2>,
        on_activations: &mut dyn FnMut(&Tensor<2>),
        on_moments: &mut dyn FnMut(Tensor<2>),
        on_inputs: &mut dyn FnMut(usize, &Tensor<2>),
    ) -> Tensor<2> {
        let mut values = images;
        let mut layers = self.layers.iter();
        for (index, plan) in self.plan.iter().enumerate() {
            on_inputs(index, &values);
            match (plan.kind, plan.walk()) {
                (LayerKind::MaxPool(_), Some(walk)) => values = largest(values, walk),
                (LayerKind::AveragePool(_), Some(walk)) => values = means(sums(values, walk), walk),
                _ => {
                    let Some(layer) = layers.next() else { break };
                    let is_hidden = layers.len() > 0;
                    values = layer.forward(values, plan, is_hidden, on_moments);
                    if is_hidden {
                        on_activations(&values);
                    }
                }
            }
        }
        values
    }
}
