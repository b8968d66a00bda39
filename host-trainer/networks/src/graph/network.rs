//! The network that operators describe.

use prenda::LayerKind;

use super::error::GraphError;
use crate::{Architecture, DenseParameters, LayerPlan};

/// A network that is complete.
#[derive(Clone, Debug)]
pub struct GraphNetwork {
    /// All layers in words.
    pub architecture: Architecture,
    /// All layers with their shapes.
    pub plan: Vec<LayerPlan>,
    /// The layers with weights, for pixels in the form of the training.
    pub parameters: Vec<DenseParameters>,
    /// The operators that the layers with weights come from.
    pub names: Vec<MatrixName>,
    /// True if the file distinguishes two classes by one output, as for a sigmoid.
    pub has_one_output: bool,
}

/// The operator that a layer with weights comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixName {
    /// The layer's place among all layers, from 0.
    pub layer: usize,
    /// Its place in the file and its name.
    pub operator: String,
    /// Values that each output reads.
    pub inputs: usize,
    /// Outputs, of a convolution its channels.
    pub outputs: usize,
}

/// A layer in progress.
#[derive(Clone, Debug)]
pub struct Layer {
    pub plan: LayerPlan,
    pub words: String,
    /// `None` for a pool.
    pub matrix: Option<Matrix>,
}

/// The weights of a layer, before their activation is known.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub operator: String,
    /// Values that each output reads.
    pub reads: usize,
    /// `[input][output]`.
    pub weights: Vec<f64>,
    pub biases: Vec<f64>,
    pub activation: Activation,
}

/// The end of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    /// The smallest integer of the outputs is zero, like after ReLU.
    Clamped,
}

impl GraphNetwork {
    /// Returns the network of `layers` for `classes`; two classes may have one output.
    pub fn of(layers: Vec<Layer>, classes: usize) -> Result<Self, GraphError> {
        let count = layers.len();
        let mut matrices = layers.iter().filter_map(|layer| layer.matrix.as_ref());
        let last_operator = matrices.next_back().ok_or(GraphError::Empty)?.operator.clone();
        let outputs = match layers.last() {
            Some(Layer { plan: LayerPlan { kind: LayerKind::Dense, output, .. }, matrix: Some(matrix), .. }) => {
                if matrix.activation == Activation::Relu {
                    return Err(GraphError::LastActivation(last_operator));
                }
                output.count()
            }
            _ => return Err(GraphError::LastLayer(last_operator)),
        };
        if outputs != classes && (outputs, classes) != (1, 2) {
            return Err(GraphError::Classes { outputs, classes });
        }
        let mut network = Self {
            architecture: Architecture::dense(&[], classes),
            plan: Vec::new(),
            parameters: Vec::new(),
            names: Vec::new(),
            has_one_output: outputs != classes,
        };
        let mut all_words = Vec::with_capacity(count);
        for (index, Layer { plan, words, matrix }) in layers.into_iter().enumerate() {
            network.plan.push(plan);
            all_words.push(words);
            let Some(Matrix { operator, reads, weights, biases, .. }) = matrix else { continue };
            let [inputs, outputs] = plan.matrix().unwrap_or_default();
            network.names.push(MatrixName { layer: index, operator, inputs: reads, outputs });
            let [weights, biases] = [weights, biases].map(|numbers| numbers.into_iter().map(|n| n as f32).collect());
            network.parameters.push(DenseParameters { inputs, outputs, weights, biases });
        }
        if network.has_one_output {
            network.parameters.last_mut().into_iter().for_each(DenseParameters::split_output);
            network.plan.last_mut().into_iter().for_each(|plan| plan.output.channels = 2);
            all_words.last_mut().into_iter().for_each(|words| *words = "dense 2".to_owned());
        }
        network.architecture = all_words.join("; ").parse()?;
        // Checks all sizes.
        if let Some(first) = network.plan.first() {
            network.architecture.plan(first.input, classes)?;
        }
        Ok(network)
    }
}
