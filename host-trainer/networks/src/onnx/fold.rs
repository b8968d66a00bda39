//! Operators of constants alone.

use super::Reader;
use super::constant::{Constant, Numbers};
use super::error::NodeError;
use super::message::Node;

/// Computes `node` from constants. Returns `None` if the operator is not supported.
pub fn fold(reader: &Reader<'_>, node: &Node<'_>) -> Result<Option<Constant>, NodeError> {
    let input = |index| reader.constant(node, index);
    Ok(Some(match node.operator {
        "Constant" => return constant(reader, node),
        "Identity" | "Cast" => cast(input(0)?, node.integer("to")?),
        "Shape" => Constant::integers(input(0)?.sizes.iter().map(|size| *size as i64).collect()),
        "Squeeze" | "Unsqueeze" | "Reshape" | "Flatten" => {
            // Only vectors and scalars of shapes, and weights that are transposed: the order of
            // numbers stays the same.
            let mut constant = input(0)?;
            constant.sizes = match node.operator {
                "Reshape" => reshaped(&constant, &input(1)?),
                "Flatten" => {
                    let first = constant.sizes.first().copied().unwrap_or(1);
                    vec![first, constant.sizes.iter().skip(1).product()]
                }
                "Squeeze" => constant.sizes.iter().copied().filter(|size| *size != 1).collect(),
                _ => [&[1], &constant.sizes[..]].concat(),
            };
            if constant.sizes.iter().product::<usize>() != constant.len() {
                return Ok(None);
            }
            constant
        }
        "Slice" => {
            let step = reader.optional(node, 4)?;
            return Ok(sliced(&input(0)?, &input(1)?, &input(2)?, step.as_ref()));
        }
        "Gather" => return Ok(gather(&input(0)?, &input(1)?)),
        "Concat" => {
            let mut all = Vec::new();
            for index in 0..node.inputs.len() {
                match input(index)?.as_integers() {
                    Some(values) => all.extend_from_slice(values),
                    None => return Ok(None),
                }
            }
            Constant::integers(all)
        }
        "Transpose" => return Ok(transposed(&input(0)?, node.integers("perm")?)),
        "DequantizeLinear" => {
            let (scale, zero) = (input(1)?, reader.optional(node, 2)?);
            return Ok(dequantized(&input(0)?, &scale, zero.as_ref(), node.integer("axis")?.unwrap_or(1)));
        }
        "Add" | "Sub" | "Mul" | "Div" => return Ok(combined(node.operator, &input(0)?, &input(1)?)),
        "Sqrt" => {
            Constant { numbers: Numbers::Float(input(0)?.floats().into_iter().map(f32::sqrt).collect()), ..input(0)? }
        }
        _ => return Ok(None),
    }))
}

fn constant(reader: &Reader<'_>, node: &Node<'_>) -> Result<Option<Constant>, NodeError> {
    if let Some(tensor) = node.tensor("value")? {
        return Ok(Some(reader.parse(tensor)?));
    }
    if let Some(values) = node.integers("value_ints")? {
        return Ok(Some(Constant::integers(values)));
    }
    if let Some(value) = node.integer("value_int")? {
        return Ok(Some(Constant { sizes: Vec::new(), numbers: Numbers::Integer(vec![value]) }));
    }
    let value = node.float("value_float", f32::NAN)?;
    Ok((!value.is_nan()).then(|| Constant { sizes: Vec::new(), numbers: Numbers::Float(vec![value]) }))
}

/// Converts to integers or floats.
fn cast(constant: Constant, to: Option<i64>) -> Constant {
    let Constant { sizes, numbers } = constant;
    let numbers = match (numbers, to) {
        (Numbers::Float(values), Some(2..=7 | 9 | 12 | 13)) => {
            Numbers::Integer(values.into_iter().map(|value| value as i64).collect())
        }
        (Numbers::Integer(values), Some(1 | 10 | 11 | 16)) => {
            Numbers::Float(values.into_iter().map(|value| value as f32).collect())
        }
        (same, _) => same,
    };
    Constant { sizes, numbers }
}

/// Returns the new sizes of `constant`; one of them may be -1.
fn reshaped(constant: &Constant, shape: &Constant) -> Vec<usize> {
    let shape = shape.as_integers().unwrap_or_default();
    let known: usize = shape.iter().filter(|size| **size > 0).map(|size| *size as usize).fold(1, usize::saturating_mul);
    let inferred = constant.len() / known.max(1);
    shape.iter().map(|size| usize::try_from(*size).unwrap_or(inferred)).collect()
}

/// Returns entries of a vector of integers.
fn gather(from: &Constant, indices: &Constant) -> Option<Constant> {
    let (values, indices_of) = (from.as_integers()?, indices.as_integers()?);
    let at = |index: &i64| {
        let index = if *index < 0 { index.checked_add(values.len() as i64)? } else { *index };
        values.get(usize::try_from(index).ok()?).copied()
    };
    let numbers = indices_of.iter().map(at).collect::<Option<Vec<i64>>>()?;
    (from.sizes.len() == 1).then(|| Constant { sizes: indices.sizes.clone(), numbers: Numbers::Integer(numbers) })
}

