//! Malformed models with a valid checksum: each is refused with its own error.

use std::collections::HashSet;

use checks::{Layer, Network, any_blob, any_sealed, cascade, fit, hostile_blobs, provenance, write_checksum};
use prenda_core::{
    BlobError, DeviceFault, EncodeError, HostWorkspace, LayerKind, LayerSource, Model, ModelSource, NetworkSource,
    Requant, Shape, WeightOrder, self_test,
};

#[test]
fn each_malformed_model_has_its_own_error() {
    for hostile in hostile_blobs() {
        assert_eq!(verdict(&hostile.blob), Err(hostile.fault), "{}", hostile.name);
    }
}

/// Parses and self-tests the blob, like a device that has it in its flash.
fn verdict(blob: &[u8]) -> Result<(), DeviceFault> {
    let view = Model::parse(blob).map_err(DeviceFault::Blob)?;
    self_test(&view, &mut HostWorkspace::new()).map_err(DeviceFault::SelfTest)
}

#[test]
fn a_sealed_model_is_refused_for_all_but_its_weights() {
    let mut accepted = 0;
    for hostile in hostile_blobs() {
        let DeviceFault::Blob(fault) = hostile.fault else { continue };
        match (any_sealed(&hostile.blob), fault) {
            (Ok(()), BlobError::Weight { .. } | BlobError::Overflow { .. } | BlobError::EmptyBlock { .. }) => {
                accepted += 1
            }
            // Errors of later fields.
            (Err(_), BlobError::Weight { .. } | BlobError::Overflow { .. } | BlobError::EmptyBlock { .. }) => {}
            // The length is wrong, so the seal is at another position.
            (Err(_), BlobError::Length { .. } | BlobError::TooShort { .. }) => {}
            (found, fault) => assert_eq!(found, Err(fault), "{}", hostile.name),
        }
    }
    assert_ne!(accepted, 0);
}

#[test]
fn each_error_has_a_malformed_model() {
    let covered: HashSet<u8> = hostile_blobs().iter().filter_map(|hostile| number(hostile.fault)).collect();
    assert_eq!(covered, (0..29).collect());
}

/// Returns a number for each error that a blob with a valid checksum can cause. A new error needs a
/// number and a malformed model.
fn number(fault: DeviceFault) -> Option<u8> {
    match fault {
        DeviceFault::Blob(error) => match error {
            BlobError::TooShort { .. } | BlobError::Checksum { .. } => None,
            BlobError::Misaligned { .. } | BlobError::Unsealed | BlobError::Seal { .. } => None,
            BlobError::Magic => Some(0),
            BlobError::Version { .. } => Some(1),
            BlobError::Length { .. } => Some(2),
            BlobError::Malformed { .. } => Some(3),
            BlobError::LeftOver { .. } => Some(4),
            BlobError::Alignment { .. } => Some(5),
            BlobError::TableLength { .. } => Some(6),
            BlobError::Width { .. } => Some(7),
            BlobError::LayerCount { .. } => Some(8),
            BlobError::Classes { .. } => Some(9),
            BlobError::WeightOrder { .. } => Some(10),
            BlobError::Weight { .. } => Some(11),
            BlobError::Requant { .. } => Some(12),
            BlobError::Overflow { .. } => Some(13),
            BlobError::Place { .. } => Some(14),
            BlobError::EmptyBlock { .. } => Some(15),
            BlobError::GoldenCount { .. } => Some(16),
            BlobError::NewerThanNeeded => Some(17),
            BlobError::NetworkCount { .. } => Some(18),
            BlobError::Margin { .. } => Some(19),
            BlobError::LayerKind { .. } => Some(20),
            BlobError::LastLayer { .. } => Some(21),
            BlobError::EmptyWindow { .. } => Some(22),
            BlobError::WindowPadding { .. } => Some(23),
            BlobError::WindowTooLarge { .. } => Some(24),
            BlobError::Channels { .. } => Some(25),
            BlobError::FeatureCount { .. } => Some(26),
            BlobError::FeatureName { .. } => Some(27),
            BlobError::FeatureScaling { .. } => Some(28),
            other => panic!("{other:?} needs a number and a malformed model"),
        },
        // A device reports these; bytes do not cause them.
        _ => None,
    }
}

