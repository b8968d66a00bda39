//! Operators of values that depend on the image.

use super::constant::Constant;
use super::error::NodeError;
use super::fold::dequantized;
use super::message::Node;
use super::{Reader, instead_of};
use crate::graph::{Convolution, Padding, Pool, Weights};

/// Applies `node`, of which one input depends on the image, to the network of `reader`.
pub fn apply(reader: &mut Reader<'_>, node: &Node<'_>, place: &str) -> Result<(), NodeError> {
    let is_first = node.inputs.first() == Some(&reader.current);
    let images = node.inputs.iter().filter(|name| **name == reader.current).count();
    let unsupported = || NodeError::Unsupported(instead_of(node.operator));
    if images > 1 {
        return Err(NodeError::Branch(reader.current.to_owned()));
    }
    if !is_first && !matches!(node.operator, "Add" | "Mul" | "Sub") {
        return Err(unsupported());
    }
    match node.operator {
        "Identity" | "Dropout" | "Cast" => {}
        "DequantizeLinear" => reader.is_quantized = true,
        "QuantizeLinear" => quantize(reader, node, 2)?,
        "Relu" => reader.builder.relu()?,
        "Clip" => clip(reader, node)?,
        "Softmax" | "LogSoftmax" => reader.builder.softmax()?,
        "Sigmoid" => reader.builder.sigmoid()?,
        "Flatten" => flatten(reader, node)?,
        "Reshape" => reshape(reader, node)?,
        "Transpose" => transpose(reader, node)?,
        "Squeeze" | "Unsqueeze" => squeeze(reader, node)?,
        "Gemm" => gemm(reader, node, place)?,
        "MatMul" => {
            let weights = reader.constant(node, 1)?;
            dense(reader, place, weights, None, false)?;
        }
        "Conv" => {
            let (weights, biases) = (reader.constant(node, 1)?, reader.optional(node, 2)?);
            convolution(reader, node, place, weights, biases.map(Constant::floats))?;
        }
        "BatchNormalization" => batch_norm(reader, node)?,
        "Add" | "Sub" | "Mul" | "Div" => arithmetic(reader, node, is_first)?,
        "MaxPool" | "AveragePool" => pool(reader, node)?,
        "GlobalMaxPool" => global_pool(reader, true)?,
        "GlobalAveragePool" => global_pool(reader, false)?,
        "ReduceMean" => reduce_mean(reader, node)?,
        "QLinearConv" | "QLinearMatMul" | "QGemm" => quantized(reader, node, place)?,
        "QLinearGlobalAveragePool" => {
            reader.is_quantized = true;
            global_pool(reader, false)?;
        }
        "QLinearAveragePool" => {
            reader.is_quantized = true;
            pool(reader, node)?;
        }
        _ => return Err(unsupported()),
    }
    Ok(())
}

fn attribute(name: &'static str, found: impl std::fmt::Debug, expected: &'static str) -> NodeError {
    NodeError::Attribute { name, found: format!("{found:?}"), expected }
}

/// Values become integers, whose smallest one may be zero: such a file leaves out ReLU. `zero` is
/// the input with the integer of zero.
fn quantize(reader: &mut Reader<'_>, node: &Node<'_>, zero: usize) -> Result<(), NodeError> {
    reader.is_quantized = true;
    let zero = reader.optional(node, zero)?;
    let zero = zero.as_ref().and_then(Constant::as_integers).and_then(<[i64]>::first).copied().unwrap_or_default();
    // The smallest integers of 8 bits, with and without sign. A signed zero is in the middle of its
    // range, but a layer with ReLU does not have it.
    if zero == -128 || (zero == 0 && is_unsigned(reader, node)) { Ok(reader.builder.clamp()?) } else { Ok(()) }
}

/// Returns true if the integers that `node` gives have no sign, by the type of their zero.
fn is_unsigned(reader: &Reader<'_>, node: &Node<'_>) -> bool {
    let place = match node.operator {
        "QuantizeLinear" => 2,
        "QGemm" => 8,
        _ => 7,
    };
    let Some(name) = node.inputs.get(place) else { return true };
    reader.stored.get(name).is_none_or(|message| {
        let types = super::wire::Fields::new(message).filter_map(Result::ok);
        types.filter(|(number, _)| *number == 2).all(|(_, content)| content.integer() == 2)
    })
}

/// Takes `Clip` from 0 without a maximum as ReLU.
fn clip(reader: &mut Reader<'_>, node: &Node<'_>) -> Result<(), NodeError> {
    let bound = |index| -> Result<Option<f64>, NodeError> {
        Ok(reader.optional(node, index)?.and_then(|constant| constant.doubles().first().copied()))
    };
    let (least, most) = (bound(1)?, bound(2)?);
    if least != Some(0.0) || most.is_some_and(|most| most < f32::MAX.into()) {
        let found = [least.unwrap_or(f64::NEG_INFINITY), most.unwrap_or(f64::INFINITY)];
        return Err(attribute("range", found, "0 to infinity, which is ReLU; train with ReLU"));
    }
    Ok(reader.builder.relu()?)
}

