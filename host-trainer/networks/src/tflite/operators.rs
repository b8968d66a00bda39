//! Operators of values that depend on the image.

use super::Reader;
use super::error::OperatorError;
use super::record::Record;
use super::schema::{INT8, Operator, Tensor, UINT8};
use crate::graph::{Convolution, Padding, Pool, Weights, instead_of};

/// Applies `operator`, of which one input depends on the image, to the network of `reader`.
pub fn apply(reader: &mut Reader<'_>, operator: &Operator<'_>, place: &str) -> Result<(), OperatorError> {
    let unsupported = || OperatorError::Unsupported(instead_of(&operator.name));
    let is_first = operator.inputs.first() == Some(&reader.current);
    let images = operator.inputs.iter().filter(|input| **input == reader.current).count();
    if images > 1 {
        return Err(OperatorError::Branch);
    }
    if !is_first && !matches!(operator.name.as_str(), "ADD" | "MUL") {
        return Err(unsupported());
    }
    let input = reader.tensor(reader.current)?;
    let output = reader.tensor(operator.outputs.first().copied().unwrap_or(-1))?;
    match operator.name.as_str() {
        "FULLY_CONNECTED" => dense(reader, operator, place, &input, &output)?,
        "CONV_2D" | "DEPTHWISE_CONV_2D" => convolution(reader, operator, place, &input, &output)?,
        "MAX_POOL_2D" | "AVERAGE_POOL_2D" => {
            keep_step(reader, place, &input, &output);
            let pool = Pool {
                is_maximum: operator.name == "MAX_POOL_2D",
                window: Some([operator.size(4, 0), operator.size(3, 0)]),
                stride: [operator.size(2, 0), operator.size(1, 0)],
                padding: padding(operator),
                counts_padding: false,
            };
            reader.builder.pool(&pool)?;
            activate(reader, operator.byte(5), &output)?;
        }
        "MEAN" => mean(reader, operator, place, &output)?,
        "RESHAPE" | "SQUEEZE" | "EXPAND_DIMS" => {
            keep_step(reader, place, &input, &output);
            reader.builder.reshape(output.sizes.get(1..).unwrap_or_default())?;
        }
        "TRANSPOSE" => {
            let order = reader.constant(operator, 1)?.ok_or(OperatorError::NotConstant)?.integers()?;
            let order: Option<Vec<usize>> =
                order.iter().skip(1).map(|axis| usize::try_from(axis.checked_sub(1)?).ok()).collect();
            reader.builder.transpose(&order.ok_or_else(unsupported)?)?;
        }
        "RELU" => {
            keep_step(reader, place, &input, &output);
            reader.builder.relu()?;
        }
        "RELU6" => activate(reader, 3, &output)?,
        "SOFTMAX" | "LOG_SOFTMAX" => reader.builder.softmax()?,
        "LOGISTIC" => reader.builder.sigmoid()?,
        "QUANTIZE" => {
            if input.step().is_some() {
                keep_step(reader, place, &input, &output);
            }
            if !reader.records.is_empty() {
                clamp(reader, &output)?;
            }
        }
        "DEQUANTIZE" | "CAST" => {}
        "ADD" | "SUB" | "MUL" | "DIV" => {
            reader.refuse(place, "scales or shifts values between layers");
            arithmetic(reader, operator, is_first)?;
            activate(reader, operator.byte(0), &output)?;
        }
        _ => return Err(unsupported()),
    }
    Ok(())
}

fn padding(operator: &Operator<'_>) -> Padding {
    if operator.byte(0) == 0 { Padding::Same } else { Padding::Sides([0; 4]) }
}

/// Notes if integers mean other numbers after an operator than before it.
fn keep_step(reader: &mut Reader<'_>, place: &str, input: &Tensor<'_>, output: &Tensor<'_>) {
    if input.step() != output.step() {
        reader.refuse(place, "changes the scale of values");
    }
}

/// Applies the activation `code`, which is part of an operator.
fn activate(reader: &mut Reader<'_>, code: u8, output: &Tensor<'_>) -> Result<(), OperatorError> {
    match code {
        0 => clamp(reader, output),
        1 => Ok(reader.builder.relu()?),
        // The largest integer is not above 6, so nothing is clipped that an integer could express.
        3 if output
            .step()
            .is_some_and(|(scale, zero)| ((6.0 / scale).round() as i64).saturating_add(zero) >= largest(output)) =>
        {
            Ok(reader.builder.relu()?)
        }
        3 => Err(OperatorError::Unsupported(instead_of("RELU6"))),
        _ => Err(OperatorError::Unsupported(instead_of("TANH"))),
    }
}

/// Clamps values at zero if that is the smallest integer.
fn clamp(reader: &mut Reader<'_>, output: &Tensor<'_>) -> Result<(), OperatorError> {
    let is_clamped = output.step().is_some_and(|(_, zero)| Some(zero) == smallest(output));
    if is_clamped { Ok(reader.builder.clamp()?) } else { Ok(()) }
}

/// Returns the smallest integer of activations.
fn smallest(tensor: &Tensor<'_>) -> Option<i64> {
    match tensor.kind {
        INT8 => Some(i8::MIN.into()),
        UINT8 => Some(0),
        _ => None,
    }
}

fn largest(tensor: &Tensor<'_>) -> i64 {
    if tensor.kind == INT8 { i8::MAX.into() } else { u8::MAX.into() }
}

