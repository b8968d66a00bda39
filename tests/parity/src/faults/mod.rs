//! A faulty line between client and device, which damages bytes in both directions, with a seed.
//!
//! ```text
//!  Client ==== FaultyStream ==== any device's stream
//!                   ^
//!                   | sets kinds and rate at any time, reads the tally
//!                 Faults
//! ```

mod echo;
mod fault_test;
mod lane;
mod stream;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use echo::Echo;
pub use fault_test::{FaultRow, FaultTest, Plan, send_noise};

use crate::client::Stream;
use lane::Lane;
use stream::FaultyStream;

/// A kind of fault, which affects a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One of its bits is flipped.
    Flip,
    /// It is lost.
    Drop,
    /// It arrives twice.
    Double,
    /// It and all later bytes arrive late.
    Delay,
    /// It and the rest of its frame are lost.
    Cut,
    /// Random bytes arrive before it.
    Noise,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Flip, Self::Drop, Self::Double, Self::Delay, Self::Cut, Self::Noise];

    /// Returns each kind alone, and all of them together.
    pub fn selections() -> impl Iterator<Item = &'static [Self]> {
        Self::ALL.iter().map(std::slice::from_ref).chain([&Self::ALL[..]])
    }

    /// Returns the name of a selection: the kind's, or `all`.
    #[must_use]
    pub fn name_of(kinds: &[Self]) -> String {
        match kinds {
            [kind] => kind.to_string(),
            _ => "all".into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

/// Counts since the faults were last set, both directions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames sent.
    pub frames: u64,
    /// Frames with a byte changed, dropped, doubled or added.
    pub damaged: u64,
    /// Frames that were late but not damaged.
    pub late: u64,
    /// Frames sent to the device since the last damage, delay or accepted answer.
    pub unanswered: u64,
    /// Maximum of `unanswered`.
    pub max_unanswered: u64,
}

/// A handle on the faults of a line; clones control the same line.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    to_device: Lane,
    from_device: Lane,
    tally: Tally,
}

impl Faults {
    /// Returns a handle without faults, and the function that puts them on a stream.
    pub fn new() -> (Self, impl FnOnce(Box<dyn Stream>) -> Box<dyn Stream>) {
        let state = State { to_device: Lane::default(), from_device: Lane::default(), tally: Tally::default() };
        let faults = Self(Arc::new(Mutex::new(state)));
        let line = faults.clone();
        (faults, move |stream| Box::new(FaultyStream::new(stream, line)))
    }

    /// Sets the faults: each byte is affected by one of `kinds` with probability `rate`. No kinds
    /// mean no faults.
    pub fn set(&self, kinds: &[Fault], rate: f64, seed: u64) {
        let mut state = self.state();
        state.to_device.set(kinds, rate, seed);
        state.from_device.set(kinds, rate, !seed);
        state.tally = Tally::default();
    }

    /// Returns the counts so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.state().tally
    }

    /// Records that the client accepted an answer.
    pub fn answered(&self) {
        self.state().tally.unanswered = 0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
