//! Imports files of Keras, and compares them with what it computes:
//! `tests/fixtures/import/make_keras.py`.

use proptest::prelude::*;

use super::*;
use crate::model::import::fixtures::{IMAGE, Record, check_close, fixture, logits};
use crate::model::softmax::softmax;
use crate::network::PixelForm;
use crate::support::damage::damaged;

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

#[test]
fn what_a_model_cannot_compute_is_refused_by_name() {
    let good = file("convolutions.keras").unwrap();
    let layers = good.configuration["config"]["layers"].as_array().unwrap().len();
    assert_eq!(layers, 13);
    type Change = fn(&mut Value);
    let cases: [(Change, &[&str]); 7] = [
        (|config| config["class_name"] = "Custom".into(), &["no network: \"Custom\""]),
        (
            |config| config["config"]["layers"][3]["class_name"] = "LeakyReLU".into(),
            &["layer re_lu, LeakyReLU: not supported; train with ReLU"],
        ),
        (
            |config| config["config"]["layers"][1]["config"]["activation"] = "tanh".into(),
            &["layer conv2d, Conv2D: activation tanh, expected relu"],
        ),
        (|config| config["config"]["layers"][1]["config"]["data_format"] = "channels_first".into(), &["channels_last"]),
        (|config| config["config"]["layers"][1]["config"]["name"] = "other".into(), &["no array kernel"]),
        (
            |config| config["config"]["layers"][1]["config"]["dilation_rate"] = serde_json::json!([2, 2]),
            &["dilation 2x2"],
        ),
        (|config| config["config"]["layers"][0]["config"]["batch_shape"] = Value::Null, &["no sizes of its input"]),
    ];
    for (change, parts) in cases {
        let mut configuration = good.configuration.clone();
        change(&mut configuration);
        let arrays =
            Arrays { arrays: good.arrays.arrays.clone(), layers: good.arrays.layers.clone(), configuration: None };
        let error = KerasFile { configuration, arrays }.network(IMAGE, 3).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}, expected {parts:?}");
    }
    // A value that is used again.
    let mut means = file("means.h5").unwrap();
    let again = serde_json::json!([{"args": [{"config": {"keras_history": ["reshape", 0, 0]}}]}]);
    means.configuration["config"]["layers"][3]["inbound_nodes"] = again;
    let error = means.network(IMAGE, 3).unwrap_err().to_string();
    assert!(error.contains("layer first, Conv2D: reads reshape, expected the layer before it"), "{error}");
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
