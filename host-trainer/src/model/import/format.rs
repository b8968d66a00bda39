//! Recognizes files of other formats by their content, to say how to convert them.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use host_support::shell::quoted;

/// A format of networks, or of files that hold them, other than safetensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    PyTorch,
    TorchScript,
    Keras,
    Hdf5,
    Onnx,
    TfLite,
    SavedModel,
    NumPy,
    NumPyArchive,
    Pickle,
    Flax,
    Gguf,
    Model,
    Zip,
    Tar,
    Compressed,
    GitLfs,
    Html,
    Json,
}

/// Bytes read from the start and from the end. A zip archive lists its entries at its end.
const READ_BYTES: u64 = 64 << 10;

/// Number with which files of `torch.save` began before PyTorch 1.6, as it is pickled.
const OLD_PYTORCH: &[u8] = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";

/// Formats that begin with fixed bytes at an offset.
const STARTS: [(usize, &[u8], Format); 21] = [
    (0, b"\x89HDF\r\n\x1a\n", Format::Hdf5),
    (4, b"TFL3", Format::TfLite),
    (0, b"\x08\x01\x12", Format::SavedModel),
    (0, b"\x93NUMPY", Format::NumPy),
    (0, b"\x80\x02", Format::Pickle),
    (0, b"\x80\x03", Format::Pickle),
    (0, b"\x80\x04", Format::Pickle),
    (0, b"\x80\x05", Format::Pickle),
    (0, b"\x81\xa6params", Format::Flax),
    (0, b"\x82\xa6params", Format::Flax),
    (0, b"GGUF", Format::Gguf),
    (0, &prenda::MAGIC, Format::Model),
    (257, b"ustar", Format::Tar),
    (0, b"\x1f\x8b", Format::Compressed),
    (0, b"BZh", Format::Compressed),
    (0, b"\xfd7zXZ", Format::Compressed),
    (0, b"\x28\xb5\x2f\xfd", Format::Compressed),
    (0, b"7z\xbc\xaf\x27\x1c", Format::Compressed),
    (0, b"version https://git-lfs", Format::GitLfs),
    (0, b"<", Format::Html),
    (0, b"{", Format::Json),
];

