//! Reads TensorFlow Lite files, in floating point and in integers.
//!
//! ```text
//!  table -> schema -> operators -> graph::Builder
//!                         |
//!                      integers: those of the file, if a model computes like it
//!                         |
//!                      reference: the file's own arithmetic, to compare with
//! ```
//!
//! Tables are read here, each read checked: the accessors of the crate `flatbuffers` are unsafe.

mod error;
mod integers;
mod operators;
mod reference;
mod schema;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use prenda::Shape;

use self::error::OperatorError;
pub use self::error::TfLiteError;
pub use self::integers::Integers;
use self::integers::Record;
pub use self::reference::SourceComparison;
use self::schema::{Operator, Schema, Tensor};
use super::graph::{Builder, GraphNetwork};
use crate::network::PixelForm;

/// A network of a file.
pub struct LiteNetwork {
    pub network: GraphNetwork,
    /// Sentences about it.
    pub notes: Vec<String>,
    /// The file's own integers, if a model computes like it.
    pub integers: Option<Integers>,
}

/// Reads the network in `file` for images of the shape `image`, whose pixels are in `form`, and for
/// `classes`.
///
/// # Errors
///
/// Returns an error if the file is damaged, or if a model cannot compute the same.
pub fn read(file: &[u8], image: Shape, classes: usize, form: PixelForm) -> Result<LiteNetwork, TfLiteError> {
    let schema = Schema::parse(file)?;
    let Reader { builder, records, refusal, is_quantized, .. } = run(&schema, image, false)?;
    let network = builder.finish(classes)?;
    let mut notes = Vec::new();
    let integers = match refusal {
        None => {
            let integers = run(&schema, image, true)?.builder.finish(classes)?;
            integers::convert(&records, &integers, form)
        }
        Some(reason) => Err(reason),
    };
    let integers = match integers {
        Ok(integers) => {
            notes.push("the integers of the file are kept".to_owned());
            Some(integers)
        }
        Err(reason) => {
            if is_quantized {
                notes.push(format!(
                    "integers of the file are read as the numbers that they stand for, and quantized again: {reason}"
                ));
            }
            None
        }
    };
    Ok(LiteNetwork { network, notes, integers })
}

/// Runs through all operators. With `is_raw`, weights are the file's integers, and biases zero.
fn run<'a>(schema: &'a Schema<'a>, image: Shape, is_raw: bool) -> Result<Reader<'a>, TfLiteError> {
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
