//! Invalid and damaged models with a valid checksum: device and host agree on them.

use std::collections::HashMap;

use checks::{Hostile, cascade, hostile_blobs, reference, without_golden_vectors, write_checksum};
use libtest_mimic::Failed;
use parity::{Device, Lab};
use prenda::{BlobError, DeviceFault, Model, WeightOrder};

use super::{Case, Fixture, fault_of};

/// Cases for devices without a probe, which is only another way into flash.
pub const HOSTILE_CASES: &[(&str, Case)] =
    &[("hostile_models", hostile_models), ("damaged_with_valid_checksum", damaged_with_valid_checksum)];

/// Damaged models of each kind on each device; each takes a start.
const DAMAGES: usize = 6;

/// Every invalid model on loopback; on a board, which starts slowly, one for each error.
fn hostile_models(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    // Wrong lengths have a trial of their own: flash is longer than a model, so their errors differ
    // there.
    let is_length = |fault| matches!(fault, DeviceFault::Blob(BlobError::Length { .. }));
    let all = hostile_blobs().into_iter().filter(|hostile| !is_length(hostile.fault));
    let chosen: Vec<Hostile> = match device.board() {
        None => all.collect(),
        Some(_) => all.map(|hostile| (kind(hostile.fault), hostile)).collect::<HashMap<_, _>>().into_values().collect(),
    };
    assert!(chosen.len() >= 25, "{}", chosen.len());
    for Hostile { name, blob, fault } in chosen {
        assert_eq!(fault_of(device, lab, &blob)?, fault, "{name}");
    }
    Ok(())
}

/// Returns the names of a fault and its error, without their numbers.
fn kind(fault: DeviceFault) -> String {
    format!("{fault:?}").chars().take_while(|&letter| letter != ' ').collect()
}

/// One bit flipped, elsewhere on each device: the device reports the host's error, or computes the
/// slow reference's outputs.
fn damaged_with_valid_checksum(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let mut seed = device.name().bytes().fold(1_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let cascade = cascade(WeightOrder::Pairs).encode();
    for view in [fixture.view()?, Model::parse(&cascade).map_err(|error| error.to_string())?] {
        damage(device, lab, &view, &mut seed)?;
    }
    Ok(())
}

fn damage(device: Device, lab: &Lab, view: &Model<'_>, seed: &mut u32) -> Result<(), Failed> {
    // Golden vectors would detect most damage.
    let sound = without_golden_vectors(view);
    let image = view.golden().next().ok_or("the model has golden vectors")?.input;
    for count in 0..DAMAGES {
        let mut damaged = sound.clone();
        // Half of them near the start, where names and the first tables are.
        let end = (sound.len() - 4).min(if count % 2 == 0 { 1400 } else { usize::MAX });
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let position = 13 + *seed as usize % (end - 13);
        damaged[position] ^= 1 << (*seed >> 29);
        write_checksum(&mut damaged);
        let view = match Model::parse(&damaged) {
            Ok(view) => view,
            Err(error) => {
                assert_eq!(fault_of(device, lab, &damaged)?, DeviceFault::Blob(error), "byte {position}");
                continue;
            }
        };
        let mut session = device.start(lab, &damaged)?;
        session.client.hello_with(view.id())?;
        for image in [image, &vec![255; view.input_width()]] {
            session.client.send_image(image)?;
            let answer = session.client.receive_answer()?;
            let logits = answer.logits.as_chunks::<4>().0.iter().map(|bytes| i64::from(i32::from_le_bytes(*bytes)));
            let expected = reference(&view, image);
            let expected = expected.logits();
            assert!(logits.eq(expected.iter().copied()), "byte {position}");
        }
    }
    Ok(())
}
