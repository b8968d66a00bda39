//! Models that fit a board's flash, but not the memory that it infers in.

use libtest_mimic::Failed;
use parity::{Device, Lab};
use shared_model::{DeviceFault, InferError, LayerSource, ModelSource, Provenance, Requant, WeightOrder};

use super::{Fixture, fault_of};

/// A hidden layer: the device says so when it starts, with both numbers.
pub fn layer_too_wide(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let fault = fault_of(device, lab, &zeros(2048, 10)?)?;
    let available = room(device).0;
    assert_eq!(fault, DeviceFault::TooLarge(InferError::Width { needed: 2048, available }));
    let text = fault.to_string();
    assert!(text.contains("2048 neurons") && text.contains(&format!("room for {available}")), "{text}");
    // One that just fits is run.
    device.start(lab, &zeros(available as usize, 10)?)?.client.hello()?;
    Ok(())
}

/// As [`layer_too_wide`], for the last layer.
pub fn too_many_classes(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let fault = fault_of(device, lab, &zeros(8, 200)?)?;
    let available = room(device).1;
    assert_eq!(fault, DeviceFault::TooLarge(InferError::Classes { needed: 200, available }));
    let text = fault.to_string();
    assert!(text.contains("200 classes") && text.contains(&format!("room for {available}")), "{text}");
    device.start(lab, &zeros(8, available as usize)?)?.client.hello()?;
    Ok(())
}

/// Neurons of a hidden layer and classes that a board has room for: `Buffers` in its binary, README.md under "Limits".
fn room(device: Device) -> (u32, u32) {
    match device.board().map_or("", |board| &board.name) {
        "microbit" => (256, 16),
        _ => (1024, 32),
    }
}

/// A model for pictures of two pixels, with one hidden layer, whose weights are all zero.
fn zeros(hidden: usize, classes: usize) -> Result<Vec<u8>, Failed> {
    let most = hidden.max(classes);
    let (biases, weights) = (vec![0; most], vec![0; 2.max(classes) * hidden]);
    let requants = vec![Requant::new(Requant::MIN_MULTIPLIER, 40).ok_or("both are in range")?; most];
    let layer = |inputs: usize, outputs: usize| LayerSource {
        order: WeightOrder::default(),
        biases: &biases[..outputs],
        requants: &requants[..outputs],
        weights: &weights[..inputs * outputs],
    };
    let source = ModelSource {
        class_names: &vec!["zero"; classes],
        rows: 1,
        columns: 2,
        layers: &[layer(2, hidden), layer(hidden, classes)],
        golden: &[],
        provenance: Provenance {
            trainer: "test",
            backend: "none",
            seed: 0,
            epochs: 0,
            data_sha256: [0; 32],
            train_pictures: 0,
            train_correct_float: 0,
            test_pictures: 0,
            test_correct_float: 0,
            test_correct_fixed: 0,
        },
    };
    let mut model = vec![0; source.encoded_length_bound()];
    let length = source.encode(&mut model).map_err(|error| error.to_string())?;
    model.truncate(length);
    Ok(model)
}
