//! The blob and the inference on it: round trips, a plain reference, and damage of every kind.

mod common;

use common::{Network, networks, provenance};
use proptest::prelude::*;
use shared_model::{
    BlobError, EncodeError, HostWorkspace, ModelView, Requant, Stage, WeightOrder, Workspace, argmax, blob_length,
    self_test,
};

proptest! {
    #[test]
    fn inference_is_the_reference_to_the_last_bit(network in networks()) {
        let blob = network.encode();
        let view = ModelView::parse(&blob).unwrap();
        let mut workspace = HostWorkspace::new();
        let mut hidden: Vec<Vec<i128>> = Vec::new();
        let prediction = workspace.infer_with(&view, &network.picture, &mut |stage| {
            if let Stage::Activations { activations, .. } = stage {
                hidden.push(activations.iter().map(|&value| value.into()).collect());
            }
        });
        let prediction = prediction.unwrap();
        let mut expected = network.reference_outputs();
        let last = expected.pop().unwrap();
        let expected_logits: Vec<i32> = last.into_iter().map(|logit| logit.try_into().unwrap()).collect();
        prop_assert_eq!(hidden, expected);
        prop_assert_eq!(prediction.logits, &expected_logits[..]);
        prop_assert_eq!(prediction.class, argmax(&expected_logits));
        prop_assert_eq!(prediction.probabilities.iter().map(|&p| u32::from(p)).sum::<u32>(), 32768);
        prop_assert_eq!(self_test(&view, &mut workspace), Ok(()));
    }

    #[test]
    fn what_is_encoded_is_what_is_parsed(network in networks()) {
        let blob = network.encode();
        let view = ModelView::parse(&blob).unwrap();
        prop_assert_eq!((view.rows(), view.columns()), (network.rows.into(), network.columns.into()));
        prop_assert!(view.class_names().eq(network.class_names.iter().map(String::as_str)));
        prop_assert_eq!(view.provenance(), provenance());
        prop_assert_eq!(view.golden().map(|golden| golden.input).collect::<Vec<_>>(), [&network.picture[..]]);
        prop_assert_eq!(view.layers().count(), network.layers.len());
        for (layer, source) in view.layers().zip(&network.layers) {
            prop_assert_eq!(layer.weights().as_ptr().addr().wrapping_sub(blob.as_ptr().addr()) % 16, 0);
            for output in 0..layer.outputs() {
                prop_assert_eq!(layer.bias(output), source.biases[output]);
                prop_assert_eq!(layer.requant(output), source.requants[output]);
                for input in 0..layer.inputs() {
                    prop_assert_eq!(layer.weight(output, input), source.weights[output * layer.inputs() + input]);
                }
            }
        }
    }

    #[test]
    fn any_changed_byte_is_refused(network in networks(), position: prop::sample::Index, change in 1..=255_u8) {
        let mut blob = network.encode();
        let position = position.index(blob.len());
        blob[position] ^= change;
        prop_assert!(ModelView::parse(&blob).is_err());
    }

    #[test]
    fn behind_a_right_checksum_any_bytes_are_an_error_or_a_model_that_infers(
        network in networks(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut blob = network.encode();
        let fields = blob.len() - 4;
        for (position, byte) in damage {
            blob[position.index(fields)] = byte;
        }
        repair_checksum(&mut blob);
        if let Ok(view) = ModelView::parse(&blob) {
            let mut workspace = HostWorkspace::new();
            let pixels = vec![255; view.input_width()];
            let sum: u32 = workspace.infer(&view, &pixels).unwrap().probabilities.iter().map(|&p| u32::from(p)).sum();
            prop_assert_eq!(sum, 32768);
            let _ = self_test(&view, &mut workspace);
        }
    }

    #[test]
    fn any_bytes_at_all_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(ModelView::parse(&bytes).is_err());
    }
}

fn repair_checksum(blob: &mut [u8]) {
    let (fields, checksum) = blob.split_last_chunk_mut::<4>().unwrap();
    *checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(fields).to_le_bytes();
}

/// Two inputs, two hidden neurons, two classes.
fn small() -> Network {
    let requant = Requant::new(1 << 30, 40).unwrap();
    let layer = |weights: [i8; 4]| common::Layer {
        order: WeightOrder::Pairs,
        biases: vec![10, -10],
        requants: vec![requant; 2],
        weights: weights.to_vec(),
    };
    Network {
        rows: 1,
        columns: 2,
        class_names: vec!["no".into(), "yes".into()],
        layers: vec![layer([1, -2, 3, 127]), layer([5, 6, -7, 8])],
        picture: vec![0, 200],
    }
}