/// Tests bytes that encode no weight, and padding that is not zero, in all orders.
#[test]
fn weights_that_no_export_writes_are_refused() {
    let refused = |order, place: usize, byte| {
        let mut blob = three_by_three(order).encode();
        let address = Model::parse(&blob).unwrap().matrices().last().unwrap().weights().as_ptr().addr();
        let weights = address - blob.as_ptr().addr();
        assert_ne!(blob[weights + place], byte);
        blob[weights + place] = byte;
        write_checksum(&mut blob);
        any_blob(&blob)
    };
    let weight = Err(BlobError::Weight { layer: 0 });
    // A block of pairs has 16 bytes. Input 3 of the second block and output 3 of the first are
    // padding.
    assert_eq!(refused(WeightOrder::Pairs, 16 + 2, 1), weight, "an absent input");
    assert_eq!(refused(WeightOrder::Pairs, 4 + 1, 1), weight, "an absent output");
    assert_eq!(refused(WeightOrder::Pairs, 0, 0x80), weight, "-128");
    assert_eq!(refused(WeightOrder::Pairs, 1, 0x80), weight, "-128 as the upper byte");
    assert_eq!(refused(WeightOrder::Pairs, 1, 5), Ok(()), "another weight");
    // A vector has 16 bytes, one for each input.
    assert_eq!(refused(WeightOrder::Vectors, 3, 129), weight, "an absent input");
    assert_eq!(refused(WeightOrder::Vectors, 3 * 16, 129), weight, "an absent output");
    assert_eq!(refused(WeightOrder::Vectors, 0, 0), weight, "-128");
    assert_eq!(refused(WeightOrder::Vectors, 0, 1), Ok(()), "-127");
    // A block of four bits has two words of two halfwords of four fields.
    let four_bits = |place, byte| refused(WeightOrder::FourBitPairs, place, byte);
    assert_eq!(four_bits(8 + 2, 0x89), weight, "an absent input");
    assert_eq!(four_bits(4, 0x89), weight, "an absent output, in another word");
    assert_eq!(four_bits(1, 0x18), weight, "an absent output, in the topmost field");
    for (place, byte) in [(0, 0x80), (0, 0x08), (1, 0x00)] {
        assert_eq!(four_bits(place, byte), weight, "-8");
    }
    assert_eq!(four_bits(1, 0x80), weight, "-8 in the topmost field");
    assert_eq!(four_bits(0, 0x1F), Ok(()), "-7 and 7");
    // A block of ternary weights has one word of two halfwords of eight fields.
    let ternary = |place, byte| refused(WeightOrder::TernaryPairs, place, byte);
    assert_eq!(ternary(4 + 2, 0x56), weight, "an absent input");
    assert_eq!(ternary(1, 0x16), weight, "an absent output");
    assert_eq!(ternary(1, 0x55), weight, "an absent output, in the topmost field");
    for byte in [0x57, 0x5D, 0x75, 0xD5] {
        assert_eq!(ternary(0, byte), weight, "2");
    }
    assert_eq!(ternary(1, 0x95), weight, "-2 in the topmost field");
    assert_eq!(ternary(0, 0x60), Ok(()), "-1, -1 and 1");
    // A block of a pruned layer is one of pairs.
    assert_eq!(refused(WeightOrder::Blocks, 16 + 2, 1), weight, "an absent input");
    assert_eq!(refused(WeightOrder::Blocks, 4 + 1, 1), weight, "an absent output");
    assert_eq!(refused(WeightOrder::Blocks, 0, 0x80), weight, "-128");
    assert_eq!(refused(WeightOrder::Blocks, 1, 5), Ok(()), "another weight");
}

/// Tests sums that some image would overflow, in every order.
#[test]
fn layers_that_could_overflow_are_refused_in_every_order() {
    for order in WeightOrder::ALL {
        let mut network = three_by_three(order);
        let row = &network.layers[0].weights[3..6];
        let highest: i32 = row.iter().map(|&weight| i32::from(weight.max(0)) * 255).sum();
        network.layers[0].biases[1] = i32::MAX - highest;
        network.layers[0].requants[1] = Requant::new(1 << 30, 62).unwrap();
        assert!(network.try_encode().is_ok(), "{order:?}");
        network.layers[0].biases[1] += 1;
        let overflow = BlobError::Overflow { layer: 0, output: 1 };
        assert_eq!(network.try_encode().unwrap_err(), EncodeError::Blob(overflow), "{order:?}");
    }
}

#[test]
fn weights_too_large_for_their_order_are_not_written() {
    for order in WeightOrder::ALL {
        for weight in [order.largest_weight().wrapping_add(1), -order.largest_weight() - 1] {
            let mut network = three_by_three(order);
            network.layers[0].weights[4] = weight;
            let error = EncodeError::Blob(BlobError::Weight { layer: 0 });
            assert_eq!(network.try_encode().unwrap_err(), error, "{order:?} {weight}");
        }
    }
}

