//! Why a file or an image cannot be used.

use prenda::{AnswersError, BlobError, DeviceFault, InferError, ModelId, Shape};
use thiserror::Error;

use crate::session::MAX_PIXELS;

/// Why a file or an image cannot be used. The page shows the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages describe the variants")]
pub enum PlaygroundError {
    #[error("no model is open; open a model.bin")]
    NoModel,
    #[error("not a usable model: {0}; export it again with `host-trainer train --export`")]
    Model(#[from] BlobError),
    #[error("this model does not compute its own golden vectors: {0}; export it again")]
    SelfTest(DeviceFault),
    #[error(transparent)]
    Infer(#[from] InferError),
    #[error("{0}")]
    Answers(#[from] AnswersError),
    #[error(
        "this file has the answers of model {found}, but model {expected} is open; open that model, or run \
         `host-trainer evaluate --answers` again"
    )]
    OtherModel { found: ModelId, expected: ModelId },
    #[error(
        "this file has answers for {inputs} pixels, {classes} classes and {networks} networks, which the open model \
         does not have; run `host-trainer evaluate --answers` again"
    )]
    OtherShape { inputs: u32, classes: u16, networks: u8 },
    #[error("this file has no images; run `host-trainer evaluate --answers` again")]
    NoImages,
    #[error(
        "the photo has {width} x {height} pixels, expected 1 to {} million; make it smaller first",
        MAX_PIXELS / 1_000_000
    )]
    PhotoSize { width: u32, height: u32 },
    #[error("found {found} bytes for {width} x {height} pixels, expected four for each")]
    PhotoBytes { found: usize, width: u32, height: u32 },
    #[error("this image shows nothing: no pixel differs clearly from its border")]
    Blank,
    #[error(
        "the form of the data set has other values than shares, 0 to 1; write the page again with \
         `cargo xtask playground`"
    )]
    Form,
    #[error("images of {}x{}x{} have no sample {index}", .shape.rows, .shape.columns, .shape.channels)]
    NoSample { index: usize, shape: Shape },
}