#[test]
fn each_damage_has_its_own_error() {
    let blob = small().encode();
    let parse = |bytes: &[u8]| ModelView::parse(bytes).map(|view| view.id()).unwrap_err();
    let total = blob.len() as u32;

    assert_eq!(parse(&[]), BlobError::TooShort { found: 0 });
    assert_eq!(parse(&[0xFF, 0xD8, 0xFF, 0xE0, 0, 0x10, 0x4A, 0x46, 0x49, 0x46, 0, 1, 1]), BlobError::Magic);
    assert_eq!(parse(&blob[..40]), BlobError::Length { declared: total, found: 40 });
    let longer = [&blob[..], &[0]].concat();
    assert_eq!(parse(&longer), BlobError::Length { declared: total, found: total + 1 });
    assert_eq!(blob_length(&longer), Ok(blob.len()), "a flash region may be longer");

    let mut newer = blob.clone();
    newer[8] = 9;
    assert_eq!(parse(&newer), BlobError::Version { found: 9, supported: 1 });

    let mut flipped = blob.clone();
    flipped[60] ^= 1;
    assert!(matches!(parse(&flipped), BlobError::Checksum { .. }));
}

/// Three inputs and three outputs, so that both are filled up.
fn three_by_three(order: WeightOrder) -> Network {
    let mut weights = vec![1, 2, 3, 4, 5, 6, 7, -8, 9];
    common::fit(order, 3, 0, &mut weights);
    Network {
        rows: 1,
        columns: 3,
        class_names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        layers: vec![common::Layer {
            order,
            biases: vec![0; 3],
            requants: vec![Requant::new(1 << 30, 40).unwrap(); 3],
            weights,
        }],
        picture: vec![1, 2, 3],
    }
}

/// Weights that are none, and padding that is not zero, in all orders.
#[test]
fn weights_that_no_export_writes_are_refused() {
    let refused = |order, place: usize, byte| {
        let mut blob = three_by_three(order).encode();
        let address = ModelView::parse(&blob).unwrap().last_layer().weights().as_ptr().addr();
        let weights = address - blob.as_ptr().addr();
        assert_ne!(blob[weights + place], byte);
        blob[weights + place] = byte;
        repair_checksum(&mut blob);
        ModelView::parse(&blob).map(drop)
    };
    let weight = Err(BlobError::Weight { layer: 0 });
    // A block of pairs has 16 bytes; the second one's input 3 is padding, and of the first one's outputs 3 is.
    assert_eq!(refused(WeightOrder::Pairs, 16 + 2, 1), weight, "an input that is not there");
    assert_eq!(refused(WeightOrder::Pairs, 4 + 1, 1), weight, "an output that is not there");
    assert_eq!(refused(WeightOrder::Pairs, 0, 0x80), weight, "-128");
    assert_eq!(refused(WeightOrder::Pairs, 1, 0x80), weight, "-128 as the upper byte");
    assert_eq!(refused(WeightOrder::Pairs, 1, 5), Ok(()), "another weight");
    // A vector has 16 bytes, one for each input.
    assert_eq!(refused(WeightOrder::Vectors, 3, 129), weight, "an input that is not there");
    assert_eq!(refused(WeightOrder::Vectors, 3 * 16, 129), weight, "an output that is not there");
    assert_eq!(refused(WeightOrder::Vectors, 0, 0), weight, "-128");
    assert_eq!(refused(WeightOrder::Vectors, 0, 1), Ok(()), "-127");
    // A block of four bits has two words of two halfwords of four fields.
    let four_bits = |place, byte| refused(WeightOrder::FourBitPairs, place, byte);
    assert_eq!(four_bits(8 + 2, 0x89), weight, "an input that is not there");
    assert_eq!(four_bits(4, 0x89), weight, "an output that is not there, in another word");
    assert_eq!(four_bits(1, 0x18), weight, "an output that is not there, in the topmost field");
    for (place, byte) in [(0, 0x80), (0, 0x08), (1, 0x00)] {
        assert_eq!(four_bits(place, byte), weight, "-8");
    }
    assert_eq!(four_bits(1, 0x80), weight, "-8 in the topmost field");
    assert_eq!(four_bits(0, 0x1F), Ok(()), "-7 and 7");
    // A block of ternary weights has one word of two halfwords of eight fields.
    let ternary = |place, byte| refused(WeightOrder::TernaryPairs, place, byte);
    assert_eq!(ternary(4 + 2, 0x56), weight, "an input that is not there");
    assert_eq!(ternary(1, 0x16), weight, "an output that is not there");
    assert_eq!(ternary(1, 0x55), weight, "an output that is not there, in the topmost field");
    for byte in [0x57, 0x5D, 0x75, 0xD5] {
        assert_eq!(ternary(0, byte), weight, "2");
    }
    assert_eq!(ternary(1, 0x95), weight, "-2 in the topmost field");
    assert_eq!(ternary(0, 0x60), Ok(()), "-1, -1 and 1");
    // A block of a pruned layer is one of pairs.
    assert_eq!(refused(WeightOrder::Blocks, 16 + 2, 1), weight, "an input that is not there");
    assert_eq!(refused(WeightOrder::Blocks, 4 + 1, 1), weight, "an output that is not there");
    assert_eq!(refused(WeightOrder::Blocks, 0, 0x80), weight, "-128");
    assert_eq!(refused(WeightOrder::Blocks, 1, 5), Ok(()), "another weight");
}

