//! The integers of a file, if a model computes with them like the file: activations whose zero is
//! the smallest integer, and symmetric weights.

use super::schema::{INT8, INT32, Tensor};
use crate::model::import::graph::GraphNetwork;
use crate::network::{LayerPlan, PixelForm};
use crate::quantize::{QuantizedLayer, keep};

/// The integers of a layer with weights, without the weights.
#[derive(Clone, Debug)]
pub struct Record {
    input_step: f64,
    /// One for all outputs, or one for each.
    weight_steps: Vec<f64>,
    biases: Vec<i32>,
    output_step: f64,
    output_zero: i64,
}

/// A network in integers, and those of its outputs.
#[derive(Clone, Debug)]
pub struct Integers {
    pub plan: Vec<LayerPlan>,
    pub layers: Vec<QuantizedLayer>,
    /// The last layer as in the file, whose outputs have another scale than logits.
    pub last: QuantizedLayer,
    /// The integer of zero in the outputs.
    pub zero: i64,
}

impl Record {
    /// Notes the integers of a layer, or returns the reason why a model cannot have them.
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

    /// Returns the layer with `weights`, `[output][input]`, and outputs in steps of `output_step`;
    /// `None` for logits.
    fn layer(&self, weights: &[i8], output_step: Option<f64>) -> Option<QuantizedLayer> {
        let outputs = self.biases.len();
        let steps = self.weight_steps.iter().copied().cycle().take(outputs).collect();
        keep(weights.to_vec(), self.biases.clone(), steps, self.input_step, output_step)
    }
}

/// Returns the integers of `records`, whose weights `network` has, for pixels in `form`, or the
/// reason why a model cannot have them.
pub fn convert(records: &[Record], network: &GraphNetwork, form: PixelForm) -> Result<Integers, String> {
    let Some((last, hidden)) = records.split_last().filter(|_| records.len() == network.parameters.len()) else {
        return Err("not all layers are in integers".to_owned());
    };
    if network.has_one_output {
        return Err("it has one output, which becomes two".to_owned());
    }
    let first_step = records.first().map_or(0.0, |record| record.input_step);
    let is_pixel = |pixel: u8| {
        let value = (f64::from(pixel) / form.scale - form.mean) / form.std;
        // Like TensorFlow Lite, with `f32`.
        (value as f32 / first_step as f32).round() == f32::from(pixel)
    };
    if !(0..=u8::MAX).all(is_pixel) {
        return Err(format!(
            "its input has steps of {first_step}, which are not pixels as --pixel-scale, --mean and --std give them"
        ));
    }
    if hidden.iter().any(|record| record.output_zero != i64::from(i8::MIN)) {
        return Err("a layer before the last has outputs whose zero is not -128".to_owned());
    }
    if records.array_windows().any(|[one, next]| one.output_step != next.input_step) {
        return Err("a layer reads values in another scale than the layer before gives".to_owned());
    }
    let weights = network.parameters.iter().map(|layer| -> Vec<i8> {
        (0..layer.outputs).flat_map(|output| layer.column(output)).map(|weight| weight as i8).collect()
    });
    let weights: Vec<Vec<i8>> = weights.collect();
    let mut layers = Vec::with_capacity(records.len());
    let too_small = || "its scales are too small or too large for multipliers of a model".to_owned();
    for (index, (record, weights)) in records.iter().zip(&weights).enumerate() {
        let output_step = Some(record.output_step).filter(|_| index + 1 < records.len());
        layers.push(record.layer(weights, output_step).ok_or_else(too_small)?);
    }
    let last_weights = weights.last().map_or(&[][..], Vec::as_slice);
    let own = last.layer(last_weights, Some(last.output_step)).ok_or_else(too_small)?;
    Ok(Integers { plan: network.plan.clone(), layers, last: own, zero: last.output_zero })
}
