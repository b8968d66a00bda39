//! Networks of other programs and their outputs: `tests/fixtures/import`.

mod keras;
mod onnx;
mod tflite;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prenda::Shape;
use serde::Deserialize;

use crate::network::{Network, backend, input_tensor};
use networks::GraphNetwork;

/// The size of the images.
pub const IMAGE: Shape = Shape::grey(12, 11);

/// Images, and the outputs of each network for them.
#[derive(Deserialize)]
pub struct Record {
    pub images: Vec<Vec<u8>>,
    pub outputs: BTreeMap<String, Vec<Vec<f32>>>,
}

impl Record {
    pub fn read(name: &str) -> Self {
        serde_json::from_slice(&fixture(name)).unwrap()
    }
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/import")
}

pub fn fixture(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// Returns the logits of a network for pixels in 0..=1.
pub fn logits(network: GraphNetwork, images: &[Vec<u8>]) -> Vec<Vec<f32>> {
    let device = backend::processor();
    let network = Network::new(network.plan, network.parameters, &device);
    let images = input_tensor(images.iter().map(Vec::as_slice), IMAGE.count(), &device);
    let values: Vec<f32> = network.forward(images).try_into_vec_as().unwrap();
    values.chunks(3).map(<[f32]>::to_vec).collect()
}

/// Checks that numbers differ by at most `tolerance` of the largest expected one.
pub fn check_close(found: &[f32], expected: &[f32], tolerance: f32, name: &str) {
    let most = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance * most, "{name}: {found} {expected}");
    }
}
