//! Errors of the parser.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The reason why bytes are not a runnable model.
///
/// Offsets and lengths are in bytes from the start of the blob. The link sends a variant by its
/// number, so new variants go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BlobError {
    /// Fewer bytes than the prefix has.
    #[error("not a model: found {found} bytes, expected at least 13")]
    TooShort {
        /// Bytes given.
        found: u32,
    },
    /// The first eight bytes are not the magic.
    #[error("not a model: the first bytes are not those of a model.bin")]
    Magic,
    /// The format version is not one that this code reads.
    #[error("model format: found version {found}, expected at most {supported}; update this program or export again")]
    Version {
        /// The model's format version.
        found: u8,
        /// The newest format version that this code reads.
        supported: u8,
    },
    /// The length in the prefix is not the length of the bytes: the blob was cut off or extended.
    #[error("model length: found {found} bytes, expected {declared}; copy the model again")]
    Length {
        /// Length that the prefix declares.
        declared: u32,
        /// Length of the bytes given.
        found: u32,
    },
    /// The checksum does not match: a byte has changed since the export.
    #[error("damaged model: found checksum {computed:08x}, expected {stored:08x}; copy the model again")]
    Checksum {
        /// CRC-32 stored in the last four bytes.
        stored: u32,
        /// CRC-32 of all other bytes.
        computed: u32,
    },
    /// A field is unreadable.
    #[error("malformed model: unreadable field at byte {offset}")]
    Malformed {
        /// Start of the field.
        offset: u32,
    },
    /// There are bytes after the last field.
    #[error("malformed model: {count} bytes left over at byte {offset}")]
    LeftOver {
        /// Start of these bytes.
        offset: u32,
        /// Number of these bytes.
        count: u32,
    },
    /// A table does not start at a multiple of 16, or its padding is not the shortest run of zeros.
    #[error("malformed model: the table at byte {offset} is not aligned to 16 bytes with the least padding")]
    Alignment {
        /// Start of the table's data.
        offset: u32,
    },
    /// A table's length does not match its shape.
    #[error("malformed model: table at byte {offset}: found {found} bytes, expected {expected}")]
    TableLength {
        /// Start of the table's data.
        offset: u32,
        /// Bytes expected.
        expected: u32,
        /// Bytes found.
        found: u32,
    },
    /// An image without pixels, a layer without outputs, or more of them than
    /// [`MAX_WIDTH`](crate::MAX_WIDTH).
    #[error("model width: found {found}, expected 1 to {most}")]
    Width {
        /// The width found.
        found: u32,
        /// The largest width allowed.
        most: u32,
    },
    /// No layers, or more than [`MAX_LAYERS`](crate::MAX_LAYERS).
    #[error("model layers: found {found}, expected 1 to {most}")]
    LayerCount {
        /// Layers found.
        found: u32,
        /// The largest number allowed.
        most: u32,
    },
    /// No classes, more than [`MAX_CLASSES`](crate::MAX_CLASSES), or a class count that is not the
    /// last layer's output count.
    #[error("class names: found {names}, expected one for each of the last layer's {outputs} outputs, 1 to {most}")]
    Classes {
        /// Class names found.
        names: u32,
        /// Outputs of the last layer.
        outputs: u32,
        /// The largest number of classes allowed.
        most: u32,
    },
    /// This code has no kernel for the order of a layer's weights.
    #[error("layer {layer}: no kernel for weight order {found} in a layer of this kind; export the model again")]
    WeightOrder {
        /// The layer, from 0.
        layer: u8,
        /// The order's number.
        found: u32,
    },
    /// A weight is out of its order's range, or the padding has a non-zero weight.
    #[error("layer {layer}: a weight is out of its order's range, or padding is not zero")]
    Weight {
        /// The layer, from 0.
        layer: u8,
    },
    /// A multiplier or a shift is out of range.
    #[error(
        "layer {layer}, output {output}: multiplier {multiplier} or shift {shift} is out of range, \
         expected 2^30 to 2^31 - 1 and 1 to 62"
    )]
    Requant {
        /// The layer, from 0.
        layer: u8,
        /// The output, from 0.
        output: u32,
        /// The multiplier; expected in 2^30..2^31.
        multiplier: u32,
        /// The shift in bits; expected in 1..=62.
        shift: u8,
    },
    /// Some input could overflow an accumulator or a logit.
    #[error("layer {layer}, output {output}: some image could overflow 32 bits")]
    Overflow {
        /// The layer, from 0.
        layer: u8,
        /// The output, from 0.
        output: u32,
    },
    /// A block of a pruned layer starts at an odd input, after the last input, or out of order.
    #[error(
        "layer {layer}, block {block}: its first input {place} is odd, after the last input, \
         or not after the previous block"
    )]
    Place {
        /// The layer, from 0.
        layer: u8,
        /// The block, from 0 at the layer's first.
        block: u32,
        /// The block's first input.
        place: u32,
    },
    /// A pruned layer stores a block of zeros.
    #[error("layer {layer}, block {block}: all its weights are zero, but an export omits such blocks")]
    EmptyBlock {
        /// The layer, from 0.
        layer: u8,
        /// The block, from 0 at the layer's first.
        block: u32,
    },
    /// More than [`MAX_GOLDEN_VECTORS`](crate::MAX_GOLDEN_VECTORS).
    #[error("golden vectors: found {found}, expected at most {most}; the self-test infers all of them")]
    GoldenCount {
        /// Golden vectors found.
        found: u32,
        /// The largest number allowed.
        most: u32,
    },
    /// The model has format version 2, but version 1 can express it.
    #[error("model format: found version 2, but version 1 can express this model; export it again")]
    NewerThanNeeded,
    /// No networks, or more than [`MAX_NETWORKS`](crate::MAX_NETWORKS).
    #[error("networks: found {found}, expected 1 to {most}")]
    NetworkCount {
        /// Networks found.
        found: u32,
        /// The largest number allowed.
        most: u32,
    },
    /// A cascade's margin is below 1, so that its network would always answer.
    #[error("network {network}: found margin {found}, expected 1 or more")]
    Margin {
        /// The network, from 0.
        network: u8,
        /// The margin in Q15.16.
        found: i32,
    },
    /// This code has no kernel for the layer's kind.
    #[error("layer {layer}: unknown kind {found}; export the model again with this release")]
    LayerKind {
        /// The layer, from 0.
        layer: u8,
        /// The kind's number.
        found: u32,
    },
    /// A network's last layer is not dense.
    #[error("layer {layer}: the last layer of a network must be dense")]
    LastLayer {
        /// The layer, from 0.
        layer: u8,
    },
    /// A window or its stride has no rows or no columns.
    #[error("layer {layer}: its window or stride has no rows or no columns")]
    EmptyWindow {
        /// The layer, from 0.
        layer: u8,
    },
    /// A whole window would be in the padding.
    #[error("layer {layer}: its padding is as large as its window, expected less")]
    WindowPadding {
        /// The layer, from 0.
        layer: u8,
    },
    /// A window is larger than the padded image, so that the layer has no output.
    #[error("layer {layer}: its window is larger than its input with padding")]
    WindowTooLarge {
        /// The layer, from 0.
        layer: u8,
    },
    /// A depthwise convolution does not have an output for each channel.
    #[error("layer {layer}: found {found} channels, expected the {expected} of its input")]
    Channels {
        /// The layer, from 0.
        layer: u8,
        /// Channels of the input.
        expected: u32,
        /// Channels found.
        found: u32,
    },
}
