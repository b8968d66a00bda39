//! The messages of an ONNX file that a network needs. Field numbers are those of `onnx.proto`.

use std::collections::HashMap;

use super::error::OnnxError;
use super::wire::{Content, Fields, WireError};

/// Most operators, constants, inputs and outputs of a graph.
const MAX_ENTRIES: usize = 100_000;

/// A graph, whose operators and constants are not parsed yet.
#[derive(Debug, Default)]
pub struct Graph<'a> {
    pub nodes: Vec<&'a [u8]>,
    /// Tensors by their names.
    pub constants: HashMap<&'a str, &'a [u8]>,
    /// Names and types of inputs that are not constants.
    pub inputs: Vec<(&'a str, &'a [u8])>,
    pub outputs: Vec<&'a str>,
    /// The version of ONNX's own operators.
    pub opset: i64,
}

impl<'a> Graph<'a> {
    /// Parses a file.
    pub fn parse(file: &'a [u8]) -> Result<Self, OnnxError> {
        let (mut found, mut graph) = (None, Self::default());
        for field in Fields::new(file) {
            match field? {
                (7, content) => found = Some(content.bytes()),
                (8, content) => {
                    let (mut domain, mut version) = ("", 0);
                    for field in Fields::new(content.bytes()) {
                        match field? {
                            (1, content) => domain = content.text(),
                            (2, content) => version = content.integer(),
                            _ => {}
                        }
                    }
                    if matches!(domain, "" | "ai.onnx") {
                        graph.opset = version;
                    }
                }
                _ => {}
            }
        }
        let mut inputs = Vec::new();
        for (index, field) in Fields::new(found.ok_or(OnnxError::NoGraph)?).enumerate() {
            if index >= MAX_ENTRIES {
                return Err(OnnxError::Entries(MAX_ENTRIES));
            }
            match field? {
                (1, content) => graph.nodes.push(content.bytes()),
                (5, content) => {
                    graph.constants.insert(text_of(content.bytes(), 8)?, content.bytes());
                }
                (11, content) => inputs.push((text_of(content.bytes(), 1)?, content.bytes())),
                (12, content) => graph.outputs.push(text_of(content.bytes(), 1)?),
                _ => {}
            }
        }
        inputs.retain(|(name, _)| !graph.constants.contains_key(name));
        graph.inputs = inputs;
        Ok(graph)
    }
}

/// Returns the text of field `number`.
fn text_of(message: &[u8], number: u64) -> Result<&str, WireError> {
    Ok(last(message, number)?.map_or("", Content::text))
}

/// Returns the last field `number`.
fn last(message: &[u8], number: u64) -> Result<Option<Content<'_>>, WireError> {
    let mut found = None;
    for field in Fields::new(message) {
        let (own, content) = field?;
        if own == number {
            found = Some(content);
        }
    }
    Ok(found)
}

/// Returns the sizes of the tensor that the input `info` is, the batch first; `None` if a size is
/// not fixed.
pub fn sizes(info: &[u8]) -> Result<Vec<Option<usize>>, WireError> {
    let mut message = info;
    // ValueInfo.type, TypeProto.tensor_type, Tensor.shape
    for number in [2, 1, 2] {
        message = last(message, number)?.map_or(&[][..], Content::bytes);
    }
    let mut sizes = Vec::new();
    for field in Fields::new(message) {
        let (1, dimension) = field? else { continue };
        let value = last(dimension.bytes(), 1)?.map(Content::integer);
        sizes.push(value.and_then(|value| usize::try_from(value).ok()).filter(|value| *value > 0));
        if sizes.len() > MAX_DIMENSIONS {
            return Err(WireError);
        }
    }
    Ok(sizes)
}

/// Most dimensions of a tensor.
pub const MAX_DIMENSIONS: usize = 8;

/// An operator.
#[derive(Debug, Default)]
pub struct Node<'a> {
    pub name: &'a str,
    pub operator: &'a str,
    pub domain: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    attributes: Vec<&'a [u8]>,
}

impl<'a> Node<'a> {
    pub fn parse(message: &'a [u8]) -> Result<Self, WireError> {
        let mut node = Self::default();
        for field in Fields::new(message) {
            match field? {
                (1, content) => node.inputs.push(content.text()),
                (2, content) => node.outputs.push(content.text()),
                (3, content) => node.name = content.text(),
                (4, content) => node.operator = content.text(),
                (5, content) => node.attributes.push(content.bytes()),
                (7, content) => node.domain = content.text(),
                _ => {}
            }
        }
        Ok(node)
    }

    /// Returns field `number` of the attribute `name`.
    fn attribute(&self, name: &str, number: u64) -> Result<Option<Content<'a>>, WireError> {
        for attribute in &self.attributes {
            if text_of(attribute, 1)? == name {
                return last(attribute, number);
            }
        }
        Ok(None)
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>, WireError> {
        Ok(self.attribute(name, 3)?.map(Content::integer))
    }

    pub fn float(&self, name: &str, default: f32) -> Result<f32, WireError> {
        Ok(match self.attribute(name, 2)? {
            Some(Content::Bits32(bits)) => f32::from_bits(bits),
            _ => default,
        })
    }

    pub fn text(&self, name: &str) -> Result<&'a str, WireError> {
        Ok(self.attribute(name, 4)?.map_or("", Content::text))
    }

    pub fn tensor(&self, name: &str) -> Result<Option<&'a [u8]>, WireError> {
        Ok(self.attribute(name, 5)?.map(Content::bytes))
    }

    /// Returns the integers of the attribute `name`, if it exists.
    pub fn integers(&self, name: &str) -> Result<Option<Vec<i64>>, WireError> {
        for attribute in &self.attributes {
            if text_of(attribute, 1)? == name {
                let mut integers = Vec::new();
                for field in Fields::new(attribute) {
                    if let (8, content) = field? {
                        content.add_integers(&mut integers)?;
                    }
                }
                return Ok(Some(integers));
            }
        }
        Ok(None)
    }
}
