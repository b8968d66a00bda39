//! Models that fit a board's flash, but not its workspace.

use libtest_mimic::Failed;
use parity::{Device, Lab, Uniform};
use shared_model::{DeviceFault, InferError, WeightOrder};

use super::{Fixture, fault_of};

/// A hidden layer that is too wide is refused at the start with both numbers, which are exact.
pub fn layer_too_wide(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let fault = fault_of(device, lab, &zeros(2048, 10)?)?;
    let DeviceFault::TooLarge(InferError::Width { needed: 2048, available }) = fault else {
        return Err(format!("{fault:?}").into());
    };
    let text = fault.to_string();
    assert!(text.contains("width 2048") && text.contains(&format!("build has {available}")), "{text}");
    let fault = fault_of(device, lab, &zeros(available as usize + 1, 10)?)?;
    assert_eq!(fault, DeviceFault::TooLarge(InferError::Width { needed: available + 1, available }));
    device.start(lab, &zeros(available as usize, 10)?)?.client.hello()?;
    Ok(())
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
