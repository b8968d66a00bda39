//! Models that fit a board's flash, but not its workspace.

use libtest_mimic::Failed;
use parity::{Device, Lab, Uniform};
use prenda::{DeviceFault, InferError, Model, WeightOrder};

use super::{Fixture, fault_of};

/// A hidden layer that is too wide is refused at the start with both numbers, which are exact.
pub fn layer_too_wide(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let available = needs_more_memory(device, lab, &zeros(2048, 10)?)?;
    // The widest hidden layer that fits, and one neuron more.
    let (mut fits, mut fails) = (1, 2048);
    while fails - fits > 1 {
        let width = usize::midpoint(fits, fails);
        let is_small = memory_bytes(&zeros(width, 10)?)? <= available;
        *(if is_small { &mut fits } else { &mut fails }) = width;
    }
    let (fitting, too_wide) = (zeros(fits, 10)?, zeros(fails, 10)?);
    let needed = memory_bytes(&too_wide)?;
    assert_eq!(fault_of(device, lab, &too_wide)?, DeviceFault::TooLarge(InferError::Memory { needed, available }));
    device.start(lab, &fitting)?.client.hello()?;
    Ok(())
}

/// Checks that the device refuses `model` because its layers need more RAM than the device has,
/// which it returns, and that the message names both.
pub fn needs_more_memory(device: Device, lab: &Lab, model: &[u8]) -> Result<u32, Failed> {
    let fault = fault_of(device, lab, model)?;
    let DeviceFault::TooLarge(InferError::Memory { needed, available }) = fault else {
        return Err(format!("{fault:?}").into());
    };
    assert!(needed == memory_bytes(model)? && needed > available, "{fault}");
    let text = fault.to_string();
    assert!(text.contains(&format!("need {needed} bytes")) && text.contains(&format!("has {available}")), "{text}");
    Ok(available)
}

fn memory_bytes(model: &[u8]) -> Result<u32, Failed> {
    Ok(u32::try_from(Model::parse(model)?.memory_bytes())?)
}

/// Like [`layer_too_wide`], for the last layer.
pub fn too_many_classes(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let fault = fault_of(device, lab, &zeros(8, 200)?)?;
    let DeviceFault::TooLarge(InferError::Classes { needed: 200, available }) = fault else {
        return Err(format!("{fault:?}").into());
    };
    let text = fault.to_string();
    assert!(text.contains("200 classes") && text.contains(&format!("room for {available}")), "{text}");
    let fault = fault_of(device, lab, &zeros(8, available as usize + 1)?)?;
    assert_eq!(fault, DeviceFault::TooLarge(InferError::Classes { needed: available + 1, available }));
    device.start(lab, &zeros(8, available as usize)?)?.client.hello()?;
    Ok(())
}

/// Encodes a model for two pixels with one hidden layer and zero weights.
fn zeros(hidden: usize, classes: usize) -> Result<Vec<u8>, Failed> {
    let layers = [hidden, classes].map(|outputs| (WeightOrder::default(), outputs));
    Ok(Uniform { pixels: 2, layers: &layers, weight: 0 }.encode()?)
}
