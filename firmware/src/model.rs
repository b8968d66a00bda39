//! From a flash region to a model that may be trusted.

#[cfg(target_os = "none")]
use shared_model::DenseLayer;
use shared_model::{
    DeviceFault, MESSAGE_OVERHEAD_BYTES, ModelInfo, ModelView, Workspace, blob_length, encoded_length_bound, self_test,
};

use crate::measure::counted_bytes;

/// The model at the start of `region`, parsed, known to fit this firmware, and self-tested.
pub(crate) fn load<'m, const WIDTH: usize, const CLASSES: usize>(
    region: &'m [u8],
    frame_bytes: usize,
    workspace: &mut Workspace<WIDTH, CLASSES>,
) -> Result<ModelView<'m>, DeviceFault> {
    let length = blob_length(region).map_err(DeviceFault::Blob)?;
    let model = ModelView::parse(region.get(..length).unwrap_or_default()).map_err(DeviceFault::Blob)?;
    Workspace::<WIDTH, CLASSES>::check(&model).map_err(DeviceFault::TooLarge)?;

    let message = model.input_width().max(model.classes() * 6) + MESSAGE_OVERHEAD_BYTES;
    // What is counted lies behind the message that carries it.
    let counted = counted_bytes(model.layers().count());
    let needed = encoded_length_bound(message).max(encoded_length_bound(counted + MESSAGE_OVERHEAD_BYTES) + counted);
    if needed > frame_bytes {
        return Err(DeviceFault::FrameTooLong { needed: needed as u32, available: frame_bytes as u32 });
    }
    #[cfg(target_os = "none")]
    if model.layers().map(DenseLayer::order).any(|order| order.has_faster()) {
        defmt::warn!("this core is faster with weights in another order: see `host-trainer reorder`");
    }
    self_test(&model, workspace).map_err(DeviceFault::SelfTest)?;
    Ok(model)
}

/// What the link says of `model`.
pub(crate) fn describe(model: &ModelView<'_>) -> ModelInfo {
    ModelInfo {
        id: model.id(),
        bytes: model.bytes().len() as u32,
        inputs: model.input_width() as u32,
        classes: model.classes() as u16,
        layers: model.layers().count() as u8,
    }
}
