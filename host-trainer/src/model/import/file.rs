//! Reads a file of any format that is imported, which its content tells.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use networks::keras::{KerasError, KerasFile};
use networks::onnx::{self, OnnxError};
use networks::tflite::{self, LiteNetwork, TfLiteError};
use networks::{Array, GraphNetwork, pytorch};
use prenda::Shape;
use thiserror::Error;

use super::error::TensorFileError;
use super::format::Format;
use super::tensors::{Tensor, TensorFile};
use super::tflite::Integers;
use crate::limits::MAX_GRAPH_FILE_BYTES;
use crate::network::PixelForm;
use crate::support::bounded;
use crate::support::tensor_header::check_header;

/// A file that has been read, but not parsed.
#[derive(Debug)]
pub enum NetworkFile {
    /// Named tensors: names and shapes show the layers.
    Tensors(TensorFile),
    /// Operators and their weights.
    Graph(GraphFile),
}

/// A file that names its operators.
#[derive(Debug)]
pub enum GraphFile {
    Onnx {
        bytes: Vec<u8>,
        /// Other files of the network are in this folder.
        folder: PathBuf,
    },
    TfLite(Vec<u8>),
    Keras(KerasFile),
}

/// The network of a file with operators.
pub struct GraphContent {
    pub network: GraphNetwork,
    /// Sentences about it.
    pub notes: Vec<String>,
    /// The file's own integers, if a model computes like it.
    pub integers: Option<Integers>,
}

/// Why a file with operators cannot be imported.
#[derive(Debug, Error)]
pub enum GraphFileError {
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    #[error(transparent)]
    TfLite(#[from] TfLiteError),
    #[error(transparent)]
    Keras(#[from] KerasError),
}

impl NetworkFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, TensorFileError> {
        // Checks the header's length first, to refuse other large files without reading them.
        let mut start = Vec::new();
        bounded::open(path)?.take(9).read_to_end(&mut start)?;
        let checked = check_header(&start);
        if checked.is_err() || start.get(8) != Some(&b'{') {
            let bytes = || {
                bounded::read(path, MAX_GRAPH_FILE_BYTES).map_err(|error| match error.kind() {
                    io::ErrorKind::FileTooLarge => TensorFileError::LargeGraph,
                    _ => TensorFileError::Read(error),
                })
            };
            let graph = match Format::recognize(&mut bounded::open(path)?)? {
                Some(Format::Onnx) => {
                    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                    GraphFile::Onnx { bytes: bytes()?, folder: folder.unwrap_or(Path::new(".")).to_owned() }
                }
                Some(Format::TfLite) => GraphFile::TfLite(bytes()?),
                Some(Format::Keras) => GraphFile::Keras(KerasFile::of_archive(&bytes()?)?),
                Some(Format::Hdf5) => {
                    let file = KerasFile::of_hdf5(bytes()?)?;
                    if !file.has_network() {
                        return Ok(Self::of_arrays(file.into_arrays()));
                    }
                    GraphFile::Keras(file)
                }
                Some(Format::PyTorch) => return Ok(Self::of_arrays(pytorch::read(path)?)),
                Some(format) => {
                    return Err(TensorFileError::Format { format: format.name(), advice: format.advice(path) });
                }
                None => return checked.map_err(Into::into).and_then(|()| TensorFile::read(path)).map(Self::Tensors),
            };
            return Ok(Self::Graph(graph));
        }
        TensorFile::read(path).map(Self::Tensors)
    }

    fn of_arrays(arrays: impl IntoIterator<Item = (String, Array)>) -> Self {
        let arrays = arrays.into_iter();
        Self::Tensors(TensorFile::Decoded(arrays.map(|(name, array)| Tensor::stored(name, array)).collect()))
    }
}

impl GraphFile {
    /// Returns the format's name, with an article.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Onnx { .. } => Format::Onnx.name(),
            Self::TfLite(_) => Format::TfLite.name(),
            Self::Keras(_) => Format::Keras.name(),
        }
    }

    /// Returns the network for images of the shape `image`, whose pixels are in `form`, and for
    /// `classes`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is damaged, or if a model cannot compute the same.
    pub fn content(&self, image: Shape, classes: usize, form: PixelForm) -> Result<GraphContent, GraphFileError> {
        Ok(match self {
            Self::Onnx { bytes, folder } => {
                let (network, notes) = onnx::read(bytes, Some(folder), image, classes)?;
                GraphContent { network, notes, integers: None }
            }
            Self::TfLite(bytes) => {
                let LiteNetwork { network, integers, is_quantized } = tflite::read(bytes, image, classes)?;
                let integers = integers.and_then(|integers| Integers::of(&integers, form));
                let note = match &integers {
                    Ok(_) => Some("the integers of the file are kept".to_owned()),
                    Err(reason) if is_quantized => Some(format!(
                        "integers of the file are read as the numbers that they stand for, and quantized again: \
                         {reason}"
                    )),
                    Err(_) => None,
                };
                GraphContent { network, notes: note.into_iter().collect(), integers: integers.ok() }
            }
            Self::Keras(file) => {
                GraphContent { network: file.network(image, classes)?, notes: Vec::new(), integers: None }
            }
        })
    }
}