fn flatten(reader: &mut Reader<'_>, node: &Node<'_>) -> Result<(), NodeError> {
    let sizes = reader.builder.sizes();
    let axis = node.integer("axis")?.unwrap_or(1);
    if axis != 1 && axis != -(sizes.len() as i64) {
        return Err(attribute("axis", axis, "1, which keeps the images of a batch apart"));
    }
    Ok(reader.builder.reshape(&[sizes.iter().product()])?)
}

fn reshape(reader: &mut Reader<'_>, node: &Node<'_>) -> Result<(), NodeError> {
    let shape = reader.constant(node, 1)?;
    let shape = shape.as_integers().unwrap_or_default();
    let own = reader.builder.sizes();
    let error = || attribute("shape", shape, "the batch, then all values of an image");
    let (batch, rest) = shape.split_first().ok_or_else(error)?;
    let is_batch = matches!(batch, -1..=1) || usize::try_from(*batch).ok() == reader.batch;
    let known = |(index, size): (usize, &i64)| match size {
        0 => own.get(index).copied(),
        size => usize::try_from(*size).ok(),
    };
    let fixed: usize = rest.iter().enumerate().filter_map(known).fold(1, usize::saturating_mul);
    let count: usize = own.iter().product();
    let sizes: Vec<usize> = rest.iter().enumerate().map(|size| known(size).unwrap_or(count / fixed.max(1))).collect();
    let unknown = rest.iter().filter(|size| **size < 0).count();
    if !is_batch || unknown > 1 || sizes.len() > super::message::MAX_DIMENSIONS {
        return Err(error());
    }
    Ok(reader.builder.reshape(&sizes)?)
}

fn transpose(reader: &mut Reader<'_>, node: &Node<'_>) -> Result<(), NodeError> {
    let order = node.integers("perm")?.unwrap_or_default();
    let error = || attribute("perm", &order, "0 first, which keeps the images of a batch apart");
    let Some((0, rest)) = order.split_first() else { return Err(error()) };
    let rest = rest.iter().map(|index| usize::try_from(index.checked_sub(1)?).ok()).collect::<Option<Vec<_>>>();
    Ok(reader.builder.transpose(&rest.ok_or_else(error)?)?)
}

/// Removes or adds dimensions of one.
fn squeeze(reader: &mut Reader<'_>, node: &Node<'_>) -> Result<(), NodeError> {
    let axes = match reader.optional(node, 1)? {
        Some(axes) => axes.as_integers().map(<[i64]>::to_vec),
        None => node.integers("axes")?,
    };
    let mut sizes = reader.builder.sizes();
    let is_squeeze = node.operator == "Squeeze";
    let Some(axes) = axes else {
        sizes.retain(|size| *size != 1);
        return Ok(reader.builder.reshape(&sizes)?);
    };
    let error = || attribute("axes", &axes, "dimensions of one after the batch");
    let rank = 1 + sizes.len() + if is_squeeze { 0 } else { axes.len() };
    let place = |axis: &i64| {
        let axis = if *axis < 0 { axis.checked_add(rank as i64)? } else { *axis };
        usize::try_from(axis).ok()?.checked_sub(1)
    };
    let mut places = axes.iter().map(place).collect::<Option<Vec<usize>>>().ok_or_else(error)?;
    places.sort_unstable();
    if is_squeeze {
        for place in places.into_iter().rev() {
            if sizes.get(place) != Some(&1) {
                return Err(error());
            }
            sizes.remove(place);
        }
    } else {
        for place in places {
            if place > sizes.len() || sizes.len() >= super::message::MAX_DIMENSIONS {
                return Err(error());
            }
            sizes.insert(place, 1);
        }
    }
    Ok(reader.builder.reshape(&sizes)?)
}

fn gemm(reader: &mut Reader<'_>, node: &Node<'_>, place: &str) -> Result<(), NodeError> {
    if node.integer("transA")?.unwrap_or(0) != 0 {
        return Err(attribute("transA", 1, "0"));
    }
    let scaled = |constant: Constant, name| -> Result<Constant, NodeError> {
        let factor = node.float(name, 1.0)?;
        let sizes = constant.sizes.clone();
        let values = constant.floats().into_iter().map(|value| value * factor).collect();
        Ok(Constant { sizes, numbers: super::constant::Numbers::Float(values) })
    };
    let weights = scaled(reader.constant(node, 1)?, "alpha")?;
    let biases = reader.optional(node, 2)?.map(|biases| scaled(biases, "beta")).transpose()?;
    dense(reader, place, weights, biases, node.integer("transB")?.unwrap_or(0) != 0)
}

