//! Imports files of Keras, and compares them with what it computes:
//! `tests/fixtures/import/make_keras.py`.

use proptest::prelude::*;

use super::{IMAGE, Record, check_close, fixture, logits};
use crate::model::softmax::softmax;
use crate::network::PixelForm;
use crate::support::damage::damaged;
use networks::keras::{KerasError, KerasFile};

fn file(name: &str) -> Result<KerasFile, KerasError> {
    if name.ends_with(".keras") { KerasFile::of_archive(&fixture(name)) } else { KerasFile::of_hdf5(fixture(name)) }
}

#[test]
fn outputs_are_those_of_keras() {
    let Record { images, outputs } = Record::read("keras_files.json");
    for name in ["convolutions.keras", "means.h5", "dense.keras"] {
        let file = file(name).unwrap();
        let mut network = file.network(IMAGE, 3).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (stem, _) = name.split_once('.').unwrap();
        if stem == "dense" {
            let raw = PixelForm { scale: 1.0, ..PixelForm::PLAIN };
            raw.fold_into(network.parameters.first_mut().unwrap());
        }
        for (mut found, expected) in logits(network, &images).into_iter().zip(&outputs[stem]) {
            if stem != "convolutions" {
                found = softmax(found.into_iter().map(f64::from)).into_iter().map(|value| value as f32).collect();
            }
            check_close(&found, expected, 1e-4, name);
        }
    }
}

#[test]
fn a_file_of_weights_has_arrays_by_their_paths() {
    let file = file("dense.weights.h5").unwrap();
    assert!(!file.has_network());
    let arrays: Vec<_> = file.into_arrays().map(|(path, array)| (path, array.sizes)).collect();
    let expected = [
        ("layers/dense/vars/0", vec![132, 8]),
        ("layers/dense/vars/1", vec![8]),
        ("layers/dense_1/vars/0", vec![8, 3]),
        ("layers/dense_1/vars/1", vec![3]),
    ];
    assert_eq!(arrays, expected.map(|(path, sizes)| (path.to_owned(), sizes)));
}

proptest! {
    #[test]
    fn a_damaged_file_gives_a_network_or_an_error(
        (name, bytes) in proptest::sample::select(vec!["convolutions.keras", "means.h5", "dense.weights.h5"])
            .prop_flat_map(|name| damaged(fixture(name)).prop_map(move |bytes| (name, bytes)))
    ) {
        let file = if name.ends_with(".keras") { KerasFile::of_archive(&bytes) } else { KerasFile::of_hdf5(bytes) };
        if let Ok(Ok(network)) = file.map(|file| file.network(IMAGE, 3)) {
            for (parameters, name) in network.parameters.iter().zip(network.names) {
                prop_assert_eq!(parameters.weights.len(), parameters.inputs * parameters.outputs, "{}", name.operator);
            }
        }
    }
}