/// Tests the inputs that pad the rows of a window, in every order: the first layer's rows have
/// three inputs.
#[test]
fn weights_that_pad_a_windows_rows_are_refused() {
    for order in WeightOrder::ALL {
        let network = cascade(order);
        assert!(network.try_encode().is_ok(), "{order:?}");
        let inputs = network.layers[0].weights.len() / 3;
        assert_eq!(inputs, 3 * 4);
        for place in (3..3 * inputs).step_by(4) {
            let mut network = network.clone();
            assert_eq!(network.layers[0].weights[place], 0);
            network.layers[0].weights[place] = 1;
            let error = EncodeError::Blob(BlobError::Weight { layer: 0 });
            assert_eq!(network.try_encode().unwrap_err(), error, "{order:?} {place}");
        }
    }
}

#[test]
fn networks_with_a_wrong_margin_are_not_written() {
    let dense = three_by_three(WeightOrder::Pairs).layers;
    let layers: Vec<LayerSource<'_>> = dense.iter().map(Layer::source).collect();
    let encode = |margins: &[Option<i32>]| {
        let networks: Vec<_> = margins.iter().map(|&margin| NetworkSource { layers: &layers, margin }).collect();
        let source = ModelSource {
            class_names: &["a", "b", "c"],
            image: Shape::grey(1, 3),
            features: &[],
            networks: &networks,
            golden: &[],
            provenance: provenance(),
        };
        source.encode(&mut vec![0; source.encoded_length_bound()]).map(|_| ())
    };
    let network_count = |found| EncodeError::Blob(BlobError::NetworkCount { found, most: 4 });
    assert_eq!(encode(&[None]), Ok(()));
    assert_eq!(encode(&[Some(1), Some(i32::MAX), Some(2), None]), Ok(()));
    assert_eq!(encode(&[Some(1)]), Err(EncodeError::Margin { network: 0 }), "of the only network");
    assert_eq!(encode(&[None, None]), Err(EncodeError::Margin { network: 0 }), "none");
    assert_eq!(encode(&[Some(1), Some(1)]), Err(EncodeError::Margin { network: 1 }), "of the last network");
    let margin = BlobError::Margin { network: 1, found: 0 };
    assert_eq!(encode(&[Some(1), Some(0), None]), Err(EncodeError::Blob(margin)));
    assert_eq!(encode(&[]), Err(network_count(0)));
    assert_eq!(encode(&[Some(1), Some(1), Some(1), Some(1), None]), Err(network_count(5)));
}

/// Tests layers whose tables do not match their window: the first has 12 inputs and 3 outputs.
#[test]
fn windows_with_other_tables_are_not_written() {
    let error = |change: fn(&mut Network)| {
        let mut network = cascade(WeightOrder::Pairs);
        change(&mut network);
        network.try_encode().unwrap_err()
    };
    let shape =
        |layer, inputs, outputs, weights| EncodeError::Shape { layer, inputs, outputs, requants: outputs, weights };
    assert_eq!(error(|network| _ = network.layers[0].weights.pop()), shape(0, 12, 3, 35));
    assert_eq!(error(|network| network.shape.channels = 2), shape(0, 18, 3, 36));
    let depthwise = |network: &mut Network| network.layers[5].weights.push(0);
    assert_eq!(error(depthwise), shape(5, 4, 1, 5));
    assert_eq!(error(|network| network.layers[2].weights.push(1)), shape(2, 0, 0, 1), "a pool with weights");
    assert_eq!(error(|network| network.layers[2].biases.push(1)), shape(2, 0, 0, 0), "a pool with a bias");
    let change = |change: fn(&mut prenda_core::Window)| {
        let mut network = cascade(WeightOrder::Pairs);
        let LayerKind::Convolution(window) = &mut network.layers[0].kind else { panic!() };
        change(window);
        network.try_encode().unwrap_err()
    };
    assert_eq!(change(|window| window.stride[1] = 0), BlobError::EmptyWindow { layer: 0 }.into());
    assert_eq!(change(|window| window.padding[3] = 3), BlobError::WindowPadding { layer: 0 }.into());
    assert_eq!(change(|window| window.kernel[0] = 7), BlobError::WindowTooLarge { layer: 0 }.into());
}

/// Builds a network with three inputs and three outputs, so that both are padded.
fn three_by_three(order: WeightOrder) -> Network {
    let mut weights = vec![1, 2, 3, 4, 5, 6, 7, -8, 9];
    fit(order, 3, 0, &mut weights);
    Network {
        shape: Shape::grey(1, 3),
        features: Vec::new(),
        ends: Vec::new(),
        class_names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        layers: vec![Layer {
            order,
            biases: vec![0; 3],
            requants: vec![Requant::new(1 << 30, 40).unwrap(); 3],
            weights,
            ..Layer::default()
        }],
        image: vec![1, 2, 3],
    }
}
