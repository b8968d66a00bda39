//! The integers of a layer that computes like a model: activations whose zero is the smallest
//! integer, and symmetric weights.

use super::schema::{INT8, INT32, Tensor};

/// The scales and biases of a layer with weights.
#[derive(Clone, Debug)]
pub struct Record {
    /// Value of a step of its inputs.
    pub input_step: f64,
    /// Values of a step of its weights: one for all outputs, or one for each.
    pub weight_steps: Vec<f64>,
    /// One for each output.
    pub biases: Vec<i32>,
    /// Value of a step of its outputs.
    pub output_step: f64,
    /// The integer of zero in its outputs.
    pub output_zero: i64,
}

impl Record {
    /// Returns the scales and biases of a layer, or the reason why a model cannot have them.
    pub fn of(
        input: &Tensor<'_>,
        weights: &Tensor<'_>,
        biases: Option<&Tensor<'_>>,
        output: &Tensor<'_>,
        outputs: usize,
    ) -> Result<Self, &'static str> {
        let activations = |tensor: &Tensor<'_>| tensor.step().filter(|_| tensor.kind == INT8);
        let (input_step, zero) = activations(input).ok_or("does not read integers of 8 bits")?;
        let (output_step, output_zero) = activations(output).ok_or("does not give integers of 8 bits")?;
        if zero != i64::from(i8::MIN) {
            return Err("reads integers whose zero is not -128");
        }
        let has_steps = weights.scales.len() == 1 || weights.scales.len() == outputs;
        if weights.kind != INT8 || weights.zeros.iter().any(|zero| *zero != 0) || !has_steps {
            return Err("has weights that are not symmetric integers of 8 bits");
        }
        let smallest = weights.integers().ok().and_then(|weights| weights.into_iter().min());
        if smallest.is_none_or(|smallest| smallest < -i64::from(i8::MAX)) {
            return Err("has a weight of -128, expected at least -127");
        }
        let biases = match biases {
            Some(biases) if biases.kind == INT32 => biases.integers().ok(),
            Some(_) => None,
            None => Some(vec![0; outputs]),
        };
        let biases = biases.ok_or("has biases that are not integers of 32 bits")?;
        Ok(Self {
            input_step: input_step.into(),
            weight_steps: weights.scales.iter().copied().map(f64::from).collect(),
            biases: biases.into_iter().filter_map(|bias| i32::try_from(bias).ok()).collect(),
            output_step: output_step.into(),
            output_zero,
        })
    }
}
