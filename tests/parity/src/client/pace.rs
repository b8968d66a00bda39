//! How long a device takes, and so when a request counts as lost: the estimate of RFC 6298.

use std::time::Duration;

/// Most doublings of the wait. A line that loses most of what it carries is silent many times in a
/// row, and the device is none the slower for it: without an end to this, one such row would take
/// all patience.
const MAX_DOUBLINGS: u32 = 3;

/// A running estimate of how long answers take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Smoothed times, and how far off them answers are.
    usual: Duration,
    deviation: Duration,
    /// Waits that were in vain since something was heard, each of which doubles the next.
    doublings: u32,
    shortest_wait: Duration,
}

impl Pace {
    /// No answer has come yet; a wait is `shortest_wait` at least.
    pub fn new(shortest_wait: Duration) -> Self {
        Self { usual: shortest_wait, deviation: shortest_wait, doublings: 0, shortest_wait }
    }

    /// From now on a wait is `shortest_wait` at least; nor does a device count as slower than that
    /// before it is known to be.
    pub fn set_shortest_wait(&mut self, shortest_wait: Duration) {
        let Self { usual, deviation, doublings, .. } = *self;
        let (usual, deviation) = (usual.min(shortest_wait), deviation.min(shortest_wait));
        *self = Self { usual, deviation, doublings, shortest_wait };
    }

    /// An answer came so long after its request.
    pub fn answered_after(&mut self, time: Duration) {
        self.deviation = (self.deviation * 3 + self.usual.abs_diff(time)) / 4;
        self.usual = (self.usual * 7 + time) / 8;
        self.heard();
    }

    /// The device says something, if not an answer.
    pub fn heard(&mut self) {
        self.doublings = 0;
    }

    /// A request that is silent for so long was lost, or its answer.
    pub fn wait(&self) -> Duration {
        (self.usual + self.deviation * 4).max(self.shortest_wait) * (1 << self.doublings)
    }

    pub fn waited_in_vain(&mut self) {
        self.doublings = (self.doublings + 1).min(MAX_DOUBLINGS);
    }

    /// What is heard sooner after a request than this was said about something before it.
    pub fn soonest(&self) -> Duration {
        self.usual / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_device_and_double_in_vain() {
        let milliseconds = Duration::from_millis;
        let mut pace = Pace::new(milliseconds(10));
        assert_eq!(pace.wait(), milliseconds(50), "five times the shortest where nothing is known");
        for _ in 0..100 {
            pace.answered_after(milliseconds(1));
        }
        assert_eq!(pace.wait(), milliseconds(10), "no shorter than this, however quick the device is");
        for _ in 0..100 {
            pace.answered_after(milliseconds(80));
        }
        assert!((milliseconds(80)..milliseconds(100)).contains(&pace.wait()), "{pace:?}");
        let wait = pace.wait();
        pace.waited_in_vain();
        pace.waited_in_vain();
        assert_eq!(pace.wait(), wait * 4);
        pace.heard();
        assert_eq!(pace.wait(), wait);
        pace.waited_in_vain();
        pace.answered_after(milliseconds(80));
        assert!(pace.wait() <= wait);
        let wait = pace.wait();
        for _ in 0..100 {
            pace.waited_in_vain();
        }
        assert_eq!(pace.wait(), wait * 8, "and no longer than that");
    }
}
