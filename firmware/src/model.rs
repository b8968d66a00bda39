//! From a flash region to a model that may be trusted.

#[cfg(target_os = "none")]
use shared_model::DenseLayer;
use shared_model::{
    BlobError, DeviceFault, MESSAGE_OVERHEAD_BYTES, Model, ModelInfo, Workspace, blob_length, encoded_length_bound,
    self_test,
};

use crate::measure::counted_bytes;

/// What lies in a region for a model.
///
/// Parsed, and not moved any more: each move takes a kilobyte of stack.
#[derive(Debug)]
pub(crate) struct Loaded<'m> {
    parsed: Result<Model<'m>, BlobError>,
    /// Why it cannot be served all the same.
    misfit: Option<DeviceFault>,
}

impl<'m> Loaded<'m> {
    /// What lies at the start of `region`, not verified yet.
    pub fn parse(region: &'m [u8]) -> Self {
        // Not by `and_then`, which for a Cortex-M0 is compiled to a call that moves the model.
        let parsed = match blob_length(region) {
            Ok(length) => Model::parse(region.get(..length).unwrap_or_default()),
            Err(error) => Err(error),
        };
        Self { parsed, misfit: None }
    }

    /// Finds out whether it fits this firmware, and passes its self-test.
    pub fn verify<const WIDTH: usize, const CLASSES: usize>(
        &mut self,
        frame_bytes: usize,
        workspace: &mut Workspace<WIDTH, CLASSES>,
    ) {
        if let Ok(model) = &self.parsed {
            self.misfit = verify(model, frame_bytes, workspace).err();
        }
    }

    /// The model, or why there is none.
    pub fn get(&self) -> Result<&Model<'m>, DeviceFault> {
        match (&self.parsed, self.misfit) {
            (Ok(model), None) => Ok(model),
            (Ok(_), Some(fault)) => Err(fault),
            (Err(error), _) => Err(DeviceFault::Blob(*error)),
        }
    }
}

/// That `model` fits this firmware, and that this machine computes with it what the host did.
fn verify<const WIDTH: usize, const CLASSES: usize>(
    model: &Model<'_>,
    frame_bytes: usize,
    workspace: &mut Workspace<WIDTH, CLASSES>,
) -> Result<(), DeviceFault> {
    Workspace::<WIDTH, CLASSES>::check(model).map_err(DeviceFault::TooLarge)?;

    let frame_bytes_for = |bytes: usize| encoded_length_bound(bytes.saturating_add(MESSAGE_OVERHEAD_BYTES));
    let answer = frame_bytes_for(model.input_width().max(model.classes().saturating_mul(6)));
    // What is counted lies behind the message that carries it.
    let counted = counted_bytes(model.layers().count());
    let needed = answer.max(frame_bytes_for(counted).saturating_add(counted));
    if needed > frame_bytes {
        return Err(DeviceFault::FrameTooLong { needed: needed as u32, available: frame_bytes as u32 });
    }
    #[cfg(target_os = "none")]
    if model.layers().map(DenseLayer::order).any(|order| order.has_faster()) {
        defmt::warn!("this core is faster with weights in another order: see `host-trainer reorder`");
    }
    #[cfg(target_os = "none")]
    if model.golden_count() == 0 {
        defmt::warn!("no golden vectors: the self-test compares nothing");
    }
    self_test(model, workspace).map_err(DeviceFault::SelfTest)
}

/// What the link says of `model`.
pub(crate) fn describe(model: &Model<'_>) -> ModelInfo {
    ModelInfo {
        id: model.id(),
        bytes: model.bytes().len() as u32,
        inputs: model.input_width() as u32,
        classes: model.classes() as u16,
        layers: model.layers().count() as u8,
    }
}
