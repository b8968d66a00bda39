//! Loads a model from flash.

use prenda::{BlobError, Model, blob_length};

/// Parses the model at the start of `region`, which may be longer, into `model`.
pub fn load_model<'m, const LAYERS: usize>(model: &mut Result<Model<'m, LAYERS>, BlobError>, region: &'m [u8]) {
    match blob_length(region) {
        Ok(length) => Model::parse_into(model, region.get(..length).unwrap_or_default()),
        Err(error) => *model = Err(error),
    }
}
