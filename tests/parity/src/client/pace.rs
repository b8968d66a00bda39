//! The retransmission timer: how long to wait before a request counts as lost. RFC 6298.

use std::time::Duration;

/// Most doublings of the wait. A line that loses most frames is silent many times in a row although
/// the device is not slower; unbounded doubling would use up all patience.
const MAX_DOUBLINGS: u32 = 3;

/// A running estimate of how long answers take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Smoothed time of an answer, and its smoothed deviation.
    usual: Duration,
    deviation: Duration,
    /// Timeouts since the device was last heard; each doubles the wait.
    doublings: u32,
    min_wait: Duration,
}

impl Pace {
    /// Returns an estimate without samples, whose wait is at least `min_wait`.
    pub fn new(min_wait: Duration) -> Self {
        Self { usual: min_wait, deviation: min_wait, doublings: 0, min_wait }
    }

    /// Changes the shortest wait, and lowers the estimate to it.
    pub fn set_min_wait(&mut self, min_wait: Duration) {
        let Self { usual, deviation, doublings, .. } = *self;
        let (usual, deviation) = (usual.min(min_wait), deviation.min(min_wait));
        *self = Self { usual, deviation, doublings, min_wait };
    }

    /// Adds a sample: an answer arrived `time` after its request.
    pub fn answered_after(&mut self, time: Duration) {
        self.deviation = (self.deviation * 3 + self.usual.abs_diff(time)) / 4;
        self.usual = (self.usual * 7 + time) / 8;
        self.heard();
    }

    /// Ends the doubling: the device sent something.
    pub fn heard(&mut self) {
        self.doublings = 0;
    }

    /// Returns the time after which an unanswered request counts as lost.
    pub fn wait(&self) -> Duration {
        (self.usual + self.deviation * 4).max(self.min_wait) * (1 << self.doublings)
    }

    pub fn timed_out(&mut self) {
        self.doublings = (self.doublings + 1).min(MAX_DOUBLINGS);
    }

    /// Returns the shortest plausible time of an answer: what arrives sooner belongs to an earlier
    /// request.
    pub fn soonest(&self) -> Duration {
        self.usual / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_device_and_double_after_timeouts() {
        let milliseconds = Duration::from_millis;
        let mut pace = Pace::new(milliseconds(10));
        assert_eq!(pace.wait(), milliseconds(50), "five times the shortest without samples");
        for _ in 0..100 {
            pace.answered_after(milliseconds(1));
        }
        assert_eq!(pace.wait(), milliseconds(10), "the shortest, although the device is quicker");
        for _ in 0..100 {
            pace.answered_after(milliseconds(80));
        }
        assert!((milliseconds(80)..milliseconds(100)).contains(&pace.wait()), "{pace:?}");
        let wait = pace.wait();
        pace.timed_out();
        pace.timed_out();
        assert_eq!(pace.wait(), wait * 4);
        pace.heard();
        assert_eq!(pace.wait(), wait);
        pace.timed_out();
        pace.answered_after(milliseconds(80));
        assert!(pace.wait() <= wait);
        let wait = pace.wait();
        for _ in 0..100 {
            pace.timed_out();
        }
        assert_eq!(pace.wait(), wait * 8, "the longest");
    }
}
