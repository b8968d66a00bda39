//! One direction of a faulty line.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;

use super::{Fault, Tally};

/// Most random bytes in one burst.
const MAX_NOISE: usize = 32;

/// Longest delay, in microseconds: longer than a quick device's answer takes, so that requests are
/// sent again too early.
const MAX_DELAY: u64 = 4000;

/// The byte between frames.
const DELIMITER: u8 = 0;

/// One direction of the line.
#[derive(Debug, Default)]
pub struct Lane {
    kinds: Vec<Fault>,
    rate: f64,
    random: Rng,
    /// Bytes before the next fault; `None` without faults.
    unharmed: Option<u64>,
    /// The frame has begun.
    is_in_frame: bool,
    is_cut: bool,
    is_damaged: bool,
    is_late: bool,
}

impl Lane {
    pub fn set(&mut self, kinds: &[Fault], rate: f64, seed: u64) {
        let Self { is_in_frame, is_damaged, is_late, .. } = *self;
        *self = Self {
            kinds: kinds.to_vec(),
            rate,
            random: Rng::with_seed(seed),
            is_in_frame,
            is_damaged,
            is_late,
            ..Self::default()
        };
        self.unharmed = self.draw();
    }

    /// Draws the number of bytes before the next fault, from a geometric distribution.
    fn draw(&mut self) -> Option<u64> {
        let is_harmful = self.rate > 0.0 && !self.kinds.is_empty();
        is_harmful.then(|| ((1.0 - self.random.f64()).ln() / (1.0 - self.rate).ln()) as u64)
    }

    /// Moves `bytes` to `arriving`; returns the delay of these and all later ones.
    pub fn carry(&mut self, bytes: &[u8], arriving: &mut VecDeque<u8>, tally: &mut Tally) -> Duration {
        let mut late = Duration::ZERO;
        for &byte in bytes {
            let ends_frame = byte == DELIMITER && self.is_in_frame;
            match self.fault() {
                _ if self.is_cut => self.is_damaged = true,
                None => arriving.push_back(byte),
                Some(fault) => late += self.apply(fault, byte, arriving),
            }
            self.is_in_frame = byte != DELIMITER;
            if self.is_damaged || self.is_late {
                tally.unanswered = 0;
            }
            if ends_frame {
                tally.frames += 1;
                tally.damaged += u64::from(self.is_damaged);
                tally.late += u64::from(self.is_late && !self.is_damaged);
                (self.is_cut, self.is_damaged, self.is_late) = (false, false, false);
            }
        }
        late
    }

    /// Returns the fault of the next byte, if any.
    fn fault(&mut self) -> Option<Fault> {
        match self.unharmed? {
            0 => {
                self.unharmed = self.draw();
                self.random.choice(&self.kinds).copied()
            }
            more => {
                self.unharmed = Some(more - 1);
                None
            }
        }
    }

    /// Applies `fault` to a byte; returns the delay.
    fn apply(&mut self, fault: Fault, byte: u8, arriving: &mut VecDeque<u8>) -> Duration {
        match fault {
            Fault::Delay => {
                self.is_late = true;
                arriving.push_back(byte);
                return Duration::from_micros(self.random.u64(..=MAX_DELAY));
            }
            Fault::Flip => arriving.push_back(byte ^ (1 << self.random.u32(..8))),
            Fault::Drop => {}
            Fault::Double => arriving.extend([byte, byte]),
            Fault::Cut => self.is_cut = true,
            Fault::Noise => {
                let count = self.random.usize(1..=MAX_NOISE);
                arriving.extend(std::iter::repeat_with(|| self.random.u8(..)).take(count));
                arriving.push_back(byte);
            }
        }
        self.is_damaged = true;
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0];

    /// Sends `frames` frames; returns the bytes that arrive, the tally and the delay.
    fn carried(kinds: &[Fault], rate: f64, frames: usize) -> (Vec<u8>, Tally, Duration) {
        let mut lane = Lane::default();
        lane.set(kinds, rate, 7);
        let (mut arriving, mut tally) = (VecDeque::new(), Tally::default());
        let late = lane.carry(&FRAME.repeat(frames), &mut arriving, &mut tally);
        (arriving.into(), tally, late)
    }

    #[test]
    fn a_line_without_faults_changes_nothing() {
        for (kinds, rate) in [(&Fault::ALL[..], 0.0), (&[], 0.5)] {
            let (arrived, tally, late) = carried(kinds, rate, 100);
            assert_eq!((arrived, late), (FRAME.repeat(100), Duration::ZERO));
            assert_eq!(tally, Tally { frames: 100, ..Tally::default() });
        }
    }

    #[test]
    fn faults_have_the_given_rate_and_repeat() {
        for rate in [1e-3, 1e-2, 1e-1] {
            let flips = carried(&[Fault::Flip], rate, 100_000);
            let sent = FRAME.repeat(100_000);
            let changed = sent.iter().zip(&flips.0).filter(|(sent, arrived)| sent != arrived).count();
            let share = changed as f64 / sent.len() as f64 / rate;
            assert!((0.9..1.1).contains(&share), "{share} at {rate}");
            assert_eq!(flips, carried(&[Fault::Flip], rate, 100_000));
        }
    }

    #[test]
    fn each_kind_has_its_effect() {
        const COUNT: usize = 10_000;
        let sent = FRAME.repeat(COUNT);
        for kind in Fault::ALL {
            let (arrived, tally, late) = carried(&[kind], 0.01, COUNT);
            assert_eq!(tally.frames, COUNT as u64, "{kind}");
            let affected = if kind == Fault::Delay { tally.late } else { tally.damaged };
            assert_eq!(tally.late + tally.damaged, affected, "{kind}");
            // 1 - 0.99^12 of the frames.
            assert!((1000..1300).contains(&affected), "{kind}: {affected}");
            let more = arrived.len() as i64 - sent.len() as i64;
            let is_expected = match kind {
                Fault::Flip => more == 0 && arrived != sent,
                Fault::Delay => arrived == sent && late > Duration::from_secs(1),
                Fault::Drop => (-1300..-1000).contains(&more),
                Fault::Double => (1000..1300).contains(&more),
                Fault::Cut => (-9000..-5000).contains(&more),
                Fault::Noise => (16_000..24_000).contains(&more),
            };
            assert!(is_expected, "{kind}: {more} bytes more");
            assert_eq!(late > Duration::ZERO, kind == Fault::Delay);
        }
    }

    #[test]
    fn a_cut_ends_with_its_frame() {
        let mut lane = Lane::default();
        lane.set(&[Fault::Cut], 0.5, 3);
        lane.unharmed = Some(4);
        let (mut arriving, mut tally) = (VecDeque::new(), Tally::default());
        lane.carry(&FRAME, &mut arriving, &mut tally);
        lane.unharmed = None;
        lane.carry(&FRAME, &mut arriving, &mut tally);
        assert_eq!(Vec::from(arriving), [&FRAME[..4], &FRAME].concat());
        assert_eq!((tally.frames, tally.damaged), (2, 1));
    }
}
