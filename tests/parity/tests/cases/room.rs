//! Models that fit a board's flash, but not its workspace.

use libtest_mimic::Failed;
use parity::{Device, Lab, Uniform};
use shared_model::{DeviceFault, InferError, WeightOrder};

use super::{Fixture, fault_of};

/// A hidden layer that is too wide is refused at the start, with both numbers.
pub fn layer_too_wide(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let fault = fault_of(device, lab, &zeros(2048, 10)?)?;
    let available = room(device).0;
    assert_eq!(fault, DeviceFault::TooLarge(InferError::Width { needed: 2048, available }));
    let text = fault.to_string();
    assert!(text.contains("2048 neurons") && text.contains(&format!("room for {available}")), "{text}");
    // The widest one that fits runs.
    device.start(lab, &zeros(available as usize, 10)?)?.client.hello()?;
    Ok(())
}

/// Like [`layer_too_wide`], for the last layer.
pub fn too_many_classes(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let fault = fault_of(device, lab, &zeros(8, 200)?)?;
    let available = room(device).1;
    assert_eq!(fault, DeviceFault::TooLarge(InferError::Classes { needed: 200, available }));
    let text = fault.to_string();
    assert!(text.contains("200 classes") && text.contains(&format!("room for {available}")), "{text}");
    device.start(lab, &zeros(8, available as usize)?)?.client.hello()?;
    Ok(())
}

/// Returns the most neurons of a hidden layer and the most classes of a board: the size of
/// `Buffers` in its binary.
fn room(device: Device) -> (u32, u32) {
    match device.board().map_or("", |board| &board.name) {
        "microbit" => (256, 16),
        _ => (1024, 32),
    }
}

/// Encodes a model for two pixels with one hidden layer and zero weights.
fn zeros(hidden: usize, classes: usize) -> Result<Vec<u8>, Failed> {
    let layers = [hidden, classes].map(|outputs| (WeightOrder::default(), outputs));
    Ok(Uniform { pixels: 2, layers: &layers, weight: 0 }.encode()?)
}