/// Adds a dense layer of weights `[input, output]`, or `[output, input]` if `is_by_output`.
fn dense(
    reader: &mut Reader<'_>,
    place: &str,
    weights: Constant,
    biases: Option<Constant>,
    is_by_output: bool,
) -> Result<(), NodeError> {
    let &[first, second] = &weights.sizes[..] else {
        return Err(attribute("weights", &weights.sizes, "two dimensions"));
    };
    let (outputs, strides) = if is_by_output { (first, [second, 0, 0, 1]) } else { (second, [1, 0, 0, second]) };
    let biases = biases.map(|biases| match biases.len() {
        1 => vec![biases.floats().first().copied().unwrap_or_default(); outputs],
        _ => biases.floats(),
    });
    let weights = Weights { values: weights.floats(), strides };
    Ok(reader.builder.dense(place, outputs, &weights, biases.as_deref())?)
}

/// Returns two numbers of an attribute, or `default`.
fn pair(node: &Node<'_>, name: &'static str, default: [usize; 2]) -> Result<[usize; 2], NodeError> {
    let Some(found) = node.integers(name)? else { return Ok(default) };
    let pair = match found[..] {
        [rows, columns] => usize::try_from(rows).ok().zip(usize::try_from(columns).ok()),
        _ => None,
    };
    pair.map(|(rows, columns)| [rows, columns]).ok_or_else(|| attribute(name, &found, "two numbers, rows and columns"))
}

fn padding(node: &Node<'_>) -> Result<Padding, NodeError> {
    Ok(match node.text("auto_pad")? {
        "SAME_UPPER" => Padding::Same,
        "SAME_LOWER" => Padding::SameBefore,
        "VALID" => Padding::Sides([0; 4]),
        _ => {
            let found = node.integers("pads")?.unwrap_or_else(|| vec![0; 4]);
            let sides: Option<Vec<usize>> = found.iter().map(|side| usize::try_from(*side).ok()).collect();
            let sides = sides.and_then(|sides| <[usize; 4]>::try_from(sides).ok());
            Padding::Sides(sides.ok_or_else(|| attribute("pads", &found, "four sizes"))?)
        }
    })
}

fn convolution(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    place: &str,
    weights: Constant,
    biases: Option<Vec<f32>>,
) -> Result<(), NodeError> {
    let &[outputs, inputs, rows, columns] = &weights.sizes[..] else {
        return Err(attribute("weights", &weights.sizes, "four dimensions, for images"));
    };
    let groups = node.integer("group")?.unwrap_or(1);
    let convolution = Convolution {
        kernel: [rows, columns],
        stride: pair(node, "strides", [1, 1])?,
        dilation: pair(node, "dilations", [1, 1])?,
        padding: padding(node)?,
        groups: usize::try_from(groups).unwrap_or_default(),
        outputs,
        weights: Weights { values: weights.floats(), strides: [inputs * rows * columns, columns, 1, rows * columns] },
        biases,
    };
    Ok(reader.builder.convolution(place, &convolution)?)
}

fn batch_norm(reader: &mut Reader<'_>, node: &Node<'_>) -> Result<(), NodeError> {
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    let [scale, shift, mean, variance] = [1, 2, 3, 4].map(|index| reader.constant(node, index));
    let [scale, shift, mean, variance] = [scale?, shift?, mean?, variance?].map(|constant| constant.doubles());
    let factors: Vec<f64> =
        scale.iter().zip(&variance).map(|(scale, variance)| scale / (variance + epsilon).sqrt()).collect();
    let summands: Vec<f64> =
        shift.iter().zip(&mean).zip(&factors).map(|((shift, mean), factor)| shift - mean * factor).collect();
    // The channels are the first dimension after the batch.
    let mut sizes = vec![1; reader.builder.sizes().len()];
    sizes.first_mut().into_iter().for_each(|size| *size = factors.len());
    Ok(reader.builder.affine((&sizes, &factors), (&sizes, &summands))?)
}

