//! The integers of a file, if a model computes with them like the file: activations whose zero is
//! the smallest integer, and symmetric weights.

mod reference;

use networks::tflite::{LiteIntegers, Record};

pub use self::reference::SourceComparison;
use crate::network::{LayerPlan, PixelForm};
use crate::quantize::{QuantizedLayer, keep};

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

impl Integers {
    /// Returns the integers of a file for pixels in `form`, or the reason why a model cannot have
    /// them.
    pub fn of(file: &LiteIntegers, form: PixelForm) -> Result<Self, String> {
        let LiteIntegers { records, network } = file;
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
            layers.push(layer(record, weights, output_step).ok_or_else(too_small)?);
        }
        let last_weights = weights.last().map_or(&[][..], Vec::as_slice);
        let own = layer(last, last_weights, Some(last.output_step)).ok_or_else(too_small)?;
        Ok(Integers { plan: network.plan.clone(), layers, last: own, zero: last.output_zero })
    }
}

/// Returns the layer of `record` with `weights`, `[output][input]`, and outputs in steps of
/// `output_step`; `None` for logits.
fn layer(record: &Record, weights: &[i8], output_step: Option<f64>) -> Option<QuantizedLayer> {
    let outputs = record.biases.len();
    let steps = record.weight_steps.iter().copied().cycle().take(outputs).collect();
    keep(weights.to_vec(), record.biases.clone(), steps, record.input_step, output_step)
}
