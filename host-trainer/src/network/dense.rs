//! The float network.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData, TensorReadError};
use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;

/// Value of one step of a raw pixel, 0..=255, in the float network, which takes 0..=1.
pub const INPUT_SCALE: f64 = 1.0 / 255.0;

/// Dense layers with ReLU between them; the last layer's outputs are the logits.
#[derive(Module, Debug, Default)]
pub struct Network {
    layers: Vec<Linear>,
}

/// One dense layer's parameters, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseParameters {
    pub inputs: usize,
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

    /// Returns the weights of `output`, one for each input.
    pub fn column(&self, output: usize) -> impl Iterator<Item = f32> {
        self.weights.iter().copied().skip(output).step_by(self.outputs.max(1))
    }
}

impl Network {
    /// Creates a network of `widths`: pixels, hidden widths, classes. Weights are Glorot-uniform,
    /// biases zero. All random numbers come from `random`, so that a seed gives the same start on
    /// every backend.
    pub fn init(widths: &[usize], random: &mut Xoshiro256PlusPlus, device: &Device) -> Self {
        let pairs = widths.iter().zip(widths.iter().skip(1));
        let layers = pairs.map(|(&inputs, &outputs)| {
            let limit = (6.0 / (inputs + outputs) as f64).sqrt() as f32;
            let weights = (0..inputs * outputs).map(|_| random.random_range(-limit..limit)).collect();
            DenseParameters { inputs, outputs, weights, biases: vec![0.0; outputs] }
        });
        Self::from_parameters(layers, device)
    }

    /// Creates a network from its layers.
    pub fn from_parameters(layers: impl IntoIterator<Item = DenseParameters>, device: &Device) -> Self {
        let layers = layers.into_iter().map(|layer| Linear {
            weight: Param::from_data(TensorData::new(layer.weights, [layer.inputs, layer.outputs]), device),
            bias: Some(Param::from_data(TensorData::new(layer.biases, [layer.outputs]), device)),
        });
        Self { layers: layers.collect() }
    }

    /// Returns the layers' parameters, first to last.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn parameters(&self) -> Result<Vec<DenseParameters>, TensorReadError> {
        let layers = self.layers.iter().map(|layer| {
            let [inputs, outputs] = layer.weight.dims();
            let biases = match &layer.bias {
                Some(bias) => bias.val().try_into_vec_as()?,
                None => vec![0.0; outputs],
            };
            Ok(DenseParameters { inputs, outputs, weights: layer.weight.val().try_into_vec_as()?, biases })
        });
        layers.collect()
    }

    /// Returns the network, with the same identifiers, but with the weights of all layers except
    /// the last changed. `change` takes the layer's index, its output count and its weights,
    /// `[input][output]`.
    ///
    /// Takes the weights out of their tensors and puts them back: burn-ndarray copies the numbers
    /// of a tensor that something else holds one by one.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors. The network is then incomplete.
    pub fn map_hidden_weights(
        &mut self,
        mut change: impl FnMut(usize, usize, &mut [f32]),
    ) -> Result<Self, TensorReadError> {
        let mut mapped = Self::default();
        let hidden = self.layers.len().saturating_sub(1);
        for (index, layer) in std::mem::take(&mut self.layers).into_iter().enumerate() {
            if index == hidden {
                mapped.layers.push(layer.clone());
                self.layers.push(layer);
                continue;
            }
            let Linear { weight, bias } = layer;
            let (id, [inputs, outputs], device) = (weight.id, weight.dims(), weight.device());
            let weights: Vec<f32> = weight.into_value().inner().try_into_vec_as()?;
            let mut changed = weights.clone();
            change(index, outputs, &mut changed);
            for (network, weights) in [(&mut *self, weights), (&mut mapped, changed)] {
                let weights = Tensor::<2>::from_data(TensorData::new(weights, [inputs, outputs]), &device);
                let weight = Param::initialized(id, weights.require_grad());
                network.layers.push(Linear { weight, bias: bias.clone() });
            }
        }
        Ok(mapped)
    }

    /// Changes the `gradients` of the weights of all layers except the last. `change` takes the
    /// layer's index, its output count and the gradients, `[input][output]`.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn map_hidden_gradients(
        &self,
        gradients: &mut GradientsParams,
        mut change: impl FnMut(usize, usize, &mut [f32]),
    ) -> Result<(), TensorReadError> {
        for (index, layer) in self.layers.iter().take(self.layers.len().saturating_sub(1)).enumerate() {
            let Some(gradient) = gradients.remove::<2>(layer.weight.id) else { continue };
            let ([inputs, outputs], device) = (gradient.dims(), gradient.device());
            let mut values: Vec<f32> = gradient.try_into_vec_as()?;
            change(index, outputs, &mut values);
            let gradient = Tensor::<2>::from_data(TensorData::new(values, [inputs, outputs]), &device);
            gradients.register(layer.weight.id, gradient);
        }
        Ok(())
    }

    /// Returns the identifier of the first layer's weights.
    #[cfg(test)]
    pub fn first_weight_id(&self) -> burn::module::ParamId {
        self.layers[0].weight.id
    }

    /// Returns the address of the first layer's weights, which must not be shared.
    #[cfg(test)]
    pub fn first_weight_address(&mut self) -> *const f32 {
        let Linear { weight, bias } = self.layers.remove(0);
        let (id, device) = (weight.id, weight.device());
        let weights = weight.into_value().inner().into_data();
        let address = weights.as_slice().unwrap().as_ptr();
        let weight = Param::initialized(id, Tensor::from_data(weights, &device).require_grad());
        self.layers.insert(0, Linear { weight, bias });
        address
    }

    /// Returns the device of the network's tensors.
    pub fn device(&self) -> Device {
        self.layers.first().map(|layer| layer.weight.device()).unwrap_or_default()
    }

    /// Returns the logits, `[image, class]`, of images, `[image, pixel]` in 0..=1.
    pub fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.forward_with(images, |_| ())
    }

    /// Like [`forward`](Self::forward), but calls `on_activations` for each hidden layer, with
    /// `[image, neuron]`.
    pub fn forward_with(&self, images: Tensor<2>, mut on_activations: impl FnMut(&Tensor<2>)) -> Tensor<2> {
        let mut values = images;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                values = relu(values);
                on_activations(&values);
            }
            values = layer.forward(values);
        }
        values
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
