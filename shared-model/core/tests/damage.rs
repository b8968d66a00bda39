//! One byte changed in a real model of 100 KB and in small models of format 2, at every position,
//! before and after its checksum is recomputed.
//!
//! In the real model, all positions outside the weights are tested, and one of 8 in them; with a
//! recomputed checksum, which takes longer, one of 128. `PRENDA_EVERY_DAMAGE=1` tests all
//! positions, and about 2,000 of them with all 255 other values.

use std::num::NonZero;
use std::ops::{Range, RangeInclusive};
use std::{env, thread};

use checks::{Network, any_blob, cascade, reference, write_checksum};
use prenda_core::{BlobError, HostWorkspace, Model, WeightOrder, self_test};

static MODEL: &[u8] = include_bytes!("../../../tests/fixtures/model.bin");

/// The bytes after magic, version and length, before the checksum.
const FIELDS: Range<usize> = 13..MODEL.len() - 4;

/// One of this many positions in the weights is tested.
const STEP_BEFORE_CHECKSUM: usize = 8;
const STEP_AFTER_CHECKSUM: usize = 128;

/// If every position is tested, one of this many is tested with all values.
const STEP_OF_ALL_VALUES: usize = FIELDS.end / 2_000;

/// CRC-32's polynomial, reflected.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// Checks all changes of all fields by arithmetic: CRC is linear, so the effect of a change on the
/// checksum depends only on the change and on the number of bytes after it. The next test compares
/// this arithmetic with the parser.
#[test]
fn every_change_of_a_field_changes_the_checksum() {
    for bits in effects() {
        let mut table = [0_u32; 256];
        for change in 1..256_usize {
            table[change] = table[change & (change - 1)] ^ bits[change.trailing_zeros() as usize];
            assert_ne!(table[change], 0);
        }
    }
}

/// Parses with one changed value; outside the fields, with all values.
#[test]
fn a_changed_byte_is_refused_at_any_position() {
    let effects = effects();
    let stored = checksum(MODEL);
    let field_changes = field_changes(STEP_BEFORE_CHECKSUM);
    in_parallel(MODEL, 0..MODEL.len(), |model, position| {
        let changes = if FIELDS.contains(&position) { field_changes(position) } else { Some(1..=255) };
        for change in changes.into_iter().flatten() {
            model[position] ^= change;
            let error = Model::parse(model).expect_err("the byte has changed");
            if FIELDS.contains(&position) {
                let computed = stored ^ effect(effects[position - FIELDS.start], change);
                assert_eq!(error, BlobError::Checksum { stored, computed }, "{position}");
            }
            model[position] ^= change;
        }
    });
}

#[test]
fn a_changed_byte_with_a_valid_checksum_is_an_error_or_a_model_that_infers() {
    let effects = effects();
    let field_changes = field_changes(STEP_AFTER_CHECKSUM);
    in_parallel(MODEL, FIELDS, |model, position| {
        for change in field_changes(position).into_iter().flatten() {
            let changed = checksum(MODEL) ^ effect(effects[position - FIELDS.start], change);
            model[position] ^= change;
            model[FIELDS.end..].copy_from_slice(&changed.to_le_bytes());
            error_or_model(model, position);
            model[position] ^= change;
        }
    });
}

/// Changes each bit of a convolutional network and of a cascade. In orders other than pairs,
/// changes one bit of each byte.
#[test]
fn a_changed_bit_of_format_2_is_an_error_or_a_model_that_infers() {
    for order in WeightOrder::ALL {
        let bits = |position| if order == WeightOrder::Pairs { 0..8 } else { position % 8..position % 8 + 1 };
        let cascade = cascade(order);
        let first = cascade.layers[..cascade.ends[0].0].to_vec();
        let alone = Network { layers: first, ends: Vec::new(), ..cascade.clone() };
        for blob in [cascade.encode(), alone.encode()] {
            assert_eq!(blob[8], 2, "the format version");
            in_parallel(&blob, FIELDS.start..blob.len() - 4, |model, position| {
                for bit in bits(position) {
                    model[position] ^= 1 << bit;
                    write_checksum(model);
                    // The bit decides if the model is refused. `any_blob` checks it otherwise.
                    let _ = any_blob(model);
                    model[position] ^= 1 << bit;
                }
            });
        }
    }
}

/// Compares the damaged model with the reference, for its golden images and a white one.
fn error_or_model(model: &[u8], position: usize) {
    let view = match Model::parse(model) {
        Ok(view) => view,
        Err(error) => return assert!(!matches!(error, BlobError::Checksum { .. }), "{position}: {error}"),
    };
    let mut workspace = HostWorkspace::new();
    let white = vec![255; view.input_width()];
    let golden = view.golden().next().map(|golden| golden.input);
    for image in golden.into_iter().chain([&white[..]]) {
        let expected = reference(&view, image);
        let expected = expected.logits();
        let found = workspace.infer(&view, image).expect("the image fits").logits;
        assert!(found.iter().map(|&logit| i64::from(logit)).eq(expected.iter().copied()), "{position}");
    }
    // The answers can differ from those of the export.
    let _ = self_test(&view, &mut workspace);
}

/// Returns the effect of each bit of each field byte on the checksum.
fn effects() -> Vec<[u32; 8]> {
    let byte = |sum: u32| (0..8).fold(sum, |sum, _| sum >> 1 ^ if sum & 1 == 1 { POLYNOMIAL } else { 0 });
    let mut bits = [1, 2, 4, 8, 16, 32, 64, 128];
    let mut effects: Vec<_> = FIELDS
        .map(|_| {
            bits = bits.map(byte);
            bits
        })
        .collect();
    // The last byte has no byte after it.
    effects.reverse();
    effects
}

fn effect(bits: [u32; 8], change: u8) -> u32 {
    (0..8).filter(|bit| change >> bit & 1 == 1).fold(0, |sum, bit| sum ^ bits[bit])
}

fn checksum(model: &[u8]) -> u32 {
    model.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Returns the changes to test at a position, if any; in the weights, at one position of `step`.
fn field_changes(step: usize) -> impl Fn(usize) -> Option<RangeInclusive<u8>> + Sync {
    let every = env::var_os("PRENDA_EVERY_DAMAGE").is_some();
    let weights = weights();
    let is_weight = move |position| weights.iter().any(|range| range.contains(&position));
    move |position| match (every, is_weight(position)) {
        (true, _) if position % STEP_OF_ALL_VALUES == 0 => Some(1..=255),
        (false, true) if position % step != 0 => None,
        _ => Some(one_change(position)),
    }
}

/// Returns a pseudorandom change, which is not zero.
fn one_change(position: usize) -> RangeInclusive<u8> {
    let change = ((position as u32).wrapping_mul(2_654_435_761) >> 16) as u8;
    change.max(1)..=change.max(1)
}

/// Returns the ranges of the weights.
fn weights() -> Vec<Range<usize>> {
    let view = Model::parse(MODEL).expect("the fixture is a model");
    let start = |table: &[u8]| table.as_ptr().addr() - MODEL.as_ptr().addr();
    view.matrices().map(|layer| start(layer.weights())..start(layer.weights()) + layer.weights().len()).collect()
}

/// Divides the positions among all cores. `check` restores its copy of the model each time.
fn in_parallel(model: &[u8], positions: Range<usize>, check: impl Fn(&mut [u8], usize) + Sync) {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for first in 0..cores {
            let (positions, check) = (positions.clone().skip(first).step_by(cores), &check);
            scope.spawn(move || {
                let mut model = model.to_vec();
                positions.for_each(|position| check(&mut model, position));
            });
        }
    });
}
