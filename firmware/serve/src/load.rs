//! Loads a model from flash.

use prenda::{BlobError, Model, blob_length};

/// Parses the model at the start of `region`, which may be longer, into `model`.
///
/// # Examples
///
/// ```
/// use prenda::BlobError;
/// use prenda_serve::load_model;
///
/// let mut region = std::fs::read("shoes.bin").unwrap();
/// region.resize(16_384, 0xFF); // erased flash after the model
/// let mut model = Err(BlobError::Magic); // in a firmware: in a static
/// load_model::<2>(&mut model, &region);
/// assert_eq!(model.unwrap().classes(), 10);
/// ```
pub fn load_model<'m, const LAYERS: usize>(model: &mut Result<Model<'m, LAYERS>, BlobError>, region: &'m [u8]) {
    match blob_length(region) {
        Ok(length) => Model::parse_into(model, region.get(..length).unwrap_or_default()),
        Err(error) => *model = Err(error),
    }
}
