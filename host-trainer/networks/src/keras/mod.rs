//! Reads networks that Keras saved: their layers from the configuration, their weights from HDF5.
//!
//! ```text
//!  .keras: zip -> config.json, model.weights.h5 -+-> layers -> graph::Builder
//!  .h5: attribute model_config, groups ----------+
//! ```

mod arrays;
mod error;
mod layers;
#[cfg(test)]
mod tests;

use std::io::{Cursor, Read as _};
use std::sync::Arc;

use prenda::Shape;
use readers::archive::{self, Limited};
use serde_json::Value;
use zip::ZipArchive;

use self::arrays::Arrays;
pub use self::error::KerasError;
use self::error::LayerError;
use crate::Array;
use crate::graph::{Builder, GraphNetwork};
use crate::limits::MAX_GRAPH_FILE_BYTES;

/// Largest configuration of a network.
const MAX_CONFIGURATION_BYTES: u64 = 8 << 20;

/// Most layers in a configuration: most of them have no weights.
const MAX_LAYERS: usize = 1000;

/// A file of Keras.
#[derive(Debug)]
pub struct KerasFile {
    configuration: Value,
    arrays: Arrays,
}

impl KerasFile {
    /// Reads a `.keras` file.
    pub fn of_archive(file: &[u8]) -> Result<Self, KerasError> {
        let mut archive = archive::open(Cursor::new(file))?;
        let configuration = member(&mut archive, "config.json", MAX_CONFIGURATION_BYTES)?;
        let weights = member(&mut archive, "model.weights.h5", MAX_GRAPH_FILE_BYTES)?;
        let configuration = serde_json::from_slice(&configuration)?;
        Ok(Self { configuration, arrays: Arrays::read(weights.into())? })
    }

    /// Reads an HDF5 file: a whole network, or weights alone, which have no configuration.
    pub fn of_hdf5(file: Vec<u8>) -> Result<Self, KerasError> {
        let arrays = Arrays::read(Arc::from(file))?;
        let configuration = match &arrays.configuration {
            Some(text) => serde_json::from_str(text)?,
            None => Value::Null,
        };
        Ok(Self { configuration, arrays })
    }

    /// Returns true if the file has the network's layers.
    pub fn has_network(&self) -> bool {
        self.configuration.is_object()
    }

    /// Returns all arrays with their paths, of a file without a network.
    pub fn into_arrays(self) -> impl Iterator<Item = (String, Array)> {
        self.arrays.arrays.into_iter()
    }

    /// Returns the network for images of the shape `image` and for `classes`.
    ///
    /// # Errors
    ///
    /// Returns an error if a model cannot compute the same.
    pub fn network(&self, image: Shape, classes: usize) -> Result<GraphNetwork, KerasError> {
        let class = self.configuration["class_name"].as_str().unwrap_or_default();
        let layers = self.configuration["config"]["layers"].as_array();
        let layers = layers.filter(|_| matches!(class, "Sequential" | "Functional" | "Model"));
        let layers = layers.filter(|layers| layers.len() <= MAX_LAYERS);
        let no_network = || KerasError::NoNetwork(format!("{:?}", class.escape_debug().to_string()));
        let layers = layers.ok_or_else(no_network)?;
        let (mut builder, mut before) = (None, None);
        let is_sequence = class == "Sequential";
        for layer in layers {
            let own = &layer["config"];
            let name = own["name"].as_str().unwrap_or_default();
            let class = layer["class_name"].as_str().unwrap_or_default();
            let mut take = || -> Result<(), LayerError> {
                let mut sources = Vec::new();
                if !is_sequence {
                    find_sources(&layer["inbound_nodes"], &mut sources);
                }
                if let Some(other) = sources.iter().find(|source| Some(**source) != before) {
                    return Err(LayerError::Branch((*other).to_owned()));
                }
                if sources.len() > 1 {
                    return Err(LayerError::Branch("several values".to_owned()));
                }
                let builder = match &mut builder {
                    Some(builder) => builder,
                    empty => empty.insert(start(layer, image)?),
                };
                layers::apply(builder, &self.arrays, layer)
            };
            let error = |reason| KerasError::Layer { name: name.to_owned(), class: class.to_owned(), reason };
            take().map_err(error)?;
            before = Some(name);
        }
        Ok(builder.ok_or_else(no_network)?.finish(classes)?)
    }
}

/// Reads `file`, an archive or HDF5, for fuzzing: any bytes give a network or an error.
///
/// # Panics
///
/// Panics if parts of the network are missing.
pub fn check(file: &[u8]) {
    let is_archive = file.starts_with(b"PK");
    let found = if is_archive { KerasFile::of_archive(file) } else { KerasFile::of_hdf5(file.to_vec()) };
    let (image, classes) = crate::FUZZED;
    if let Ok(network) = found.and_then(|found| found.network(image, classes)) {
        crate::check(&network);
    }
}

/// Reads a member of an archive, of at most `most` bytes.
fn member(
    archive: &mut ZipArchive<Limited<Cursor<&[u8]>>>,
    name: &'static str,
    most: u64,
) -> Result<Vec<u8>, KerasError> {
    let mut bytes = Vec::new();
    let file = archive.by_name(name).map_err(|error| KerasError::NoMember { name, error })?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| KerasError::Member { name, error })?;
    if bytes.len() as u64 > most { Err(KerasError::LargeMember { name, most }) } else { Ok(bytes) }
}

/// Starts with the input that the first layer names.
fn start(layer: &Value, image: Shape) -> Result<Builder, LayerError> {
    let own = &layer["config"];
    let build = &layer["build_config"]["input_shape"];
    let shapes = [&own["batch_shape"], &own["batch_input_shape"], build];
    let shape = shapes.into_iter().find_map(Value::as_array).ok_or(LayerError::NoInput)?;
    let sizes: Option<Vec<usize>> =
        shape.iter().skip(1).map(|size| size.as_u64().and_then(|size| usize::try_from(size).ok())).collect();
    let sizes = sizes.filter(|sizes| sizes.len() <= 3).ok_or(LayerError::NoInput)?;
    Ok(Builder::new(image, &sizes, false)?)
}

/// Finds the layers that a node reads: `keras_history` of Keras 3, or `[layer, node, tensor, ..]`.
fn find_sources<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(object) => match object.get("keras_history") {
            Some(history) => found.extend(history[0].as_str()),
            None => object.values().for_each(|value| find_sources(value, found)),
        },
        Value::Array(values) => match &values[..] {
            [Value::String(name), Value::Number(_), Value::Number(_), ..] => found.push(name),
            _ => values.iter().for_each(|value| find_sources(value, found)),
        },
        _ => {}
    }
}
