//! Why bytes are not a model.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why bytes are not a model that can be run. Offsets and lengths are in bytes from the start of the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BlobError {
    /// There are not enough bytes to tell.
    #[error("no model: {found} bytes are too few to be one")]
    TooShort {
        /// Bytes given.
        found: u32,
    },
    /// The first bytes are not a model's.
    #[error("not a model: the first bytes are not those of a model.bin")]
    Magic,
    /// The model is of a format that this code does not read.
    #[error("model format {found}, but this version reads format {supported}: export the model again")]
    Version {
        /// The model's format version.
        found: u8,
        /// The format version of this code.
        supported: u8,
    },
    /// The blob says another length than it has: cut off, or followed by something else.
    #[error("the model says it is {declared} bytes long, but {found} bytes are there")]
    Length {
        /// The length that the blob's prefix declares.
        declared: u32,
        /// The length that is there.
        found: u32,
    },
    /// The checksum does not match: a byte has changed since the export.
    #[error("damaged model: checksum {computed:08x}, but {stored:08x} was written at export")]
    Checksum {
        /// CRC-32 stored in the last four bytes.
        stored: u32,
        /// CRC-32 of all other bytes.
        computed: u32,
    },
    /// A field cannot be read.
    #[error("malformed model: no readable field at byte {offset}")]
    Malformed {
        /// Where the field starts.
        offset: u32,
    },
    /// Bytes are left over behind the last field.
    #[error("malformed model: {count} bytes left over at byte {offset}")]
    LeftOver {
        /// Where they start.
        offset: u32,
        /// How many there are.
        count: u32,
    },
    /// A table does not start at a multiple of 16, or its padding is not what the encoder writes.
    #[error("malformed model: the table at byte {offset} is not aligned to 16 bytes")]
    Alignment {
        /// Where the table's data starts.
        offset: u32,
    },
    /// A table has another length than the shapes ask for.
    #[error("malformed model: the table at byte {offset} has {found} bytes, its shape asks for {expected}")]
    TableLength {
        /// Where the table's data starts.
        offset: u32,
        /// Bytes asked for.
        expected: u32,
        /// Bytes found.
        found: u32,
    },
    /// A picture without pixels, a layer without outputs, or a width above [`MAX_WIDTH`](crate::MAX_WIDTH).
    #[error("a width of {found} is outside 1..={most}")]
    Width {
        /// The width found.
        found: u32,
        /// The largest one allowed.
        most: u32,
    },
    /// No layers, or more than [`MAX_LAYERS`](crate::MAX_LAYERS).
    #[error("{found} layers are outside 1..={most}")]
    LayerCount {
        /// Layers found.
        found: u32,
        /// The most allowed.
        most: u32,
    },
    /// No classes, more than [`MAX_CLASSES`](crate::MAX_CLASSES), or not one for each output of the last layer.
    #[error("{names} class names do not fit a last layer of {outputs} outputs (1..={most} classes)")]
    Classes {
        /// Class names found.
        names: u32,
        /// Outputs of the last layer.
        outputs: u32,
        /// The most classes allowed.
        most: u32,
    },
    /// A layer's weights are in an order that this code has no kernel for.
    #[error(
        "layer {layer} has weight order {found}, which this version does not know: export the model again by its host-trainer"
    )]
    WeightOrder {
        /// The layer, from 0.
        layer: u8,
        /// The number of the order.
        found: u32,
    },
    /// A weight that is too large for its order, or one other than zero where padding belongs.
    #[error(
        "layer {layer} has a weight that an export never writes (too large for its order, or padding that is not zero)"
    )]
    Weight {
        /// The layer, from 0.
        layer: u8,
    },
    /// A multiplier or a shift is out of range.
    #[error(
        "layer {layer}, output {output}: requantization by multiplier {multiplier} and shift {shift} is out of range"
    )]
    Requant {
        /// The layer, from 0.
        layer: u8,
        /// The output, from 0.
        output: u32,
        /// The multiplier, meant to be in 2^30..2^31.
        multiplier: u32,
        /// The shift, meant to be in 1..=62.
        shift: u8,
    },
    /// Some input could overflow an accumulator or a logit.
    #[error("layer {layer}, output {output}: some picture could overflow 32 bits")]
    Overflow {
        /// The layer, from 0.
        layer: u8,
        /// The output, from 0.
        output: u32,
    },
    /// A pruned layer has a block of inputs that are not there, or not in order.
    #[error(
        "layer {layer}, block {block}: its place {place} is odd, beyond the inputs, or not above that of the block before"
    )]
    Place {
        /// The layer, from 0.
        layer: u8,
        /// The block, from 0 at the layer's first.
        block: u32,
        /// What its place says.
        place: u32,
    },
    /// A pruned layer has a block that should have been left out.
    #[error("layer {layer}, block {block}: all of its weights are zero, and an export writes no such block")]
    EmptyBlock {
        /// The layer, from 0.
        layer: u8,
        /// The block, from 0 at the layer's first.
        block: u32,
    },
    /// More than [`MAX_GOLDEN_VECTORS`](crate::MAX_GOLDEN_VECTORS).
    #[error("{found} golden vectors are more than {most}: a self-test with them could take without end")]
    GoldenCount {
        /// Golden vectors found.
        found: u32,
        /// The most allowed.
        most: u32,
    },
}
