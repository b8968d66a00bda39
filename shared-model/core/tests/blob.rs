//! Tests of the blob and of inference: round trips, a simple reference, and every kind of damage.

mod common;

use checks::{Layer, Network, any_blob, write_checksum};
use common::networks;
use prenda_core::{
    BlobError, EncodeError, Feature, HostWorkspace, LayerKind, Model, Requant, Scaling, Shape, Stage, WeightOrder,
    Window, Workspace, argmax, blob_length, self_test,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn inference_equals_the_reference_to_the_last_bit(network in networks()) {
        let blob = network.encode();
        let view = Model::parse(&blob).unwrap();
        let mut workspace = HostWorkspace::new();
        let mut hidden: Vec<Vec<i64>> = Vec::new();
        let prediction = workspace.infer_with(&view, &network.image, &mut |stage| {
            if let Stage::Activations { activations, .. } = stage {
                hidden.push(activations.iter().map(|&value| value.into()).collect());
            }
        });
        let prediction = prediction.unwrap();
        let mut expected = network.reference().outputs;
        let last = expected.pop().unwrap();
        let expected_logits: Vec<i32> = last.into_iter().map(|logit| logit.try_into().unwrap()).collect();
        prop_assert_eq!(hidden, expected);
        prop_assert_eq!(prediction.logits, &expected_logits[..]);
        prop_assert_eq!(prediction.class, argmax(&expected_logits));
        prop_assert_eq!(prediction.probabilities.iter().map(|&p| u32::from(p)).sum::<u32>(), 32768);
        prop_assert_eq!(self_test(&view, &mut workspace), Ok(()));
    }

    #[test]
    fn encoded_networks_are_parsed_back(network in networks()) {
        let blob = network.encode();
        network.assert_matches(&Model::parse(&blob).unwrap());
        prop_assert_eq!(any_blob(&blob), Ok(()));
    }

    #[test]
    fn all_non_zero_weights_are_stored(network in networks()) {
        let blob = network.encode();
        let sorted = |weights: &mut dyn Iterator<Item = i8>| {
            let mut weights: Vec<_> = weights.filter(|weight| *weight != 0).collect();
            weights.sort_unstable();
            weights
        };
        for (layer, expected) in Model::parse(&blob).unwrap().matrices().zip(&network.layers) {
            let mut stored = Vec::new();
            layer.visit_stored(|weight| stored.push(weight));
            prop_assert_eq!(sorted(&mut stored.into_iter()), sorted(&mut expected.weights.iter().copied()));
        }
    }

    #[test]
    fn any_changed_byte_is_refused(network in networks(), position: prop::sample::Index, change in 1..=255_u8) {
        let mut blob = network.encode();
        let position = position.index(blob.len());
        blob[position] ^= change;
        prop_assert!(Model::parse(&blob).is_err());
    }

    #[test]
    fn any_bytes_with_a_valid_checksum_are_an_error_or_a_model_that_infers(
        network in networks(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut blob = network.encode();
        for (position, byte) in damage {
            let position = position.index(blob.len() - 4);
            blob[position] = byte;
        }
        write_checksum(&mut blob);
        let _ = any_blob(&blob);
    }

    #[test]
    fn any_bytes_at_all_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Model::parse(&bytes).is_err());
    }
}

/// Builds a network with two inputs, two hidden neurons, two classes.
fn small() -> Network {
    let requant = Requant::new(1 << 30, 40).unwrap();
    let layer = |weights: [i8; 4]| Layer {
        order: WeightOrder::Pairs,
        biases: vec![10, -10],
        requants: vec![requant; 2],
        weights: weights.to_vec(),
        ..Layer::default()
    };
    Network {
        shape: Shape::grey(1, 2),
        features: Vec::new(),
        ends: Vec::new(),
        class_names: vec!["no".into(), "yes".into()],
        layers: vec![layer([1, -2, 3, 127]), layer([5, 6, -7, 8])],
        image: vec![0, 200],
    }
}

#[test]
fn each_damage_has_its_own_error() {
    let blob = small().encode();
    let parse = |bytes: &[u8]| Model::parse(bytes).map(|view| view.id()).unwrap_err();
    let total = blob.len() as u32;

    assert_eq!(parse(&[]), BlobError::TooShort { found: 0 });
    assert_eq!(parse(&[0xFF, 0xD8, 0xFF, 0xE0, 0, 0x10, 0x4A, 0x46, 0x49, 0x46, 0, 1, 1]), BlobError::Magic);
    assert_eq!(parse(&blob[..40]), BlobError::Length { declared: total, found: 40 });
    let longer = [&blob[..], &[0]].concat();
    assert_eq!(parse(&longer), BlobError::Length { declared: total, found: total + 1 });
    assert_eq!(blob_length(&longer), Ok(blob.len()), "a flash region can be longer");

    let mut newer = blob.clone();
    newer[8] = 9;
    assert_eq!(parse(&newer), BlobError::Version { found: 9, supported: 3 });

    let mut flipped = blob.clone();
    flipped[60] ^= 1;
    assert!(matches!(parse(&flipped), BlobError::Checksum { .. }));
}

