//! Loads a model from flash and checks it.

use prenda::{
    BlobError, DeviceFault, MESSAGE_OVERHEAD_BYTES, Model, ModelInfo, Workspace, blob_length, encoded_length_bound,
    self_test,
};

use crate::measure::counted_bytes;

/// Parses the model at the start of `region`, which may be longer, into `model`.
pub fn load_model<'m>(model: &mut Result<Model<'m>, BlobError>, region: &'m [u8]) {
    match blob_length(region) {
        Ok(length) => Model::parse_into(model, region.get(..length).unwrap_or_default()),
        Err(error) => *model = Err(error),
    }
}

/// Checks that `model` fits this firmware and passes the self-test.
pub(crate) fn verify<const MEMORY: usize, const CLASSES: usize>(
    model: &Model<'_>,
    frame_bytes: usize,
    workspace: &mut Workspace<MEMORY, CLASSES>,
) -> Result<(), DeviceFault> {
    Workspace::<MEMORY, CLASSES>::check(model).map_err(DeviceFault::TooLarge)?;

    let frame_bytes_for = |bytes: usize| encoded_length_bound(bytes.saturating_add(MESSAGE_OVERHEAD_BYTES));
    let answer = frame_bytes_for(model.input_width().max(model.classes().saturating_mul(6)));
    // The counts are in the same buffer, after their message.
    let counted = counted_bytes(model.layers().len());
    let needed = answer.max(frame_bytes_for(counted).saturating_add(counted));
    if needed > frame_bytes {
        return Err(DeviceFault::FrameTooLong { needed: needed as u32, available: frame_bytes as u32 });
    }
    #[cfg(target_os = "none")]
    if model.matrices().any(|matrix| matrix.order().has_faster()) {
        defmt::warn!("this core is faster with weights in another order: see `host-trainer reorder`");
    }
    #[cfg(target_os = "none")]
    if model.golden_count() == 0 {
        defmt::warn!("no golden vectors: the self-test compares nothing");
    }
    self_test(model, workspace).map_err(DeviceFault::SelfTest)
}

/// Returns the description of `model` for the link.
pub(crate) fn describe(model: &Model<'_>) -> ModelInfo {
    ModelInfo {
        id: model.id(),
        bytes: model.bytes().len() as u32,
        inputs: model.input_width() as u32,
        classes: model.classes() as u16,
        layers: model.layers().len() as u8,
    }
}
