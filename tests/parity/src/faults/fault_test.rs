//! What a device and its client go through on a bad line, and what came of it.

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde::Serialize;
use shared_model::{AnswersHeader, Record};

use super::{Fault, Faults};
use crate::{Client, ClientError, ParityRecord, Retry, Session, SweepError, sweep};

/// Sends again as often as it takes, and soon: the line is known to be bad, and patience ends it.
const RETRY: Retry = Retry { attempts: u32::MAX, shortest_wait: Duration::from_millis(2) };

/// Images of one sweep: few, so that it soon comes to its end at a rate at which one frame in a
/// hundred passes.
const SWEEP: usize = 16;

/// Random bytes that are sent at once.
const NOISE_BYTES: usize = 512;

/// A session over a bad line, and the line.
#[derive(Debug)]
pub struct Ordeal {
    /// The session.
    pub session: Session,
    faults: Faults,
}

/// What is done to the line, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The kinds of faults.
    pub kinds: &'a [Fault],
    /// Probability of a fault, for each byte.
    pub rate: f64,
    /// Where the faults come from.
    pub seed: u64,
    /// Until so many frames were damaged or late, or as many images answered.
    pub harmed: u64,
}

/// Faults of one kind, or of all, at one rate. The names are stable: programs read them.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The device.
    pub device: String,
    /// The kind of faults, or `all`.
    pub kind: String,
    /// Probability of a fault, for each byte.
    pub rate: f64,
    /// Frames given to the line, both ways.
    pub frames: u64,
    /// Of these, damaged on the way.
    pub damaged: u64,
    /// Of these, late on the way and otherwise whole.
    pub late: u64,
    /// Requests sent, those that were sent again included.
    pub sent: u64,
    /// Of these, sent again.
    pub resent: u64,
    /// Refusals of what the device could not read.
    pub refused: u64,
    /// Frames from the device that were damaged.
    pub unreadable: u64,
    /// Answers to images that were taken.
    pub answers: u64,
    /// Logits, probabilities and classes in them that are not the host's.
    pub wrong: u64,
    /// Most undamaged requests that went to the device after the last damage, or the last answer,
    /// before an answer was taken.
    pub longest_recovery: u64,
    /// Seconds that all this took.
    pub seconds: f64,
}

impl Ordeal {
    /// Over a line with no faults yet.
    #[must_use]
    pub fn new(session: Session) -> Self {
        let (faults, make_bad) = Faults::new();
        let mut client = session.client.over(make_bad);
        client.set_retry(RETRY);
        Self { session: Session { client, ..session }, faults }
    }

    /// Sweeps over `records` again and again over a line as `plan` has it, and hands `progress` how
    /// much of [`harmed`](Plan::harmed) there is. Then the line is good again, and the first frame
    /// on it is answered.
    ///
    /// # Errors
    ///
    /// Where a sweep does not come to its end, or that frame is not answered.
    pub fn endure<'a>(
        &mut self,
        plan: &Plan<'_>,
        header: &AnswersHeader,
        records: &[Record<'a>],
        mut progress: impl FnMut(u64),
    ) -> Result<Row, SweepError> {
        let started = Instant::now();
        let before = self.session.client.traffic();
        let (mut answers, mut wrong) = (0, 0);
        self.faults.set(plan.kinds, plan.rate, plan.seed);
        let mut sweeps = records.chunks(SWEEP).cycle();
        let tally = loop {
            let images = sweeps.next().unwrap_or_default().iter().copied();
            let (outcome, _) = sweep(&mut self.session, header, images, |_| self.faults.answered())?;
            answers += outcome.images;
            wrong += differences(&outcome);
            let tally = self.faults.tally();
            let harmed = (tally.damaged + tally.late).max(answers).min(plan.harmed);
            progress(harmed);
            if harmed == plan.harmed {
                break tally;
            }
        };
        let traffic = self.session.client.traffic();
        self.faults.set(&[], 0.0, 0);
        let client = &mut self.session.client;
        client.set_retry(Retry::NEVER);
        client.hello().map_err(|cause| SweepError { done: answers, cause, post_mortem: String::new() })?;
        client.set_retry(RETRY);
        Ok(Row {
            device: self.session.device.into(),
            kind: Fault::name_of(plan.kinds),
            rate: plan.rate,
            frames: tally.frames,
            damaged: tally.damaged,
            late: tally.late,
            sent: traffic.sent - before.sent,
            resent: traffic.resent - before.resent,
            refused: traffic.refused - before.refused,
            unreadable: traffic.unreadable - before.unreadable,
            answers,
            wrong,
            longest_recovery: tally.most_in_vain,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

/// Sends random bytes, as `seed` says, while `goes_on` says so of their number. Returns that
/// number.
///
/// # Errors
///
/// Where the stream fails.
pub fn send_noise(client: &mut Client, seed: u64, goes_on: impl Fn(u64) -> bool) -> Result<u64, ClientError> {
    let mut random = Rng::with_seed(seed);
    let (mut chunk, mut sent) = ([0; NOISE_BYTES], 0);
    while goes_on(sent) {
        random.fill(&mut chunk);
        client.send_raw(&chunk)?;
        sent += NOISE_BYTES as u64;
    }
    Ok(sent)
}

/// Values that are not the host's.
fn differences(outcome: &ParityRecord) -> u64 {
    outcome.logits_different + outcome.probabilities_different + outcome.classes_different
}
