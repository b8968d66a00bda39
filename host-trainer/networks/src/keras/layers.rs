//! Layers of Keras.

use half::f16;
use safetensors::Dtype;
use serde_json::Value;

use super::arrays::Arrays;
use super::error::LayerError;
use crate::Array;
use crate::graph::{Builder, Convolution, Padding, Pool, Weights, instead_of};

/// Applies `layer` of a configuration to the network of `builder`.
pub fn apply(builder: &mut Builder, arrays: &Arrays, layer: &Value) -> Result<(), LayerError> {
    let own = &layer["config"];
    let name = own["name"].as_str().unwrap_or_default();
    let class = layer["class_name"].as_str().unwrap_or_default();
    let place = format!("layer {}, {class}", name.escape_debug());
    let weights = Layer { arrays, name };
    match class {
        "InputLayer"
        | "Dropout"
        | "SpatialDropout2D"
        | "GaussianDropout"
        | "GaussianNoise"
        | "AlphaDropout"
        | "ActivityRegularization" => {}
        "Flatten" => {
            check_layout(own)?;
            builder.reshape(&[builder.sizes().iter().product()])?;
        }
        "Reshape" => reshape(builder, &own["target_shape"])?,
        "Rescaling" => {
            let [factor, summand] = ["scale", "offset"].map(|name| numbers(&own[name]));
            let unknown = || option("scale or offset", &own["scale"], "numbers");
            let (factor, summand) = factor.zip(summand).ok_or_else(unknown)?;
            builder.affine((&[factor.len()], &factor), (&[summand.len()], &summand))?;
        }
        "Dense" => {
            let kernel = weights.array("kernel", 0)?;
            let &[_, outputs] = &kernel.sizes[..] else { return Err(kernel.sizes_error("kernel", "two")) };
            let biases = weights.biases(own, 1)?;
            let kernel = Weights { values: kernel.numbers("kernel")?, strides: [1, 0, 0, outputs] };
            builder.dense(&place, outputs, &kernel, biases.as_deref())?;
            activate(builder, &own["activation"])?;
        }
        "Conv2D" | "DepthwiseConv2D" => {
            convolution(builder, &weights, own, class == "DepthwiseConv2D", &place)?;
            activate(builder, &own["activation"])?;
        }
        "BatchNormalization" => batch_norm(builder, &weights, own)?,
        "ReLU" => {
            let is_zero = |name: &str| own[name].as_f64().unwrap_or_default() == 0.0;
            if !own["max_value"].is_null() || !is_zero("negative_slope") || !is_zero("threshold") {
                return Err(option("max_value, negative_slope or threshold", &own["max_value"], "none, 0 and 0"));
            }
            builder.relu()?;
        }
        "Activation" => activate(builder, &own["activation"])?,
        "Softmax" => builder.softmax()?,
        "MaxPooling2D" | "AveragePooling2D" | "GlobalMaxPooling2D" | "GlobalAveragePooling2D" => {
            pool(builder, own, class)?;
        }
        _ => return Err(LayerError::Unsupported(instead_of(class))),
    }
    Ok(())
}

fn option(name: &'static str, found: &Value, expected: &'static str) -> LayerError {
    let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let found: String = found.chars().take(80).collect();
    LayerError::Option { name, found: found.escape_debug().to_string(), expected }
}

/// Applies the activation that a layer names.
fn activate(builder: &mut Builder, activation: &Value) -> Result<(), LayerError> {
    // An activation may be an object with a name.
    let object = [&activation["config"]["name"], &activation["config"], &activation["class_name"]];
    let name = activation.as_str().or_else(|| object.into_iter().find_map(Value::as_str));
    match name {
        None | Some("linear") => Ok(()),
        Some("relu" | "ReLU") => Ok(builder.relu()?),
        Some("softmax" | "log_softmax") => Ok(builder.softmax()?),
        Some("sigmoid") => Ok(builder.sigmoid()?),
        Some(_) => Err(option("activation", activation, "relu; train with it, the only activation of a model")),
    }
}

