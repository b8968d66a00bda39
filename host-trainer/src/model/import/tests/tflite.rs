//! Imports files of TensorFlow Lite's converter, and compares them with its reference kernels and
//! with Keras: `tests/fixtures/import/make_keras.py`.

use proptest::prelude::*;

use super::{IMAGE, Record, check_close, fixture, logits};
use crate::model::import::file::{GraphContent, GraphFile};
use crate::network::PixelForm;
use crate::support::damage::damaged;
use networks::GraphNetwork;

const RAW: PixelForm = PixelForm { scale: 1.0, mean: 0.0, std: 1.0 };

fn lite(name: &str, form: PixelForm) -> GraphContent {
    GraphFile::TfLite(fixture(name)).content(IMAGE, 3, form).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns a network that takes pixels in 0..=1.
fn for_unit_pixels(mut network: GraphNetwork, form: PixelForm) -> GraphNetwork {
    form.fold_into(network.parameters.first_mut().unwrap());
    network
}

#[test]
fn logits_of_floats_are_those_of_tensorflow_lite() {
    let Record { images, outputs } = Record::read("keras_files.json");
    for (name, form) in [("convolutions", PixelForm::PLAIN), ("means", PixelForm::PLAIN), ("dense", RAW)] {
        let name = format!("{name}-float.tflite");
        let GraphContent { network, notes, integers } = lite(&name, form);
        assert!(notes.is_empty() && integers.is_none(), "{notes:?}");
        for (found, expected) in logits(for_unit_pixels(network, form), &images).iter().zip(&outputs[&name]) {
            check_close(found, expected, 1e-4, &name);
        }
    }
}

#[test]
fn integers_are_kept_and_give_the_same_outputs_as_the_reference_kernels() {
    let Record { images, outputs } = Record::read("keras_files.json");
    for (name, form) in [("convolutions-int8", PixelForm::PLAIN), ("dense-int8", RAW)] {
        let name = format!("{name}.tflite");
        let GraphContent { notes, integers, .. } = lite(&name, form);
        assert_eq!(notes, ["the integers of the file are kept"], "{name}");
        let integers = integers.unwrap();
        for (image, expected) in images.iter().zip(&outputs[&name]) {
            let found: Vec<f32> = integers.outputs(image).into_iter().map(|value| value as f32).collect();
            assert_eq!(&found, expected, "{name}");
        }
    }
    // The same network with inputs and outputs in floating point.
    let [one, two] = ["convolutions-int8.tflite", "convolutions-int8-float.tflite"]
        .map(|name| lite(name, PixelForm::PLAIN).integers.unwrap());
    assert_eq!((one.layers, one.last, one.zero), (two.layers, two.last, two.zero));
}

#[test]
fn integers_that_a_model_cannot_have_are_read_as_numbers() {
    let Record { images, outputs } = Record::read("keras_files.json");
    let GraphContent { network, notes, integers } = lite("means-int8.tflite", PixelForm::PLAIN);
    assert!(integers.is_none() && notes[0].contains("quantized again: operator 7, MEAN"), "{notes:?}");
    // Steps of 8 bits.
    let expected = outputs["means-float.tflite"].concat();
    check_close(&logits(network, &images).concat(), &expected, 0.05, "means-int8");
    let GraphContent { notes, integers, .. } = lite("dense-int8.tflite", PixelForm::PLAIN);
    assert!(integers.is_none() && notes[0].contains("steps of 1, which are not pixels as --pixel-scale"), "{notes:?}");
}

proptest! {
    #[test]
    fn a_damaged_file_gives_a_network_or_an_error(
        bytes in proptest::sample::select(vec!["convolutions-int8.tflite", "means-float.tflite", "dense-int8.tflite"])
            .prop_flat_map(|name| damaged(fixture(name)))
    ) {
        let content = GraphFile::TfLite(bytes).content(IMAGE, 3, PixelForm::PLAIN);
        if let Ok(GraphContent { network, integers, .. }) = content {
            for (parameters, name) in network.parameters.iter().zip(network.names) {
                prop_assert_eq!(parameters.weights.len(), parameters.inputs * parameters.outputs, "{}", name.operator);
            }
            if let Some(integers) = integers {
                prop_assert_eq!(integers.outputs(&[7; 132]).len(), 3);
            }
        }
    }
}
