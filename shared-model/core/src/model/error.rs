//! Errors of the parser.

/// The reason why bytes are not a runnable model.
///
/// Offsets and lengths are in bytes from the start of the blob. The link sends a variant by its
/// number, so new variants go to the end.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{BlobError, Model};
///
/// let mut blob = std::fs::read("shoes.bin").unwrap();
/// blob[4000] ^= 1;
/// let error = Model::parse(&blob).unwrap_err();
/// assert!(matches!(error, BlobError::Checksum { stored: 0xec8a_016f, .. }));
/// assert!(error.to_string().starts_with("damaged model"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BlobError {
    /// Fewer bytes than the prefix has.
    TooShort {
        /// Bytes given.
        found: u32,
    },
    /// The first eight bytes are not the magic.
    Magic,
    /// The format version is not one that this code reads.
    Version {
        /// The model's format version.
        found: u8,
        /// The newest format version that this code reads.
        supported: u8,
    },
    /// The length in the prefix is not the length of the bytes: the blob was cut off or extended.
    Length {
        /// Length that the prefix declares.
        declared: u32,
        /// Length of the bytes given.
        found: u32,
    },
    /// The checksum does not match: a byte has changed since the export.
    Checksum {
        /// CRC-32 stored in the last four bytes.
        stored: u32,
        /// CRC-32 of all other bytes.
        computed: u32,
    },
    /// A field is unreadable.
    Malformed {
        /// Start of the field.
        offset: u32,
    },
    /// There are bytes after the last field.
    LeftOver {
        /// Start of these bytes.
        offset: u32,
        /// Number of these bytes.
        count: u32,
    },
    /// A table does not start at a multiple of 16, or its padding is not the shortest run of zeros.
    Alignment {
        /// Start of the table's data.
        offset: u32,
    },
    /// A table's length does not match its shape.
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
    Width {
        /// The width found.
        found: u32,
        /// The largest width allowed.
        most: u32,
    },
    /// No layers, or more than [`MAX_LAYERS`](crate::MAX_LAYERS).
    LayerCount {
        /// Layers found.
        found: u32,
        /// The largest number allowed.
        most: u32,
    },
    /// No classes, more than [`MAX_CLASSES`](crate::MAX_CLASSES), or a class count that is not the
    /// last layer's output count.
    Classes {
        /// Class names found.
        names: u32,
        /// Outputs of the last layer.
        outputs: u32,
        /// The largest number of classes allowed.
        most: u32,
    },
    /// This build has no kernel for the order of a layer's weights.
    WeightOrder {
        /// The layer, from 0.
        layer: u8,
        /// The order's number.
        found: u32,
    },
    /// A weight is out of its order's range, or the padding has a non-zero weight.
    Weight {
        /// The layer, from 0.
        layer: u8,
    },
    /// A multiplier or a shift is out of range.
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
    Overflow {
        /// The layer, from 0.
        layer: u8,
        /// The output, from 0.
        output: u32,
    },
    /// A block of a pruned layer starts at an odd input, after the last input, or out of order.
    Place {
        /// The layer, from 0.
        layer: u8,
        /// The block, from 0 at the layer's first.
        block: u32,
        /// The block's first input.
        place: u32,
    },
    /// A pruned layer stores a block of zeros.
    EmptyBlock {
        /// The layer, from 0.
        layer: u8,
        /// The block, from 0 at the layer's first.
        block: u32,
    },
    /// More than [`MAX_GOLDEN_VECTORS`](crate::MAX_GOLDEN_VECTORS).
    GoldenCount {
        /// Golden vectors found.
        found: u32,
        /// The largest number allowed.
        most: u32,
    },
    /// The model has format version 2, but version 1 can express it.
    NewerThanNeeded,
    /// No networks, or more than [`MAX_NETWORKS`](crate::MAX_NETWORKS).
    NetworkCount {
        /// Networks found.
        found: u32,
        /// The largest number allowed.
        most: u32,
    },
    /// A cascade's margin is below 1, so that its network would always answer.
    Margin {
        /// The network, from 0.
        network: u8,
        /// The margin in Q15.16.
        found: i32,
    },
    /// This build has no kernel for the layer's kind.
    LayerKind {
        /// The layer, from 0.
        layer: u8,
        /// The kind's number.
        found: u32,
    },
    /// A network's last layer is not dense.
    LastLayer {
        /// The layer, from 0.
        layer: u8,
    },
    /// A window or its stride has no rows or no columns.
    EmptyWindow {
        /// The layer, from 0.
        layer: u8,
    },
    /// A whole window would be in the padding.
    WindowPadding {
        /// The layer, from 0.
        layer: u8,
    },
    /// A window is larger than the padded image, so that the layer has no output.
    WindowTooLarge {
        /// The layer, from 0.
        layer: u8,
    },
    /// A depthwise convolution does not have an output for each channel.
    Channels {
        /// The layer, from 0.
        layer: u8,
        /// Channels of the input.
        expected: u32,
        /// Channels found.
        found: u32,
    },
    /// The model does not start at a multiple of four bytes, so that its kernels would be slow.
    Misaligned {
        /// Bytes after a multiple of four, 1..=3.
        remainder: u8,
    },
    /// The bytes after the model are not a seal.
    Unsealed,
    /// The seal's checksum does not match: a byte has changed since the export.
    Seal {
        /// Checksum stored in the seal.
        stored: u32,
        /// Checksum of the model.
        computed: u32,
    },
    /// No features, or not one for each input.
    FeatureCount {
        /// Features found.
        found: u32,
        /// Inputs of the first layer.
        expected: u32,
    },
    /// A feature has no name, or a name longer than
    /// [`MAX_FEATURE_NAME_BYTES`](crate::MAX_FEATURE_NAME_BYTES).
    FeatureName {
        /// The feature, from 0.
        feature: u32,
        /// Bytes of the name.
        found: u32,
    },
    /// The scaling of a feature is out of range.
    FeatureScaling {
        /// The feature, from 0.
        feature: u32,
        /// The decimals of its values; expected in 0..=9.
        decimals: u8,
        /// The multiplier; expected in 2^30..2^31.
        multiplier: u32,
        /// The shift in bits; expected in 1..=54, as larger ones do not reach an input of 255.
        shift: u8,
    },
}