/// Lists of a pruned layer that no export writes.
#[test]
fn lists_that_do_not_fit_their_layer_are_refused() {
    let blob = three_by_three(WeightOrder::Blocks).encode();
    let view = ModelView::parse(&blob).unwrap();
    assert_eq!(view.last_layer().weight_bytes(), 2 + 2 * 2 + 2 * 16);
    // One count, two places and two blocks, each table at the next multiple of 16.
    let blocks = view.last_layer().weights().as_ptr().addr() - blob.as_ptr().addr();
    let (counts, places) = (blocks - 32, blocks - 16);
    assert_eq!((&blob[counts..counts + 2], &blob[places..places + 4]), (&[2, 0][..], &[0, 0, 2, 0][..]));
    let refused = |changes: &[(usize, u8)]| {
        let mut blob = blob.clone();
        for &(offset, byte) in changes {
            assert_ne!(blob[offset], byte);
            blob[offset] = byte;
        }
        repair_checksum(&mut blob);
        ModelView::parse(&blob).map(drop)
    };
    let place = |block, place| Err(BlobError::Place { layer: 0, block, place });
    assert_eq!(refused(&[(places, 2)]), place(1, 2), "the same place twice");
    assert_eq!(refused(&[(places, 2), (places + 2, 0)]), place(1, 0), "places that fall");
    assert_eq!(refused(&[(places + 2, 4)]), place(1, 4), "a place beyond the inputs");
    assert_eq!(refused(&[(places + 3, 0xFF)]), place(1, 0xFF02), "a place far beyond them");
    assert_eq!(refused(&[(places + 2, 1)]), place(1, 1), "an odd place that rises by one");
    assert_eq!(refused(&[(places, 1)]), place(0, 1), "an odd place");
    let length = |expected| Err(BlobError::TableLength { offset: places as u32, expected, found: 4 });
    assert_eq!(refused(&[(counts, 1)]), length(2), "fewer blocks counted");
    assert_eq!(refused(&[(counts, 3)]), length(6), "more blocks counted");
    assert_eq!(refused(&[(counts + 1, 0xFF)]), length(2 * 0xFF02), "far more");
    let weights: Vec<_> = (0..16).filter(|index| blob[blocks + index] != 0).map(|index| (blocks + index, 0)).collect();
    assert_eq!(refused(&weights), Err(BlobError::EmptyBlock { layer: 0, block: 0 }));

    // A layer that is pruned to nothing is one, and says its biases.
    let mut network = three_by_three(WeightOrder::Blocks);
    network.layers[0].weights.fill(0);
    let empty = network.encode();
    let view = ModelView::parse(&empty).unwrap();
    assert_eq!(view.last_layer().weight_bytes(), 2);
    assert_eq!((view.last_layer().weight(1, 1), view.last_layer().weight(9, 9)), (0, 0));
}

/// Sums of some picture that would overflow, in every order.
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