/// Returns a part of a vector of integers.
fn sliced(from: &Constant, first: &Constant, end: &Constant, step: Option<&Constant>) -> Option<Constant> {
    let values = from.as_integers()?;
    let place = |constant: &Constant| {
        let &[place] = constant.as_integers()? else { return None };
        let place = if place < 0 { place.saturating_add(values.len() as i64) } else { place };
        Some(usize::try_from(place).unwrap_or_default().min(values.len()))
    };
    let is_whole = step.is_none_or(|step| step.as_integers() == Some(&[1]));
    (is_whole && from.sizes.len() == 1).then_some(())?;
    Some(Constant::integers(values.get(place(first)?..place(end)?)?.to_vec()))
}

/// Transposes a tensor; the order of dimensions is reversed unless it is given.
fn transposed(constant: &Constant, order: Option<Vec<i64>>) -> Option<Constant> {
    let rank = constant.sizes.len();
    let order = order.unwrap_or_else(|| (0..rank as i64).rev().collect());
    let order = order.iter().map(|index| usize::try_from(*index).ok()).collect::<Option<Vec<usize>>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..rank) {
        return None;
    }
    let mut strides = vec![1; rank];
    for index in (1..rank).rev() {
        *strides.get_mut(index - 1)? = strides.get(index)? * constant.sizes.get(index)?;
    }
    let sizes = order.iter().map(|index| constant.sizes.get(*index).copied()).collect::<Option<Vec<usize>>>()?;
    let strides = order.iter().map(|index| strides.get(*index).copied()).collect::<Option<Vec<usize>>>()?;
    let place = |mut index: usize| {
        let mut place = 0;
        for (size, stride) in sizes.iter().zip(&strides).rev() {
            place += index % size * stride;
            index /= size;
        }
        place
    };
    let numbers = match &constant.numbers {
        Numbers::Float(values) => {
            Numbers::Float((0..values.len()).map(|index| values.get(place(index)).copied()).collect::<Option<_>>()?)
        }
        Numbers::Integer(values) => {
            Numbers::Integer((0..values.len()).map(|index| values.get(place(index)).copied()).collect::<Option<_>>()?)
        }
    };
    Some(Constant { sizes, numbers })
}

/// Returns `(integer - zero) * scale`, with one scale, or one for each index of `axis`.
pub fn dequantized(integers: &Constant, scale: &Constant, zero: Option<&Constant>, axis: i64) -> Option<Constant> {
    let values = integers.as_integers()?;
    let axis = if axis < 0 { axis.checked_add(integers.sizes.len() as i64)? } else { axis };
    let axis = usize::try_from(axis).ok()?;
    let scales = scale.doubles();
    let zeros = zero.map_or_else(|| vec![0; scales.len()], |zero| zero.as_integers().unwrap_or_default().to_vec());
    let (count, inner) = match scales.len() {
        1 => (1, 1),
        count if integers.sizes.get(axis) == Some(&count) => (count, integers.sizes.iter().skip(axis + 1).product()),
        _ => return None,
    };
    if zeros.len() != count || inner == 0 {
        return None;
    }
    let number = |(index, value): (usize, &i64)| {
        let index = index / inner % count;
        Some((value.saturating_sub(*zeros.get(index)?) as f64 * scales.get(index)?) as f32)
    };
    let numbers = values.iter().enumerate().map(number).collect::<Option<_>>()?;
    Some(Constant { sizes: integers.sizes.clone(), numbers: Numbers::Float(numbers) })
}

/// Combines two tensors of the same sizes, or a tensor and a number.
fn combined(operator: &str, one: &Constant, two: &Constant) -> Option<Constant> {
    let sizes = match (one.len(), two.len()) {
        (_, 1) => &one.sizes,
        (1, _) => &two.sizes,
        _ if one.sizes == two.sizes => &one.sizes,
        _ => return None,
    };
    let count = one.len().max(two.len());
    if one.len().min(two.len()) == 0 {
        return None;
    }
    let (first, second) = (one.doubles(), two.doubles());
    let pairs = first.iter().cycle().zip(second.iter().cycle()).take(count);
    let results = pairs.map(|(one, two)| match operator {
        "Add" => one + two,
        "Sub" => one - two,
        "Mul" => one * two,
        _ => one / two,
    });
    let is_integer = one.as_integers().is_some() && two.as_integers().is_some();
    let numbers = match is_integer {
        true => Numbers::Integer(results.map(|result| result as i64).collect()),
        false => Numbers::Float(results.map(|result| result as f32).collect()),
    };
    Some(Constant { sizes: sizes.clone(), numbers })
}