/// Weight orders by number, in words for errors.
const ORDERS: [&str; 6] = ["", " (pairs)", " (vectors)", " (four-bit)", " (ternary)", " (blocks)"];

/// Kinds of layers by number, in words for errors.
const KINDS: [&str; 5] = ["", " (convolution)", " (depthwise)", " (pool)", " (pool)"];

/// Returns the words for `number`; empty if it is unknown.
fn named(words: &[&'static str], number: u32) -> &'static str {
    words.get(number as usize).copied().unwrap_or_default()
}

impl core::error::Error for BlobError {}

impl core::fmt::Display for BlobError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::TooShort { found } => write!(f, "not a model: found {found} bytes, expected at least 13"),
            Self::Magic => f.write_str("not a model: the first bytes are not those of a model.bin"),
            Self::Version { found, supported } => write!(
                f,
                "model format: found version {found}, expected at most {supported}; update this program, \
                 build it with the features `all-layers` and `rows` of prenda, or export again"
            ),
            Self::Length { found, declared } => {
                write!(f, "model length: found {found} bytes, expected {declared}; copy the model again")
            }
            Self::Checksum { computed, stored } => {
                write!(f, "damaged model: found checksum {computed:08x}, expected {stored:08x}; copy the model again")
            }
            Self::Malformed { offset } => write!(f, "malformed model: unreadable field at byte {offset}"),
            Self::LeftOver { count, offset } => write!(f, "malformed model: {count} bytes left over at byte {offset}"),
            Self::Alignment { offset } => write!(
                f,
                "malformed model: the table at byte {offset} is not aligned to 16 bytes with the least padding"
            ),
            Self::TableLength { offset, found, expected } => {
                write!(f, "malformed model: table at byte {offset}: found {found} bytes, expected {expected}")
            }
            Self::Width { found, most } => write!(f, "model width: found {found}, expected 1 to {most}"),
            Self::LayerCount { found, most } => write!(f, "model layers: found {found}, expected 1 to {most}"),
            Self::Classes { names, outputs, most } => write!(
                f,
                "class names: found {names}, expected one for each of the last layer's {outputs} outputs, 1 to \
                     {most}"
            ),
            Self::WeightOrder { layer, found } => write!(
                f,
                "layer {layer}: no kernel for weight order {found}{} in a layer of this kind; export the model \
                     again, or build with the order's feature of `prenda`",
                named(&ORDERS, found)
            ),
            Self::Weight { layer } => {
                write!(f, "layer {layer}: a weight is out of its order's range, or padding is not zero")
            }
            Self::Requant { layer, output, multiplier, shift } => write!(
                f,
                "layer {layer}, output {output}: multiplier {multiplier} or shift {shift} is out of range, \
                     expected 2^30 to 2^31 - 1 and 1 to 62"
            ),
            Self::Overflow { layer, output } => {
                write!(f, "layer {layer}, output {output}: some image could overflow 32 bits")
            }
            Self::Place { layer, block, place } => write!(
                f,
                "layer {layer}, block {block}: its first input {place} is odd, after the last input, or not \
                     after the previous block"
            ),
            Self::EmptyBlock { layer, block } => {
                write!(f, "layer {layer}, block {block}: all its weights are zero, but an export omits such blocks")
            }
            Self::GoldenCount { found, most } => {
                write!(f, "golden vectors: found {found}, expected at most {most}; the self-test infers all of them")
            }
            Self::NewerThanNeeded => {
                f.write_str("model format: found version 2, but version 1 can express this model; export it again")
            }
            Self::NetworkCount { found, most } => write!(f, "networks: found {found}, expected 1 to {most}"),
            Self::Margin { network, found } => write!(f, "network {network}: found margin {found}, expected 1 or more"),
            Self::LayerKind { layer, found } => write!(
                f,
                "layer {layer}: no kernel for kind {found}{}; build with its feature of `prenda`, or update it",
                named(&KINDS, found)
            ),
            Self::LastLayer { layer } => write!(f, "layer {layer}: the last layer of a network must be dense"),
            Self::EmptyWindow { layer } => write!(f, "layer {layer}: its window or stride has no rows or no columns"),
            Self::WindowPadding { layer } => {
                write!(f, "layer {layer}: its padding is as large as its window, expected less")
            }
            Self::WindowTooLarge { layer } => {
                write!(f, "layer {layer}: its window is larger than its input with padding")
            }
            Self::Misaligned { remainder } => write!(
                f,
                "model address: found {remainder} bytes after a multiple of 4, expected 0; align the model, for \
                 example with `#[repr(C, align(16))]`"
            ),
            Self::Unsealed => f.write_str(
                "the model has no seal after it; write one with `host-trainer export MODEL --sealed FILE`, or parse \
                 the model in full",
            ),
            Self::Seal { stored, computed } => write!(
                f,
                "damaged model: found checksum {computed:08x}, expected {stored:08x} by the seal; copy the model again"
            ),
            Self::Channels { layer, found, expected } => {
                write!(f, "layer {layer}: found {found} channels, expected the {expected} of its input")
            }
            Self::FeatureCount { found, expected } => {
                write!(f, "features: found {found}, expected one for each of {expected} inputs")
            }
            Self::FeatureName { feature, found } => {
                write!(f, "feature {feature}: found a name of {found} bytes, expected 1 to 64")
            }
            Self::FeatureScaling { feature, decimals, multiplier, shift } => write!(
                f,
                "feature {feature}: {decimals} decimals, multiplier {multiplier} or shift {shift} is out of range, \
                     expected 0 to 9, 2^30 to 2^31 - 1 and 1 to 54, with 255 for the largest difference"
            ),
        }
    }
}
