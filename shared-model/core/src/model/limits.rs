//! Limits of the format.

/// Largest number of inputs or outputs of a layer.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{MAX_WIDTH, Shape};
///
/// assert!(Shape::grey(128, 128).count() <= MAX_WIDTH);
/// assert!(Shape { rows: 96, columns: 96, channels: 3 }.count() > MAX_WIDTH);
/// ```
pub const MAX_WIDTH: usize = 16_384;

/// Largest number of layers of all networks together.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{MAX_LAYERS, Model};
///
/// // A device's RAM follows the number of layers that it accepts.
/// assert!(size_of::<Model<'_, 2>>() < size_of::<Model<'_, MAX_LAYERS>>());
/// ```
pub const MAX_LAYERS: usize = 16;

/// Largest number of networks.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// assert!((1..=prenda::MAX_NETWORKS).contains(&model.networks().len()));
/// ```
pub const MAX_NETWORKS: usize = 4;

/// Largest number of classes.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{MAX_CLASSES, Workspace};
///
/// type AnyClasses = Workspace<360, MAX_CLASSES>;
/// assert_eq!(size_of::<AnyClasses>(), 360 + 2560);
/// ```
pub const MAX_CLASSES: usize = 256;

/// Largest number of golden vectors. A device infers all of them before it answers.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// assert!(model.golden().count() <= prenda::MAX_GOLDEN_VECTORS);
/// ```
pub const MAX_GOLDEN_VECTORS: usize = 16;

/// Longest name of a feature, in bytes.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("iris.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// assert!(model.features().all(|feature| feature.name.len() <= prenda::MAX_FEATURE_NAME_BYTES));
/// ```
pub const MAX_FEATURE_NAME_BYTES: usize = 64;

/// Largest number of decimals of a feature: 10 to the power of 9 is the largest that fits an `i32`.
///
/// # Examples
///
/// ```
/// assert!(10_i32.checked_pow(prenda_core::MAX_DECIMALS.into()).is_some());
/// ```
pub const MAX_DECIMALS: u8 = 9;