/// Returns the numbers of `weights` and biases, and records the layer's integers.
fn matrix(
    reader: &mut Reader<'_>,
    operator: &Operator<'_>,
    place: &str,
    [input, output]: [&Tensor<'_>; 2],
    weights: &Tensor<'_>,
    outputs: usize,
) -> Result<(Vec<f32>, Option<Vec<f32>>), OperatorError> {
    let biases = reader.constant(operator, 2)?;
    reader.is_quantized |= weights.kind == INT8 || weights.kind == UINT8;
    if reader.is_raw {
        return Ok((weights.integers()?.into_iter().map(|value| value as f32).collect(), None));
    }
    match Record::of(input, weights, biases.as_ref(), output, outputs) {
        Ok(record) => reader.records.push(record),
        Err(reason) => reader.refuse(place, reason),
    }
    Ok((weights.floats()?, biases.map(|biases| biases.floats()).transpose()?))
}

fn dense(
    reader: &mut Reader<'_>,
    operator: &Operator<'_>,
    place: &str,
    input: &Tensor<'_>,
    output: &Tensor<'_>,
) -> Result<(), OperatorError> {
    let weights = reader.constant(operator, 1)?.ok_or(OperatorError::NotConstant)?;
    let option = |name, found, expected| OperatorError::Option { name, found, expected };
    if operator.byte(1) != 0 {
        return Err(option("format of weights", operator.byte(1).to_string(), "0, not shuffled"));
    }
    let &[outputs, inputs] = &weights.sizes[..] else {
        return Err(option("sizes of weights", format!("{:?}", weights.sizes), "two"));
    };
    // All values of an image are inputs, unless the dimensions are kept.
    if operator.byte(2) == 0 {
        let count = reader.builder.sizes().iter().product();
        reader.builder.reshape(&[count])?;
    }
    let (values, biases) = matrix(reader, operator, place, [input, output], &weights, outputs)?;
    let weights = Weights { values, strides: [inputs, 0, 0, 1] };
    reader.builder.dense(place, outputs, &weights, biases.as_deref())?;
    activate(reader, operator.byte(0), output)
}

fn convolution(
    reader: &mut Reader<'_>,
    operator: &Operator<'_>,
    place: &str,
    input: &Tensor<'_>,
    output: &Tensor<'_>,
) -> Result<(), OperatorError> {
    let weights = reader.constant(operator, 1)?.ok_or(OperatorError::NotConstant)?;
    let &[first, rows, columns, last] = &weights.sizes[..] else {
        let found = format!("{:?}", weights.sizes);
        return Err(OperatorError::Option { name: "sizes of weights", found, expected: "four" });
    };
    let channels = input.sizes.last().copied().unwrap_or_default();
    let is_depthwise = operator.name == "DEPTHWISE_CONV_2D";
    let (outputs, groups) = if is_depthwise { (last, channels) } else { (first, channels / last.max(1)) };
    let strides =
        if is_depthwise { [1, columns * last, last, 0] } else { [rows * columns * last, columns * last, last, 1] };
    let (values, biases) = matrix(reader, operator, place, [input, output], &weights, outputs)?;
    // The options of a depthwise convolution have one field more.
    let (activation, dilation) = if is_depthwise { (4, 5) } else { (3, 4) };
    let convolution = Convolution {
        kernel: [rows, columns],
        stride: [operator.size(2, 0), operator.size(1, 0)],
        dilation: [operator.size(dilation + 1, 1), operator.size(dilation, 1)],
        padding: padding(operator),
        groups,
        outputs,
        weights: Weights { values, strides },
        biases,
    };
    reader.builder.convolution(place, &convolution)?;
    activate(reader, operator.byte(activation), output)
}

/// Takes the mean of all rows and columns.
fn mean(
    reader: &mut Reader<'_>,
    operator: &Operator<'_>,
    place: &str,
    output: &Tensor<'_>,
) -> Result<(), OperatorError> {
    reader.refuse(place, "gives values a scale of their own");
    let axes = reader.constant(operator, 1)?.ok_or(OperatorError::NotConstant)?.integers()?;
    let mut sorted: Vec<i64> = axes.iter().map(|axis| if *axis < 0 { axis.saturating_add(4) } else { *axis }).collect();
    sorted.sort_unstable();
    if sorted != [1, 2] || reader.builder.sizes().len() != 3 {
        let found = format!("{axes:?}");
        return Err(OperatorError::Option { name: "axes", found, expected: "rows and columns of images" });
    }
    let padding = Padding::Sides([0; 4]);
    reader.builder.pool(&Pool { is_maximum: false, window: None, stride: [1, 1], padding, counts_padding: false })?;
    Ok(reader.builder.reshape(output.sizes.get(1..).unwrap_or_default())?)
}

/// Adds, subtracts, multiplies or divides by a constant.
fn arithmetic(reader: &mut Reader<'_>, operator: &Operator<'_>, is_first: bool) -> Result<(), OperatorError> {
    let constant = reader.constant(operator, usize::from(is_first))?.ok_or(OperatorError::NotConstant)?;
    let values: Vec<f64> = constant.floats()?.into_iter().map(f64::from).collect();
    let numbers = |number: f64| vec![number; values.len()];
    let each = |function: fn(f64) -> f64| values.iter().copied().map(function).collect();
    let (factor, summand): (Vec<f64>, Vec<f64>) = match operator.name.as_str() {
        "ADD" => (numbers(1.0), values.clone()),
        "SUB" => (numbers(1.0), each(|value| -value)),
        "MUL" => (values.clone(), numbers(0.0)),
        _ => (each(|value| 1.0 / value), numbers(0.0)),
    };
    Ok(reader.builder.affine((&constant.sizes, &factor), (&constant.sizes, &summand))?)
}