#[test]
fn a_network_that_breaks_a_rule_is_not_written() {
    let error = |change: fn(&mut Network)| {
        let mut network = small();
        change(&mut network);
        network.try_encode().unwrap_err()
    };
    let overflow = |layer, output| EncodeError::Blob(BlobError::Overflow { layer, output });
    let width = |found| EncodeError::Blob(BlobError::Width { found, most: 16_384 });
    // The weights of this output add up to at most 130 * 255.
    assert_eq!(error(|network| network.layers[0].biases[1] = i32::MAX - 130 * 255 + 1), overflow(0, 1));
    assert!({
        let mut network = small();
        network.layers[0].biases[1] = i32::MAX - 130 * 255;
        network.try_encode().is_ok()
    });
    assert_eq!(error(|network| network.layers[0].biases[0] = i32::MIN + 2 * 255 - 1), overflow(0, 0));
    let steep = |network: &mut Network| {
        network.layers[1].requants[1] = Requant::new(1 << 30, 1).unwrap();
    };
    assert_eq!(error(steep), overflow(1, 1), "a logit of more than 32 bits");
    assert_eq!(error(|network| network.shape.rows = 0), width(0));
    assert_eq!(error(|network| network.layers[1] = Layer::default()), width(0));
    assert_eq!(error(|network| network.layers.clear()), BlobError::LayerCount { found: 0, most: 16 }.into());
    assert_eq!(
        error(|network| network.class_names.push("more".into())),
        BlobError::Classes { names: 3, outputs: 2, most: 256 }.into()
    );
    assert!(matches!(error(|network| _ = network.layers[1].weights.pop()), EncodeError::Shape { layer: 1, .. }));
}

#[test]
fn a_model_too_large_for_a_workspace_is_refused() {
    let blob = small().encode();
    let view = Model::parse(&blob).unwrap();
    assert_eq!(
        Workspace::<59, 10>::new().infer(&view, &[1, 2]).unwrap_err().to_string(),
        "the layers of the model need 60 bytes of memory, but the workspace has 59"
    );
    assert_eq!(
        Workspace::<60, 1>::new().infer(&view, &[1, 2]).unwrap_err().to_string(),
        "the model has 2 classes, but the workspace has room for 1"
    );
    assert_eq!(
        Workspace::<60, 2>::new().infer(&view, &[1]).unwrap_err().to_string(),
        "image: found 1 pixels, expected 2"
    );
}

/// A layer without blocks is valid; its outputs are its biases.
#[test]
fn a_layer_without_blocks_is_valid() {
    let mut network = small();
    network.layers[1].order = WeightOrder::Blocks;
    network.layers[1].weights.fill(0);
    let blob = network.encode();
    assert_eq!(any_blob(&blob), Ok(()));
    let layer = *Model::parse(&blob).unwrap().matrices().last().unwrap();
    assert_eq!(layer.weight_bytes(), 2, "a count");
    assert_eq!((layer.weight(1, 1), layer.weight(9, 9)), (0, 0));
}

/// Builds a cascade with layers of every kind: images of three by three pixels, two classes.
fn small_cascade() -> Network {
    let requant = Requant::new(1 << 30, 40).unwrap();
    let layer = |kind, biases: &[i32], weights: &[i8]| Layer {
        kind,
        biases: biases.to_vec(),
        requants: vec![requant; biases.len()],
        weights: weights.to_vec(),
        ..Layer::default()
    };
    let window = |kernel, padding| Window { kernel, stride: [1, 1], padding };
    let (row, quarter) = (window([1, 3], [0, 1, 0, 1]), window([2, 2], [0; 4]));
    Network {
        shape: Shape::grey(3, 3),
        features: Vec::new(),
        ends: vec![(3, 1 << 16)],
        class_names: vec!["no".into(), "yes".into()],
        layers: vec![
            layer(LayerKind::Convolution(row), &[10, -10], &[1, -2, 3, 0, 4, 5, -6, 0]),
            layer(LayerKind::MaxPool(window([3, 3], [0; 4])), &[], &[]),
            layer(LayerKind::Dense, &[10, -10], &[5, 6, -7, 8]),
            layer(LayerKind::AveragePool(quarter), &[], &[]),
            layer(LayerKind::Depthwise(quarter), &[10], &[1, -2, 3, 4]),
            layer(LayerKind::Dense, &[10, -10], &[9, -9]),
        ],
        image: vec![0, 200, 0, 50, 0, 0, 0, 0, 100],
    }
}

/// Builds the network of format 1 with a feature for each input.
fn small_rows() -> Network {
    let feature = |name, decimals, offset, shift| {
        let scaling = Scaling::new(offset, Requant::new(1 << 30, shift).unwrap()).unwrap();
        Feature { name, decimals, scaling }
    };
    Network { features: vec![feature("height", 1, -40, 31), feature("°C", 0, 20, 28)], ..small() }
}

/// Pins all formats. A change of these bytes needs a change of `docs/format.md` and of the version
/// that it states.
#[test]
fn golden_bytes() {
    for (network, golden) in [
        (small(), include_str!("golden_blob.hex")),
        (small_cascade(), include_str!("golden_blob_2.hex")),
        (small_rows(), include_str!("golden_blob_3.hex")),
    ] {
        let lines = network.encode();
        let lines = lines.chunks(16).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect());
        assert_eq!(lines.collect::<Vec<String>>(), golden.lines().collect::<Vec<_>>());
    }
}
