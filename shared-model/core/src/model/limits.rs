//! Limits of the format.

/// Largest number of inputs or outputs of a layer.
pub const MAX_WIDTH: usize = 16_384;

/// Largest number of layers of all networks together.
pub const MAX_LAYERS: usize = 16;

/// Largest number of networks.
pub const MAX_NETWORKS: usize = 4;

/// Largest number of classes.
pub const MAX_CLASSES: usize = 256;

/// Largest number of golden vectors. A device infers all of them before it answers.
pub const MAX_GOLDEN_VECTORS: usize = 16;