fn check_layout(own: &Value) -> Result<(), LayerError> {
    match own["data_format"].as_str() {
        None | Some("channels_last") => Ok(()),
        Some(_) => Err(option("data_format", &own["data_format"], "channels_last")),
    }
}

fn reshape(builder: &mut Builder, shape: &Value) -> Result<(), LayerError> {
    let count: usize = builder.sizes().iter().product();
    let sizes = shape.as_array().filter(|sizes| sizes.len() <= 3);
    let sizes: Option<Vec<i64>> = sizes.and_then(|sizes| sizes.iter().map(Value::as_i64).collect());
    let sizes = sizes.ok_or_else(|| option("target_shape", shape, "at most three sizes"))?;
    let known = |size: &i64| usize::try_from(*size).ok();
    let fixed = sizes.iter().filter_map(known).fold(1, usize::saturating_mul);
    let sizes: Vec<usize> = sizes.iter().map(|size| known(size).unwrap_or(count / fixed.max(1))).collect();
    Ok(builder.reshape(&sizes)?)
}

/// Returns a number or a list of numbers.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    match value {
        Value::Array(values) => values.iter().map(Value::as_f64).collect(),
        other => Some(vec![other.as_f64()?]),
    }
}

/// Returns two sizes, or `default` if they are missing.
fn pair(own: &Value, name: &'static str, default: [usize; 2]) -> Result<[usize; 2], LayerError> {
    if own[name].is_null() {
        return Ok(default);
    }
    let sizes = numbers(&own[name]).unwrap_or_default();
    match sizes[..] {
        [rows, columns] => Ok([rows as usize, columns as usize]),
        [size] => Ok([size as usize; 2]),
        _ => Err(option(name, &own[name], "two sizes")),
    }
}

fn padding(own: &Value) -> Result<Padding, LayerError> {
    match own["padding"].as_str() {
        Some("same") => Ok(Padding::Same),
        None | Some("valid") => Ok(Padding::Sides([0; 4])),
        Some(_) => Err(option("padding", &own["padding"], "same or valid")),
    }
}

fn convolution(
    builder: &mut Builder,
    weights: &Layer<'_>,
    own: &Value,
    is_depthwise: bool,
    place: &str,
) -> Result<(), LayerError> {
    check_layout(own)?;
    let name = if is_depthwise { "depthwise_kernel" } else { "kernel" };
    let kernel = weights.array(name, 0).or_else(|_| weights.array("kernel", 0))?;
    let &[rows, columns, inputs, last] = &kernel.sizes[..] else { return Err(kernel.sizes_error("kernel", "four")) };
    let outputs = if is_depthwise { inputs.saturating_mul(last) } else { last };
    let channels = builder.sizes().last().copied().unwrap_or_default();
    let groups = own["groups"].as_u64().and_then(|groups| usize::try_from(groups).ok()).unwrap_or(1);
    let convolution = Convolution {
        kernel: [rows, columns],
        stride: pair(own, "strides", [1, 1])?,
        dilation: pair(own, "dilation_rate", [1, 1])?,
        padding: padding(own)?,
        groups: if is_depthwise { channels } else { groups },
        outputs,
        weights: Weights {
            values: kernel.numbers("kernel")?,
            strides: if is_depthwise {
                [1, columns * outputs, outputs, 0]
            } else {
                [1, columns * inputs * last, inputs * last, last]
            },
        },
        biases: weights.biases(own, 1)?,
    };
    Ok(builder.convolution(place, &convolution)?)
}

