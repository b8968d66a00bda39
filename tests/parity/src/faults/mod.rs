//! A bad line: what is between client and device damages what it carries, both ways, as a seed
//! says.
//!
//! ```text
//!  Client ==== FaultyStream ==== any device's stream
//!                   ^
//!                   | kinds and rate, changed at any time; what has gone by
//!                 Faults
//! ```

mod echo;
mod lane;
mod ordeal;
mod stream;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use echo::Echo;
pub use ordeal::{Ordeal, Plan, Row, send_noise};

use crate::client::Stream;
use lane::Lane;
use stream::FaultyStream;

/// What may happen to a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One of its bits is another.
    Flip,
    /// It does not arrive.
    Drop,
    /// It arrives twice.
    Double,
    /// It arrives late, and all after it.
    Delay,
    /// It does not arrive, nor the rest of its frame.
    Cut,
    /// Random bytes arrive before it.
    Noise,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Flip, Self::Drop, Self::Double, Self::Delay, Self::Cut, Self::Noise];

    /// Each kind alone, and all of them together.
    pub fn selections() -> impl Iterator<Item = &'static [Self]> {
        Self::ALL.iter().map(std::slice::from_ref).chain([&Self::ALL[..]])
    }

    /// What a selection is called.
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
        f.pad(match self {
            Self::Flip => "flip",
            Self::Drop => "drop",
            Self::Double => "double",
            Self::Delay => "delay",
            Self::Cut => "cut",
            Self::Noise => "noise",
        })
    }
}

/// What has gone by since the faults were last set, both ways together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames that were given to the line.
    pub frames: u64,
    /// Frames of which a byte was changed, dropped, doubled or added.
    pub damaged: u64,
    /// Frames that were only late.
    pub late: u64,
    /// Frames that went to the device since something was last damaged or late, or an answer was
    /// taken.
    pub in_vain: u64,
    /// Most that there were of these.
    pub most_in_vain: u64,
}

/// The faults of a line, for whoever holds it; clones are of the same line.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    to_device: Lane,
    from_device: Lane,
    tally: Tally,
}

impl Faults {
    /// No faults yet, and what makes a bad line of a good one.
    pub fn new() -> (Self, impl FnOnce(Box<dyn Stream>) -> Box<dyn Stream>) {
        let state = State { to_device: Lane::default(), from_device: Lane::default(), tally: Tally::default() };
        let faults = Self(Arc::new(Mutex::new(state)));
        let line = faults.clone();
        (faults, move |stream| Box::new(FaultyStream::new(stream, line)))
    }

    /// From now on each byte meets one of `kinds` with a probability of `rate`, as `seed` says.
    /// None of them is no fault.
    pub fn set(&self, kinds: &[Fault], rate: f64, seed: u64) {
        let mut state = self.state();
        state.to_device.set(kinds, rate, seed);
        state.from_device.set(kinds, rate, !seed);
        state.tally = Tally::default();
    }

    /// What has gone by.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.state().tally
    }

    /// Tells the line that an answer was taken.
    pub fn answered(&self) {
        self.state().tally.in_vain = 0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
