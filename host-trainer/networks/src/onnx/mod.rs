//! Reads ONNX files: operators from the image to the logits, with all constants folded.
//!
//! ```text
//!  wire -> message -> constant, fold: what does not depend on the image
//!                  -> operators: what does, as calls of graph::Builder
//! ```
//!
//! The file is parsed here: parsers that build all of it recurse as deep as a file asks for, and
//! overflow the stack.

mod constant;
mod error;
mod fold;
mod message;
mod operators;
mod wire;

use std::collections::HashMap;
use std::path::Path;

use prenda::Shape;

use self::constant::Constant;
pub use self::error::OnnxError;
use self::error::{ConstantError, NodeError};
use self::message::{Graph, Node};
use crate::graph::{Builder, GraphNetwork, instead_of};
use crate::limits::MAX_WEIGHT_BYTES;

/// The first opset whose operators are read.
const MIN_OPSET: i64 = 11;

/// Reads the network in `file` for images of the shape `image` and `classes`. Weights may be in
/// other files of `folder`. Also returns sentences about the network.
///
/// # Errors
///
/// Returns an error if the file is damaged, or if a model cannot compute the same.
pub fn read(
    file: &[u8],
    folder: Option<&Path>,
    image: Shape,
    classes: usize,
) -> Result<(GraphNetwork, Vec<String>), OnnxError> {
    let graph = Graph::parse(file)?;
    if graph.opset < MIN_OPSET {
        return Err(OnnxError::Opset(graph.opset));
    }
    let &[(input, info)] = &graph.inputs[..] else {
        let names = names(graph.inputs.iter().map(|(name, _)| *name));
        return Err(OnnxError::Inputs { found: graph.inputs.len(), names });
    };
    let sizes = message::sizes(info)?;
    let fixed = sizes.split_first().and_then(|(_, sizes)| sizes.iter().copied().collect::<Option<Vec<usize>>>());
    let fixed = fixed.ok_or_else(|| OnnxError::InputSizes { name: input.to_owned(), sizes: sizes.clone() })?;
    let builder = Builder::new(image, &fixed, true);
    let builder = builder.map_err(|reason| OnnxError::Input { name: input.to_owned(), reason })?;
    let batch = sizes.first().copied().flatten();
    let mut reader = Reader {
        stored: graph.constants,
        computed: HashMap::new(),
        budget: 2 * MAX_WEIGHT_BYTES,
        folder,
        builder,
        batch,
        current: input,
        passed: HashMap::new(),
        is_quantized: false,
    };
    for (index, message) in graph.nodes.iter().enumerate() {
        let node = Node::parse(message)?;
        reader.take(&node, index).map_err(|reason| OnnxError::Node { place: place(&node, index), reason })?;
    }
    if graph.outputs != [reader.current] {
        let names = names(graph.outputs.iter().copied());
        return Err(OnnxError::Outputs { found: graph.outputs.len(), names });
    }
    let mut notes = Vec::new();
    if reader.is_quantized {
        notes.push("integers of the file are read as the numbers that they stand for, and quantized again".to_owned());
    }
    Ok((reader.builder.finish(classes)?, notes))
}

/// Reads `file`, for fuzzing: any bytes give a network or an error.
///
/// # Panics
///
/// Panics if parts of the network are missing.
pub fn check(file: &[u8]) {
    let (image, classes) = crate::FUZZED;
    if let Ok((network, _)) = read(file, None, image, classes) {
        crate::check(&network);
    }
}

/// Most names that an error lists.
const MAX_NAMES: usize = 8;

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.take(MAX_NAMES).map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
}

/// Returns the place of `node` in the graph: its index, name and operator.
fn place(node: &Node<'_>, index: usize) -> String {
    let name = if node.name.is_empty() { String::new() } else { format!(" {}", node.name.escape_debug()) };
    format!("operator {index}{name}, {}", node.operator.escape_debug())
}

/// A graph in progress.
struct Reader<'a> {
    /// Constants of the file, not parsed.
    stored: HashMap<&'a str, &'a [u8]>,
    /// Constants that operators computed.
    computed: HashMap<&'a str, Constant>,
    /// Numbers that may still be computed.
    budget: usize,
    folder: Option<&'a Path>,
    builder: Builder,
    batch: Option<usize>,
    /// The newest value that depends on the image.
    current: &'a str,
    /// Older ones, with their sizes after the batch.
    passed: HashMap<&'a str, Vec<usize>>,
    is_quantized: bool,
}

impl<'a> Reader<'a> {
    /// Takes the next operator.
    fn take(&mut self, node: &Node<'a>, index: usize) -> Result<(), NodeError> {
        let output = node.outputs.first().copied().unwrap_or_default();
        if !matches!(node.domain, "" | "ai.onnx" | "com.microsoft") {
            return Err(NodeError::Unsupported(instead_of(node.operator)));
        }
        if node.operator == "Shape"
            && let Some(sizes) = node.inputs.first().and_then(|name| self.sizes(name))
        {
            let sizes = [vec![self.batch.unwrap_or(1)], sizes].concat();
            return self.store(output, Constant::integers(sizes.into_iter().map(|size| size as i64).collect()));
        }
        if !node.inputs.contains(&self.current) {
            if let Some(passed) = node.inputs.iter().find(|name| self.passed.contains_key(*name)) {
                return Err(NodeError::Branch((*passed).to_owned()));
            }
            if let Some(unknown) = node.inputs.iter().find(|name| !name.is_empty() && !self.is_constant(name)) {
                return Err(NodeError::Undefined((*unknown).to_owned()));
            }
            return match fold::fold(self, node)? {
                Some(constant) => self.store(output, constant),
                None => Err(NodeError::Unsupported(instead_of(node.operator))),
            };
        }
        self.passed.insert(self.current, self.builder.sizes());
        operators::apply(self, node, &place(node, index))?;
        self.current = output;
        Ok(())
    }

    /// Returns the sizes after the batch of a value that depends on the image.
    fn sizes(&self, name: &str) -> Option<Vec<usize>> {
        if name == self.current { Some(self.builder.sizes()) } else { self.passed.get(name).cloned() }
    }

    fn is_constant(&self, name: &str) -> bool {
        self.computed.contains_key(name) || self.stored.contains_key(name)
    }

    fn store(&mut self, name: &'a str, constant: Constant) -> Result<(), NodeError> {
        let error = NodeError::Constants(2 * MAX_WEIGHT_BYTES);
        self.budget = self.budget.checked_sub(constant.len()).ok_or(error)?;
        self.computed.insert(name, constant);
        Ok(())
    }

    /// Returns the constant input `index` of `node`, if it exists.
    fn optional(&self, node: &Node<'_>, index: usize) -> Result<Option<Constant>, NodeError> {
        let Some(name) = node.inputs.get(index).filter(|name| !name.is_empty()) else { return Ok(None) };
        if let Some(constant) = self.computed.get(name) {
            return Ok(Some(constant.clone()));
        }
        match self.stored.get(name) {
            Some(message) => Ok(Some(self.parse(message)?)),
            None if *name == self.current => Err(NodeError::NotConstant { index }),
            None if self.passed.contains_key(name) => Err(NodeError::Branch((*name).to_owned())),
            None => Err(NodeError::Undefined((*name).to_owned())),
        }
    }

    /// Returns the constant input `index` of `node`.
    fn constant(&self, node: &Node<'_>, index: usize) -> Result<Constant, NodeError> {
        self.optional(node, index)?.ok_or(NodeError::Missing { index })
    }

    fn parse(&self, message: &[u8]) -> Result<Constant, ConstantError> {
        Constant::parse(message, self.folder)
    }
}
