//! The tables of a TensorFlow Lite file that a network needs. Field numbers are those of version 3
//! of TensorFlow's `schema.fbs`.

use half::f16;

use super::error::{OperatorError, TfLiteError};
use super::table::{Table, Vector};
use crate::limits::MAX_WEIGHT_BYTES;

/// Most operators and tensors of a network.
const MAX_ENTRIES: usize = 10_000;

/// Most dimensions of a tensor.
const MAX_DIMENSIONS: usize = 8;

/// A network, whose operators and tensors are not parsed yet.
#[derive(Debug)]
pub struct Schema<'a> {
    codes: Vector<'a>,
    tensors: Vector<'a>,
    buffers: Vector<'a>,
    pub operators: Vector<'a>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
}

impl<'a> Schema<'a> {
    /// Parses a file.
    pub fn parse(file: &'a [u8]) -> Result<Self, TfLiteError> {
        let model = Table::root(file).ok_or(TfLiteError::Damaged)?;
        let graph = model.vector(2, 4).table(0).ok_or(TfLiteError::Damaged)?;
        let schema = Self {
            codes: model.vector(1, 4),
            tensors: graph.vector(0, 4),
            buffers: model.vector(4, 4),
            operators: graph.vector(3, 4),
            inputs: graph.integers(1).take(MAX_ENTRIES).collect(),
            outputs: graph.integers(2).take(MAX_ENTRIES).collect(),
        };
        if schema.operators.len().max(schema.tensors.len()) > MAX_ENTRIES {
            return Err(TfLiteError::Entries(MAX_ENTRIES));
        }
        Ok(schema)
    }

    /// Returns the operator at `index`.
    pub fn operator(&self, index: usize) -> Result<Operator<'a>, TfLiteError> {
        let table = self.operators.table(index).ok_or(TfLiteError::Damaged)?;
        let code = self.codes.table(table.size(0, 0)).ok_or(TfLiteError::Damaged)?;
        // Numbers above 127 are in another field than those of older files.
        let number = code.integer(3, 0).max(i32::from(code.byte(0).cast_signed()));
        let custom = code.text(1);
        let name = if custom.is_empty() { name(number) } else { format!("CUSTOM {custom}") };
        Ok(Operator {
            name,
            inputs: table.integers(1).take(MAX_ENTRIES).collect(),
            outputs: table.integers(2).take(MAX_ENTRIES).collect(),
            options: table.table(4),
        })
    }

    /// Returns the tensor at `index`; -1 is a missing one.
    pub fn tensor(&self, index: i32) -> Result<Tensor<'a>, OperatorError> {
        let table = usize::try_from(index).ok().and_then(|index| self.tensors.table(index));
        let table = table.ok_or(OperatorError::NoTensor(index))?;
        let sizes: Vec<usize> =
            table.integers(0).take(MAX_DIMENSIONS + 1).map(|size| usize::try_from(size).unwrap_or_default()).collect();
        let buffer = self.buffers.table(table.size(2, 0));
        let quantization = table.table(4);
        let scales: Vec<f32> = quantization.iter().flat_map(|quantization| quantization.floats(2)).collect();
        let zeros: Vec<i64> = quantization.iter().flat_map(|quantization| quantization.long_integers(3)).collect();
        let axis = quantization.map_or(0, |quantization| quantization.size(6, 0));
        let tensor = Tensor {
            sizes,
            kind: table.byte(1),
            data: buffer.map_or(&[][..], |buffer| buffer.bytes(0)),
            scales,
            zeros,
            axis,
        };
        let count = tensor.sizes.iter().try_fold(1_usize, |count, size| count.checked_mul((*size).max(1)));
        if tensor.sizes.len() > MAX_DIMENSIONS || count.is_none_or(|count| count > MAX_WEIGHT_BYTES) {
            return Err(OperatorError::Sizes(tensor.sizes));
        }
        Ok(tensor)
    }
}

/// An operator.
#[derive(Debug)]
pub struct Operator<'a> {
    pub name: String,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    options: Option<Table<'a>>,
}

impl Operator<'_> {
    /// Returns a byte of the options.
    pub fn byte(&self, number: usize) -> u8 {
        self.options.map_or(0, |options| options.byte(number))
    }

    /// Returns a size of the options.
    pub fn size(&self, number: usize, default: i32) -> usize {
        self.options
            .map_or_else(|| usize::try_from(default).unwrap_or_default(), |options| options.size(number, default))
    }
}

/// Types of numbers.
pub const FLOAT32: u8 = 0;
const FLOAT16: u8 = 1;
pub const INT32: u8 = 2;
pub const UINT8: u8 = 3;
const INT64: u8 = 4;
const INT16: u8 = 7;
pub const INT8: u8 = 9;

