//! A test of device and client on a faulty line.

use std::time::{Duration, Instant};

use fastrand::Rng;
use prenda::{AnswersHeader, Record};
use serde::Serialize;

use super::{Fault, Faults};
use crate::{Client, ClientError, Retry, Session, SweepError, sweep};

/// Unlimited attempts with short waits, since the line is faulty; the client's patience ends it.
const RETRY: Retry = Retry { attempts: u32::MAX, min_wait: Duration::from_millis(2) };

/// Images of one sweep: few, so that it ends soon even if one frame in a hundred passes.
const SWEEP: usize = 16;

/// Random bytes sent at once.
const NOISE_BYTES: usize = 512;

/// A session over a faulty line.
#[derive(Debug)]
pub struct FaultTest {
    /// The session.
    pub session: Session,
    faults: Faults,
}

/// The faults of one part of the test, and its length.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The kinds of faults.
    pub kinds: &'a [Fault],
    /// Probability of a fault, for each byte.
    pub rate: f64,
    /// Seed of the faults.
    pub seed: u64,
    /// Frames damaged or late, or images answered, after which it ends.
    pub affected: u64,
}

/// The result for one kind of faults, or for all, at one rate. The JSON keys are stable.
#[derive(Clone, Debug, Serialize)]
pub struct FaultRow {
    /// The device.
    pub device: String,
    /// The kind of faults, or `all`.
    pub kind: String,
    /// Probability of a fault, for each byte.
    pub rate: f64,
    /// Frames sent, both directions.
    pub frames: u64,
    /// Frames damaged.
    pub damaged: u64,
    /// Frames late but not damaged.
    pub late: u64,
    /// Requests sent, including those sent again.
    pub sent: u64,
    /// Requests sent again.
    pub resent: u64,
    /// Refusals of frames that the device could not read.
    pub refused: u64,
    /// Damaged frames from the device.
    pub unreadable: u64,
    /// Answers to images accepted.
    pub answers: u64,
    /// Logits, probabilities, classes and networks in them that differ from the host's.
    pub wrong: u64,
    /// Most undamaged requests after the last damage or answer before an answer was accepted.
    pub longest_recovery: u64,
    /// Duration in seconds.
    pub seconds: f64,
}

impl FaultTest {
    /// Puts `session` on a line without faults.
    #[must_use]
    pub fn new(session: Session) -> Self {
        let (faults, make_bad) = Faults::new();
        let mut client = session.client.over(make_bad);
        client.set_retry(RETRY);
        Self { session: Session { client, ..session }, faults }
    }

    /// Repeats sweeps over `records` on a line with the faults of `plan`, and calls `progress` with
    /// the count towards [`affected`](Plan::affected). Then ends the faults and sends one hello.
    ///
    /// # Errors
    ///
    /// Returns [`SweepError`] if a sweep does not finish or the hello is not answered.
    pub fn run<'a>(
        &mut self,
        plan: &Plan<'_>,
        header: &AnswersHeader,
        records: &[Record<'a>],
        mut progress: impl FnMut(u64),
    ) -> Result<FaultRow, SweepError> {
        let started = Instant::now();
        let before = self.session.client.traffic();
        let (mut answers, mut wrong) = (0, 0);
        self.faults.set(plan.kinds, plan.rate, plan.seed);
        let mut sweeps = records.chunks(SWEEP).cycle();
        let tally = loop {
            let images = sweeps.next().unwrap_or_default().iter().copied();
            let (record, _) = sweep(&mut self.session, header, images, |_| self.faults.answered())?;
            answers += record.images;
            wrong += record.different();
            let tally = self.faults.tally();
            let affected = (tally.damaged + tally.late).max(answers).min(plan.affected);
            progress(affected);
            if affected == plan.affected {
                break tally;
            }
        };
        let traffic = self.session.client.traffic();
        self.faults.set(&[], 0.0, 0);
        let client = &mut self.session.client;
        client.set_retry(Retry::NEVER);
        client.hello().map_err(|cause| SweepError { done: answers, cause, post_mortem: String::new() })?;
        client.set_retry(RETRY);
        Ok(FaultRow {
            device: self.session.device.name().into(),
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
            longest_recovery: tally.max_unanswered,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

/// Sends random bytes while `continues` returns true for their number. Returns that number.
///
/// # Errors
///
/// Returns [`ClientError`] if the stream fails.
pub fn send_noise(client: &mut Client, seed: u64, continues: impl Fn(u64) -> bool) -> Result<u64, ClientError> {
    let mut random = Rng::with_seed(seed);
    let (mut chunk, mut sent) = ([0; NOISE_BYTES], 0);
    while continues(sent) {
        random.fill(&mut chunk);
        client.send_raw(&chunk)?;
        sent += NOISE_BYTES as u64;
    }
    Ok(sent)
}
