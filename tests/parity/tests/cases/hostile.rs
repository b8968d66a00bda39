//! Models that lie or are damaged behind a right checksum: device and desk say the same of them.

use std::collections::HashMap;

use checks::{Hostile, hostile_blobs, reference_outputs, seal, without_golden_vectors};
use libtest_mimic::Failed;
use parity::{Device, Lab};
use shared_model::{BlobError, DeviceFault, Model};

use super::{Case, Fixture, fault_of};

/// Cases for every device but those behind a probe, which is another way into flash and nothing
/// else.
pub const HOSTILE_CASES: &[(&str, Case)] =
    &[("hostile_models", hostile_models), ("damage_behind_the_checksum", damage_behind_the_checksum)];

/// Damaged models that each device tries: a start for each.
const DAMAGES: usize = 6;

/// Every lie on loopback, and one for each error on a board, on which a start takes a while.
fn hostile_models(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    // Flash is longer than a model, so that lies about the length have other errors there, and a
    // trial of their own.
    let is_length = |fault| matches!(fault, DeviceFault::Blob(BlobError::Length { .. }));
    let all = hostile_blobs().into_iter().filter(|hostile| !is_length(hostile.fault));
    let chosen: Vec<Hostile> = match device.board() {
        None => all.collect(),
        Some(_) => all.map(|hostile| (kind(hostile.fault), hostile)).collect::<HashMap<_, _>>().into_values().collect(),
    };
    assert!(chosen.len() >= 16, "{}", chosen.len());
    for Hostile { name, blob, fault } in chosen {
        assert_eq!(fault_of(device, lab, &blob)?, fault, "{name}");
    }
    Ok(())
}

/// The names of a fault and its error, without their numbers.
fn kind(fault: DeviceFault) -> String {
    format!("{fault:?}").chars().take_while(|&letter| letter != ' ').collect()
}

/// One byte changed, elsewhere on each device: the device names the error that the desk does, or
/// computes what the slow reference does.
fn damage_behind_the_checksum(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let view = fixture.view()?;
    // A golden vector would find most damages out.
    let sound = without_golden_vectors(&view);
    let image = view.golden().next().ok_or("the fixture has golden vectors")?.input;
    let mut seed = device.name().bytes().fold(1_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    for count in 0..DAMAGES {
        let mut damaged = sound.clone();
        // Half of them in front, where names and the first tables are.
        let end = if count % 2 == 0 { 1400 } else { sound.len() - 4 };
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let position = 13 + seed as usize % (end - 13);
        damaged[position] ^= 1 << (seed >> 29);
        seal(&mut damaged);
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
            let expected = reference_outputs(&view, image).pop().unwrap_or_default();
            assert!(logits.eq(expected), "byte {position}");
        }
    }
    Ok(())
}