fn batch_norm(builder: &mut Builder, weights: &Layer<'_>, own: &Value) -> Result<(), LayerError> {
    let rank = builder.sizes().len();
    let axis = own["axis"].as_i64().or_else(|| own["axis"][0].as_i64()).unwrap_or(-1);
    if axis != -1 && usize::try_from(axis).ok() != Some(rank) {
        return Err(option("axis", &own["axis"], "the last one, the channels"));
    }
    let epsilon = own["epsilon"].as_f64().unwrap_or(1e-3);
    // The arrays that a layer leaves out have no number.
    let mut next = 0..;
    let mut array = |name, key: &str| -> Result<Option<Vec<f64>>, LayerError> {
        if own[key].as_bool() == Some(false) {
            return Ok(None);
        }
        let array = weights.array(name, next.next().unwrap_or_default())?;
        Ok(Some(array.numbers(name)?.into_iter().map(f64::from).collect()))
    };
    let (scale, shift) = (array("gamma", "scale")?, array("beta", "center")?);
    let (mean, variance) = (array("moving_mean", "")?, array("moving_variance", "")?);
    let (mean, variance) = (mean.unwrap_or_default(), variance.unwrap_or_default());
    let or = |numbers: Option<Vec<f64>>, default: f64| numbers.unwrap_or_else(|| vec![default; mean.len()]);
    let (scale, shift) = (or(scale, 1.0), or(shift, 0.0));
    let factors: Vec<f64> =
        scale.iter().zip(&variance).map(|(scale, variance)| scale / (variance + epsilon).sqrt()).collect();
    let summands: Vec<f64> =
        shift.iter().zip(&mean).zip(&factors).map(|((shift, mean), factor)| shift - mean * factor).collect();
    Ok(builder.affine((&[factors.len()], &factors), (&[summands.len()], &summands))?)
}

fn pool(builder: &mut Builder, own: &Value, class: &str) -> Result<(), LayerError> {
    check_layout(own)?;
    let is_maximum = class.contains("Max");
    if class.starts_with("Global") {
        let padding = Padding::Sides([0; 4]);
        builder.pool(&Pool { is_maximum, window: None, stride: [1, 1], padding, counts_padding: false })?;
        if own["keepdims"].as_bool() != Some(true) {
            builder.reshape(&[builder.sizes().iter().product()])?;
        }
        return Ok(());
    }
    let window = pair(own, "pool_size", [2, 2])?;
    let stride = pair(own, "strides", window)?;
    let padding = padding(own)?;
    Ok(builder.pool(&Pool { is_maximum, window: Some(window), stride, padding, counts_padding: false })?)
}

/// The arrays of a layer.
struct Layer<'a> {
    arrays: &'a Arrays,
    name: &'a str,
}

impl<'a> Layer<'a> {
    /// Returns the array `name`, which is number `index` in newer files.
    fn array(&self, name: &'static str, index: usize) -> Result<&'a Array, LayerError> {
        let Arrays { arrays, layers, .. } = self.arrays;
        let numbered = layers.get(self.name).and_then(|path| arrays.get(&format!("{path}/{index}")));
        let group = format!("model_weights/{}/", self.name);
        let is_named = |path: &str| {
            let last = path.rsplit('/').next().unwrap_or_default();
            path.starts_with(&group) && last.strip_suffix(":0").unwrap_or(last) == name
        };
        let named = || arrays.iter().find(|(path, _)| is_named(path)).map(|(_, array)| array);
        numbered.or_else(named).ok_or(LayerError::NoArray(name))
    }

    /// Returns the biases of a layer with the configuration `own`.
    fn biases(&self, own: &Value, index: usize) -> Result<Option<Vec<f32>>, LayerError> {
        match own["use_bias"].as_bool() {
            Some(false) => Ok(None),
            _ => Ok(Some(self.array("bias", index)?.numbers("bias")?)),
        }
    }
}

impl Array {
    fn numbers(&self, name: &'static str) -> Result<Vec<f32>, LayerError> {
        let bytes = &self.bytes;
        Ok(match self.data_type {
            Dtype::F16 => bytes.as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
            Dtype::F32 => bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Dtype::F64 => bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
            other => return Err(LayerError::DataType { name, found: other.to_string() }),
        })
    }

    fn sizes_error(&self, name: &'static str, expected: &'static str) -> LayerError {
        LayerError::Sizes { name, found: self.sizes.clone(), expected }
    }
}
