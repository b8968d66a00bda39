//! Configurations that are changed.

use std::fs;

use super::*;

const IMAGE: Shape = Shape::grey(12, 11);

fn file(name: &str) -> KerasFile {
    let bytes = fs::read(format!("{}/../../tests/fixtures/import/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    if name.ends_with(".keras") { KerasFile::of_archive(&bytes) } else { KerasFile::of_hdf5(bytes) }.unwrap()
}

#[test]
fn what_a_model_cannot_compute_is_refused_by_name() {
    let good = file("convolutions.keras");
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
    let mut means = file("means.h5");
    let again = serde_json::json!([{"args": [{"config": {"keras_history": ["reshape", 0, 0]}}]}]);
    means.configuration["config"]["layers"][3]["inbound_nodes"] = again;
    let error = means.network(IMAGE, 3).unwrap_err().to_string();
    assert!(error.contains("layer first, Conv2D: reads reshape, expected the layer before it"), "{error}");
}