/// Adds, subtracts, multiplies or divides by a constant.
fn arithmetic(reader: &mut Reader<'_>, node: &Node<'_>, is_first: bool) -> Result<(), NodeError> {
    let constant = reader.constant(node, usize::from(is_first))?;
    let (sizes, values) = (&constant.sizes[..], constant.doubles());
    let numbers = |number: f64| vec![number; values.len()];
    let each = |function: fn(f64) -> f64| values.iter().copied().map(function).collect();
    let (factor, summand): (Vec<f64>, Vec<f64>) = match (node.operator, is_first) {
        ("Add", _) => (numbers(1.0), values.clone()),
        ("Sub", true) => (numbers(1.0), each(|value| -value)),
        ("Sub", false) => (numbers(-1.0), values.clone()),
        ("Mul", _) => (values.clone(), numbers(0.0)),
        _ => (each(|value| 1.0 / value), numbers(0.0)),
    };
    Ok(reader.builder.affine((sizes, &factor), (sizes, &summand))?)
}

fn pool(reader: &mut Reader<'_>, node: &Node<'_>) -> Result<(), NodeError> {
    let window = pair(node, "kernel_shape", [0, 0])?;
    let dilation = pair(node, "dilations", [1, 1])?;
    if dilation != [1, 1] || node.integer("ceil_mode")?.unwrap_or(0) != 0 {
        return Err(attribute("dilations or ceil_mode", dilation, "1 and 0; train with ceil_mode=False"));
    }
    let pool = Pool {
        is_maximum: node.operator == "MaxPool",
        window: Some(window),
        stride: pair(node, "strides", [1, 1])?,
        padding: padding(node)?,
        counts_padding: node.integer("count_include_pad")?.unwrap_or(0) != 0,
    };
    Ok(reader.builder.pool(&pool)?)
}

fn global_pool(reader: &mut Reader<'_>, is_maximum: bool) -> Result<(), NodeError> {
    let padding = Padding::Sides([0; 4]);
    Ok(reader.builder.pool(&Pool { is_maximum, window: None, stride: [1, 1], padding, counts_padding: false })?)
}

/// Takes the mean of all rows and columns, which may be the first or the last dimensions.
fn reduce_mean(reader: &mut Reader<'_>, node: &Node<'_>) -> Result<(), NodeError> {
    let axes = match reader.optional(node, 1)? {
        Some(axes) => axes.as_integers().unwrap_or_default().to_vec(),
        None => node.integers("axes")?.unwrap_or_default(),
    };
    let mut sorted: Vec<i64> = axes.iter().map(|axis| if *axis < 0 { axis.saturating_add(4) } else { *axis }).collect();
    sorted.sort_unstable();
    let is_kept = node.integer("keepdims")?.unwrap_or(1) != 0;
    let sizes = reader.builder.sizes();
    let (flat, kept): ([usize; 1], [usize; 3]) = match (&sorted[..], &sizes[..]) {
        ([2, 3], &[channels, _, _]) => ([channels], [channels, 1, 1]),
        ([1, 2], &[_, _, channels]) => {
            reader.builder.transpose(&[2, 0, 1])?;
            ([channels], [1, 1, channels])
        }
        _ => return Err(attribute("axes", &axes, "rows and columns of images")),
    };
    global_pool(reader, false)?;
    Ok(reader.builder.reshape(if is_kept { &kept } else { &flat })?)
}

/// Takes a layer of integers as one of the numbers that they stand for.
fn quantized(reader: &mut Reader<'_>, node: &Node<'_>, place: &str) -> Result<(), NodeError> {
    // x, scale, zero, w, scale, zero; then y's, and the bias before or after them.
    let is_gemm = node.operator == "QGemm";
    let (scale, weight_scale) = (reader.constant(node, 1)?, reader.constant(node, 4)?);
    let by_output = is_gemm && node.integer("transB")?.unwrap_or(0) != 0;
    let axis = if node.operator == "QLinearConv" || by_output { 0 } else { 1 };
    let (weights, zero) = (reader.constant(node, 3)?, reader.optional(node, 5)?);
    let misfit = || attribute("scales of weights", &weight_scale.sizes, "one, or one for each output");
    let weights = dequantized(&weights, &weight_scale, zero.as_ref(), axis).ok_or_else(misfit)?;
    let input_step = scale.doubles().first().copied().unwrap_or_default();
    let steps = weight_scale.doubles();
    let biases = match node.operator {
        "QLinearConv" => reader.optional(node, 8)?,
        "QGemm" => reader.optional(node, 6)?,
        _ => None,
    };
    let biases = biases.map(|biases| {
        let steps = steps.iter().cycle();
        biases.doubles().iter().zip(steps).map(|(bias, step)| (bias * step * input_step) as f32).collect::<Vec<f32>>()
    });
    if node.operator == "QLinearConv" {
        convolution(reader, node, place, weights, biases)?;
    } else {
        let biases = biases
            .map(|values| Constant { sizes: vec![values.len()], numbers: super::constant::Numbers::Float(values) });
        dense(reader, place, weights, biases, by_output)?;
    }
    let zero = if is_gemm { 8 } else { 7 };
    quantize(reader, node, zero)
}