impl Format {
    /// Recognizes the content of `file`. Returns `None` if it is unknown.
    pub fn recognize(file: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        file.by_ref().take(READ_BYTES).read_to_end(&mut start)?;
        if !start.starts_with(b"PK\x03\x04") {
            return Ok(Self::of_start(&start));
        }
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(READ_BYTES)))?;
        file.by_ref().take(READ_BYTES).read_to_end(&mut start)?;
        let has = |name: &[u8]| start.windows(name.len()).any(|bytes| bytes == name);
        Ok(Some(if has(b"/data.pkl") {
            if has(b"/code/") { Self::TorchScript } else { Self::PyTorch }
        } else if has(b"model.weights.h5") {
            Self::Keras
        } else if has(b".npy") {
            Self::NumPyArchive
        } else {
            Self::Zip
        }))
    }

    fn of_start(start: &[u8]) -> Option<Self> {
        let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        if has(start.get(..24).unwrap_or(start), OLD_PYTORCH) {
            return Some(Self::PyTorch);
        }
        let is =
            |(offset, bytes, _): &&(usize, &[u8], Self)| start.get(*offset..).is_some_and(|s| s.starts_with(bytes));
        if let Some((_, _, format)) = STARTS.iter().find(is) {
            return Some(*format);
        }
        // ONNX has no fixed bytes: its version, then one of its other fields.
        matches!(start, [0x08, 3..=32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..]).then_some(Self::Onnx)
    }

    /// Returns the name, with an article.
    pub fn name(self) -> &'static str {
        match self {
            Self::PyTorch => "a PyTorch file",
            Self::TorchScript => "a TorchScript file",
            Self::Keras => "a Keras file",
            Self::Hdf5 => "an HDF5 file, as Keras writes it",
            Self::Onnx => "an ONNX file",
            Self::TfLite => "a TensorFlow Lite file",
            Self::SavedModel => "a TensorFlow SavedModel",
            Self::NumPy => "a NumPy array",
            Self::NumPyArchive => "a NumPy archive",
            Self::Pickle => "a Python pickle",
            Self::Flax => "a Flax file",
            Self::Gguf => "a GGUF file",
            Self::Model => "a model that is already quantized",
            Self::Zip => "a zip archive",
            Self::Tar => "a tar archive",
            Self::Compressed => "a compressed file",
            Self::GitLfs => "a pointer of Git LFS",
            Self::Html => "a web page or XML",
            Self::Json => "a JSON file",
        }
    }

    /// Returns the command or the step that makes the file at `path` usable.
    pub fn advice(self, path: &Path) -> String {
        let python = |imports: &str, tensors: &str| {
            let script = format!("import sys; {imports}; save_file({tensors}, sys.argv[2])");
            let output = quoted(path.with_extension("safetensors"));
            format!("convert it with\n  python -c \"{script}\" {} {output}\nand import {output}", quoted(path))
        };
        match self {
            Self::TorchScript => python(
                "import torch; from safetensors.torch import save_file",
                "{n: t.clone() for n, t in torch.jit.load(sys.argv[1]).state_dict().items()}",
            ),
            Self::PyTorch | Self::Keras | Self::Hdf5 | Self::Onnx | Self::TfLite => "import it as it is".to_owned(),
            Self::SavedModel => "save the Keras network with network.save(\"network.keras\") instead".to_owned(),
            Self::NumPyArchive => {
                python("import numpy; from safetensors.numpy import save_file", "dict(numpy.load(sys.argv[1]))")
            }
            Self::NumPy => "save all arrays of the network in one file with safetensors.numpy.save_file".to_owned(),
            Self::Pickle => "open it with the program that wrote it, and save the arrays with \
                             safetensors.numpy.save_file"
                .to_owned(),
            Self::Flax => "save its parameters with safetensors.flax.save_file".to_owned(),
            Self::Gguf => "it holds a language model, which is not a sequence of dense layers with ReLU".to_owned(),
            Self::Model => format!("run it with host-trainer evaluate {}", quoted(path)),
            Self::Zip | Self::Tar | Self::Compressed => {
                "unpack it and import the network in it; docs/import.md explains how to save one".to_owned()
            }
            Self::GitLfs => "fetch the file itself with git lfs pull".to_owned(),
            Self::Html => "download the file itself, not the page that shows it".to_owned(),
            Self::Json => "name the file with the weights; docs/import.md explains how to save one".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn formats_are_recognized_by_content() {
        let zip = |name: &str| [b"PK\x03\x04", name.as_bytes(), b"PK\x01\x02", name.as_bytes()].concat();
        let tar = [&[b'a'; 257][..], b"ustar\x0000"].concat();
        for (content, format) in [
            (zip("archive/data.pkl"), Some(Format::PyTorch)),
            (zip("net/data.pkl net/code/__torch__.py"), Some(Format::TorchScript)),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02".to_vec(), Some(Format::PyTorch)),
            (zip("metadata.json config.json model.weights.h5"), Some(Format::Keras)),
            (zip("arr_0.npy"), Some(Format::NumPyArchive)),
            (zip("weights.txt"), Some(Format::Zip)),
            (b"\x89HDF\r\n\x1a\n\0\0".to_vec(), Some(Format::Hdf5)),
            (b"\x08\x08\x12\x07pytorch\x1a".to_vec(), Some(Format::Onnx)),
            (b"\x08\x04:\xae".to_vec(), Some(Format::Onnx)),
            (b"\x08\x01\x12\x90\x05".to_vec(), Some(Format::SavedModel)),
            (b"\x1c\0\0\0TFL3\x14\0".to_vec(), Some(Format::TfLite)),
            (b"\x93NUMPY\x01\0".to_vec(), Some(Format::NumPy)),
            (b"\x80\x04\x95\x10".to_vec(), Some(Format::Pickle)),
            (b"\x81\xa6params\x82".to_vec(), Some(Format::Flax)),
            (b"PRENDA\x1a\n\x01".to_vec(), Some(Format::Model)),
            (tar, Some(Format::Tar)),
            (b"\x1f\x8b\x08".to_vec(), Some(Format::Compressed)),
            (b"version https://git-lfs.github.com/spec/v1\n".to_vec(), Some(Format::GitLfs)),
            (b"<!DOCTYPE html>".to_vec(), Some(Format::Html)),
            (b"{\"weight_map\": {}}".to_vec(), Some(Format::Json)),
            (vec![0xff; 100], None),
            (Vec::new(), None),
        ] {
            assert_eq!(Format::recognize(&mut Cursor::new(&content)).unwrap(), format, "{content:?}");
        }
    }

    #[test]
    fn the_command_names_the_file() {
        let advice = Format::TorchScript.advice(Path::new("my net.pt"));
        assert!(advice.ends_with("'my net.pt' 'my net.safetensors'\nand import 'my net.safetensors'"), "{advice}");
        assert!(advice.contains("python -c \"import sys; import torch"), "{advice}");
    }
}