/// Damage behind a right checksum: each rule of the format has its own error. Offsets are those of `golden_blob.hex`.
#[test]
fn each_broken_rule_has_its_own_error() {
    let parse = |offset: usize, byte: u8| {
        let mut blob = small().encode();
        blob[offset] = byte;
        repair_checksum(&mut blob);
        ModelView::parse(&blob).map(|view| view.id()).unwrap_err()
    };
    let most = 16_384;
    assert_eq!(parse(13, 0), BlobError::Width { found: 0, most }, "no rows");
    assert_eq!(parse(17, 0xFF), BlobError::Malformed { offset: 16 }, "a name that is not UTF-8");
    assert_eq!(parse(23, 0), BlobError::LayerCount { found: 0, most: 16 });
    for found in [0, 6, 7] {
        assert_eq!(parse(24, found), BlobError::WeightOrder { layer: 0, found: found.into() });
    }
    assert_eq!(parse(25, 0), BlobError::Width { found: 0, most }, "no outputs");
    assert_eq!(parse(27, 1), BlobError::Alignment { offset: 32 }, "padding that is not zero");
    assert_eq!(parse(31, 7), BlobError::TableLength { offset: 32, expected: 8, found: 7 });
    assert_eq!(parse(51, 0), BlobError::Requant { layer: 0, output: 0, multiplier: 0, shift: 40 });
    assert_eq!(parse(65, 63), BlobError::Requant { layer: 0, output: 1, multiplier: 1 << 30, shift: 63 });
    assert_eq!(parse(80, 0x80), BlobError::Weight { layer: 0 }, "a weight of -128");
    assert_eq!(parse(84, 1), BlobError::Weight { layer: 0 }, "a weight of an output that is not there");
    assert_eq!(parse(35, 0x80), BlobError::Overflow { layer: 0, output: 0 }, "a bias near the least i32");

    let with_inserted = |at: usize, bytes: &[u8]| {
        let mut blob = small().encode();
        blob.splice(at..at, bytes.iter().copied());
        let length = blob.len() as u32;
        blob[9..13].copy_from_slice(&length.to_le_bytes());
        repair_checksum(&mut blob);
        ModelView::parse(&blob).map(|view| view.id()).unwrap_err()
    };
    let end = small().encode().len() - 4;
    assert_eq!(with_inserted(end, &[0; 3]), BlobError::LeftOver { offset: end as u32, count: 3 });
    // The same number in more bytes than it takes; a desk must not accept what a device would not.
    let mut longer = small().encode();
    longer[13] = 0x81;
    longer.insert(14, 0);
    let length = longer.len() as u32;
    longer[9..13].copy_from_slice(&length.to_le_bytes());
    repair_checksum(&mut longer);
    assert_eq!(ModelView::parse(&longer).unwrap_err(), BlobError::Malformed { offset: 13 });
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
    assert_eq!(error(|network| network.rows = 0), width(0));
    assert_eq!(error(|network| network.layers[1] = common::Layer::default()), width(0));
    assert_eq!(error(|network| network.layers.clear()), BlobError::LayerCount { found: 0, most: 16 }.into());
    assert_eq!(
        error(|network| network.class_names.push("more".into())),
        BlobError::Classes { names: 3, outputs: 2, most: 256 }.into()
    );
    assert!(matches!(error(|network| _ = network.layers[1].weights.pop()), EncodeError::Shape { layer: 1, .. }));
}

#[test]
fn a_model_too_large_for_a_workspace_is_told() {
    let blob = small().encode();
    let view = ModelView::parse(&blob).unwrap();
    assert_eq!(
        Workspace::<1, 10>::new().infer(&view, &[1, 2]).unwrap_err().to_string(),
        "the model's widest hidden layer has 2 neurons, this build has room for 1"
    );
    assert_eq!(
        Workspace::<2, 1>::new().infer(&view, &[1, 2]).unwrap_err().to_string(),
        "the model has 2 classes, this build has room for 1"
    );
    assert_eq!(
        Workspace::<2, 2>::new().infer(&view, &[1]).unwrap_err().to_string(),
        "the picture has 1 pixels, the model takes 2"
    );
}

/// The format, pinned: a change of these bytes is a change of `docs/format.md`, and of a number in it as its rule says.
#[test]
fn golden_bytes() {
    let blob = small().encode();
    let hex: Vec<String> =
        blob.chunks(16).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    assert_eq!(hex, include_str!("golden_blob.hex").lines().collect::<Vec<_>>());
}