/// A tensor.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    /// The batch is first, unless it is a constant.
    pub sizes: Vec<usize>,
    pub kind: u8,
    /// Numbers of a constant; empty otherwise.
    data: &'a [u8],
    /// Values of a step: none, one, or one for each index of `axis`.
    pub scales: Vec<f32>,
    pub zeros: Vec<i64>,
    pub axis: usize,
}

impl Tensor<'_> {
    pub fn is_constant(&self) -> bool {
        !self.data.is_empty()
    }

    /// Returns the value of a step and the integer of zero, if there is one pair for all values.
    pub fn step(&self) -> Option<(f32, i64)> {
        match (&self.scales[..], self.zeros.first()) {
            (&[scale], zero) if scale > 0.0 => Some((scale, zero.copied().unwrap_or_default())),
            _ => None,
        }
    }

    /// Returns the integers of a constant.
    pub fn integers(&self) -> Result<Vec<i64>, OperatorError> {
        fn each<const BYTES: usize>(data: &[u8], number: impl Fn([u8; BYTES]) -> i64) -> Vec<i64> {
            data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
        }
        let data = self.data;
        let integers = match self.kind {
            INT8 => each(data, |bytes| i8::from_le_bytes(bytes).into()),
            UINT8 => each(data, |[byte]| byte.into()),
            INT16 => each(data, |bytes| i16::from_le_bytes(bytes).into()),
            INT32 => each(data, |bytes| i32::from_le_bytes(bytes).into()),
            INT64 => each(data, i64::from_le_bytes),
            other => return Err(OperatorError::Kind(other)),
        };
        self.check(integers)
    }

    /// Returns the numbers of a constant, those that its integers stand for.
    pub fn floats(&self) -> Result<Vec<f32>, OperatorError> {
        let data = self.data;
        match self.kind {
            FLOAT32 => return self.check(data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            FLOAT16 => {
                return self.check(data.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect());
            }
            _ => {}
        }
        let integers = self.integers()?;
        let count = self.scales.len();
        let inner: usize = self.sizes.iter().skip(self.axis + 1).product();
        if count == 0 || inner == 0 || (count > 1 && self.sizes.get(self.axis) != Some(&count)) {
            return Err(OperatorError::Scales { found: count });
        }
        let number = |(index, value): (usize, i64)| {
            let index = if count == 1 { 0 } else { index / inner % count };
            let zero = self.zeros.get(index).copied().unwrap_or_default();
            let scale = self.scales.get(index).copied().unwrap_or_default();
            (value.saturating_sub(zero) as f64 * f64::from(scale)) as f32
        };
        Ok(integers.into_iter().enumerate().map(number).collect())
    }

    /// Checks that a constant has a number for each place.
    fn check<T>(&self, numbers: Vec<T>) -> Result<Vec<T>, OperatorError> {
        let expected = self.sizes.iter().product();
        let found = numbers.len();
        if found == expected { Ok(numbers) } else { Err(OperatorError::Length { found, expected }) }
    }
}

/// Returns the name of an operator's number.
fn name(number: i32) -> String {
    let name = match number {
        0 => "ADD",
        1 => "AVERAGE_POOL_2D",
        2 => "CONCATENATION",
        3 => "CONV_2D",
        4 => "DEPTHWISE_CONV_2D",
        6 => "DEQUANTIZE",
        9 => "FULLY_CONNECTED",
        14 => "LOGISTIC",
        16 => "LSTM",
        17 => "MAX_POOL_2D",
        18 => "MUL",
        19 => "RELU",
        20 => "RELU_N1_TO_1",
        21 => "RELU6",
        22 => "RESHAPE",
        23 => "RESIZE_BILINEAR",
        25 => "SOFTMAX",
        28 => "TANH",
        34 => "PAD",
        36 => "GATHER",
        39 => "TRANSPOSE",
        40 => "MEAN",
        41 => "SUB",
        42 => "DIV",
        43 => "SQUEEZE",
        44 => "UNIDIRECTIONAL_SEQUENCE_LSTM",
        45 => "STRIDED_SLICE",
        47 => "EXP",
        49 => "SPLIT",
        50 => "LOG_SOFTMAX",
        53 => "CAST",
        54 => "PRELU",
        55 => "MAXIMUM",
        56 => "ARG_MAX",
        57 => "MINIMUM",
        60 => "PADV2",
        67 => "TRANSPOSE_CONV",
        70 => "EXPAND_DIMS",
        77 => "SHAPE",
        82 => "REDUCE_MAX",
        83 => "PACK",
        97 => "RESIZE_NEAREST_NEIGHBOR",
        98 => "LEAKY_RELU",
        111 => "ELU",
        114 => "QUANTIZE",
        117 => "HARD_SWISH",
        118 => "IF",
        119 => "WHILE",
        126 => "BATCH_MATMUL",
        132 => "CONV_3D",
        150 => "GELU",
        other => return format!("builtin {other}"),
    };
    name.to_owned()
}
