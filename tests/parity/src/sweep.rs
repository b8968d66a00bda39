//! The sweep: sends every image to the device and compares every answer with the host's.

use std::collections::HashMap;
use std::time::Instant;

use prenda::{AnswersHeader, Record};
use thiserror::Error;

use crate::{Answer, ClientError, ParityRecord, Session, Target};

/// Most requests under way at once: the next image travels while the device computes.
pub const WINDOW: usize = 4;

/// The reason why a sweep did not finish.
#[derive(Debug, Error)]
#[error("after {done} images: {cause}{post_mortem}")]
pub struct SweepError {
    /// Images answered before.
    pub done: u64,
    /// The cause.
    pub cause: ClientError,
    /// Details about a device that is silent or gone; otherwise empty.
    pub post_mortem: String,
}

/// Sends every image of `records` to the device and compares its answers. Calls `progress` with
/// the number of images done; returns the comparison and the first image's answer.
///
/// # Errors
///
/// Returns [`SweepError`] if the conversation fails. Different answers are counted, not an error.
pub fn sweep<'a>(
    session: &mut Session,
    header: &AnswersHeader,
    records: impl IntoIterator<Item = Record<'a>>,
    progress: impl FnMut(u64),
) -> Result<(ParityRecord, Option<Answer>), SweepError> {
    let mut outcome = ParityRecord::default();
    let result = run(session, header, records, progress, &mut outcome);
    result.map(|first| (outcome.clone(), first)).map_err(|cause| {
        let post_mortem = match cause {
            ClientError::Silent | ClientError::Gone | ClientError::Stream(_) => session.post_mortem(),
            _ => String::new(),
        };
        SweepError { done: outcome.images, cause, post_mortem }
    })
}

fn run<'a>(
    session: &mut Session,
    header: &AnswersHeader,
    records: impl IntoIterator<Item = Record<'a>>,
    mut progress: impl FnMut(u64),
    outcome: &mut ParityRecord,
) -> Result<Option<Answer>, ClientError> {
    let started = Instant::now();
    let client = &mut session.client;
    let before = client.traffic();
    let introduction = client.hello_with(header.model)?;
    if let Some(asked) = session.device.board_name()
        && introduction.board != asked
    {
        return Err(ClientError::WrongBoard { asked, found: introduction.board });
    }
    outcome.device = session.device.name().into();
    outcome.core = introduction.core;
    outcome.set_target(session.device.target());

    if header.networks > 1 {
        outcome.answered_by = vec![0; header.networks.into()];
    }

    let mut first = None;
    let mut correct = 0_u64;
    let mut under_way = HashMap::new();
    let mut records = records.into_iter().enumerate();
    loop {
        while under_way.len() < WINDOW
            && let Some(image) = records.next()
        {
            under_way.insert(client.send_image(image.1.pixels)?, image);
        }
        if under_way.is_empty() {
            break;
        }
        let answer = client.receive_answer()?;
        let Some((index, record)) = under_way.remove(&answer.sequence) else { continue };
        correct += u64::from(answer.class == u16::from(record.label));
        outcome.images += 1;
        outcome.logits_compared += u64::from(header.classes);
        outcome.logits_different += differences::<4>(&answer.logits, record.logits);
        outcome.probabilities_different += differences::<2>(&answer.probabilities, record.probabilities);
        outcome.classes_different += u64::from(answer.class != record.class);
        outcome.networks_different += u64::from(answer.network != record.network);
        if let Some(count) = outcome.answered_by.get_mut(usize::from(answer.network)) {
            *count += 1;
        }
        if index == 0 {
            first = Some(answer);
        }
        progress(outcome.images);
    }

    let memory_use = client.memory_use()?;
    outcome.resent = client.traffic().resent - before.resent;
    // Zero on the host, and in firmware of others that does not measure it.
    if memory_use.flash > 0 {
        outcome.flash_bytes = Some(memory_use.flash.into());
        outcome.ram_bytes = Some((memory_use.statics + memory_use.stack_used).into());
    } else if session.device.target() != Target::Host {
        outcome.not_measured.splice(0..0, ["flash", "RAM"].map(str::to_owned));
    }
    outcome.accuracy = correct as f64 / outcome.images.max(1) as f64;
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(first)
}

/// Counts values of `N` bytes that differ, including values that only one side has.
fn differences<const N: usize>(ours: &[u8], theirs: &[u8]) -> u64 {
    let values = ours.len().max(theirs.len()).div_ceil(N);
    let equal = ours.chunks_exact(N).zip(theirs.chunks_exact(N)).filter(|(ours, theirs)| ours == theirs).count();
    (values - equal) as u64
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn different_and_missing_values_are_counted() {
        assert_eq!(differences::<2>(&[1, 2, 3, 4], &[1, 2, 3, 4]), 0);
        assert_eq!(differences::<2>(&[1, 2, 3, 4], &[9, 9, 3, 4]), 1);
        assert_eq!(differences::<2>(&[1, 2], &[1, 2, 3, 4]), 1);
        assert_eq!(differences::<4>(&[], &[1, 2, 3, 4]), 1);
        assert_eq!(differences::<2>(&[1], &[1]), 1, "half a value differs");
    }
}
