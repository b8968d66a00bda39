//! Reads TensorFlow Lite files, in floating point and in integers.
//!
//! ```text
//!  table -> schema -> operators -> graph::Builder
//!                         |
//!                      records: scales and biases of layers in integers
//! ```
//!
//! Tables are read here, each read checked: the accessors of the crate `flatbuffers` are unsafe.

mod error;
mod operators;
mod record;
mod schema;
mod table;

use std::collections::{HashMap, HashSet};

use prenda::Shape;

use self::error::OperatorError;
pub use self::error::TfLiteError;
pub use self::record::Record;
use self::schema::{Operator, Schema, Tensor};
use crate::graph::{Builder, GraphNetwork};

/// A network of a file.
pub struct LiteNetwork {
    /// In floating point.
    pub network: GraphNetwork,
    /// Its integers, or the reason why a model cannot have them.
    pub integers: Result<LiteIntegers, String>,
    /// True if some of its values are integers.
    pub is_quantized: bool,
}

/// The integers of a file.
pub struct LiteIntegers {
    /// The scales and biases of each layer with weights.
    pub records: Vec<Record>,
    /// The same layers, with the file's integers as weights.
    pub network: GraphNetwork,
}

/// Reads the network in `file` for images of the shape `image` and `classes`.
///
/// # Errors
///
/// Returns an error if the file is damaged, or if a model cannot compute the same.
pub fn read(file: &[u8], image: Shape, classes: usize) -> Result<LiteNetwork, TfLiteError> {
    let schema = Schema::parse(file)?;
    let Reader { builder, records, refusal, is_quantized, .. } = run(&schema, image, false)?;
    let network = builder.finish(classes)?;
    let integers = match refusal {
        None => Ok(LiteIntegers { records, network: run(&schema, image, true)?.builder.finish(classes)? }),
        Some(reason) => Err(reason),
    };
    Ok(LiteNetwork { network, integers, is_quantized })
}

/// Reads `file`, for fuzzing: any bytes give a network or an error.
///
/// # Panics
///
/// Panics if parts of the network are missing.
pub fn check(file: &[u8]) {
    let (image, classes) = crate::FUZZED;
    if let Ok(LiteNetwork { network, integers, .. }) = read(file, image, classes) {
        crate::check(&network);
        integers.iter().for_each(|integers| crate::check(&integers.network));
    }
}

/// Runs through all operators. With `is_raw`, weights are the file's integers, and biases zero.
fn run<'a>(schema: &'a Schema<'a>, image: Shape, is_raw: bool) -> Result<Reader<'a>, TfLiteError> {
    if schema.inputs.is_empty() && schema.outputs.is_empty() {
        return Err(TfLiteError::Damaged);
    }
    let (&[input], &[output]) = (&schema.inputs[..], &schema.outputs[..]) else {
        return Err(TfLiteError::Ends { inputs: schema.inputs.len(), outputs: schema.outputs.len() });
    };
    let tensor = schema.tensor(input).map_err(TfLiteError::Input)?;
    let builder = Builder::new(image, tensor.sizes.get(1..).unwrap_or_default(), false);
    let builder = builder.map_err(|reason| TfLiteError::Input(reason.into()))?;
    let mut reader = Reader {
        schema,
        builder,
        is_raw,
        current: input,
        passed: HashSet::new(),
        aliases: HashMap::new(),
        records: Vec::new(),
        refusal: None,
        is_quantized: false,
    };
    for index in 0..schema.operators.len() {
        let operator = schema.operator(index)?;
        let place = format!("operator {index}, {}", operator.name.escape_debug());
        let taken = reader.take(&operator, &place);
        taken.map_err(|reason| TfLiteError::Operator { place, reason })?;
    }
    if reader.current == output { Ok(reader) } else { Err(TfLiteError::Output) }
}

/// A network in progress.
struct Reader<'a> {
    schema: &'a Schema<'a>,
    builder: Builder,
    is_raw: bool,
    /// The newest tensor that depends on the image.
    current: i32,
    /// Older ones.
    passed: HashSet<i32>,
    /// Constants that another one stands for.
    aliases: HashMap<i32, i32>,
    /// The integers of each layer with weights so far.
    records: Vec<Record>,
    /// The reason why a model cannot have the file's integers.
    refusal: Option<String>,
    is_quantized: bool,
}

impl<'a> Reader<'a> {
    /// Takes the next operator.
    fn take(&mut self, operator: &Operator<'_>, place: &str) -> Result<(), OperatorError> {
        let output = operator.outputs.first().copied().unwrap_or(-1);
        if !operator.inputs.contains(&self.current) {
            match operator.inputs.first() {
                // Constants in half precision.
                Some(&input) if operator.name == "DEQUANTIZE" => {
                    self.aliases.insert(output, input);
                }
                _ if operator.inputs.iter().any(|input| self.passed.contains(input)) && operator.name != "SHAPE" => {
                    return Err(OperatorError::Branch);
                }
                // Computes a size, which the tensors have, too.
                _ => {}
            }
            return Ok(());
        }
        if operator.name == "SHAPE" {
            return Ok(());
        }
        if operator.inputs.iter().any(|input| self.passed.contains(input)) {
            return Err(OperatorError::Branch);
        }
        operators::apply(self, operator, place)?;
        self.passed.insert(self.current);
        self.current = output;
        Ok(())
    }

    /// Returns the tensor `index`, or the one that it stands for.
    fn tensor(&self, index: i32) -> Result<Tensor<'a>, OperatorError> {
        self.schema.tensor(self.aliases.get(&index).copied().unwrap_or(index))
    }

    /// Returns the constant input `index` of `operator`; `None` if it is missing.
    fn constant(&self, operator: &Operator<'_>, index: usize) -> Result<Option<Tensor<'a>>, OperatorError> {
        match operator.inputs.get(index) {
            None | Some(-1) => Ok(None),
            Some(&tensor) => match self.tensor(tensor)? {
                constant if constant.is_constant() => Ok(Some(constant)),
                _ => Err(OperatorError::NotConstant),
            },
        }
    }

    /// Notes the first reason why a model cannot have the file's integers.
    fn refuse(&mut self, place: &str, reason: &str) {
        self.refusal.get_or_insert_with(|| format!("{place} {reason}"));
    }
}
