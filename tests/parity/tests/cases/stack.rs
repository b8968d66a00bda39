//! The end of the stack: overflowing by one word faults like overflowing by many.

use libtest_mimic::Failed;
use parity::{Device, Lab};

use super::{Case, Fixture, ends};

/// Cases for boards in QEMU without a probe, which would only add time.
pub const STACK_CASES: &[(&str, Case)] = &[("last_word_of_the_stack", last_word), ("one_word_beyond", one_word_beyond)];

fn last_word(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    ends(device, lab, b"l", 0, &["the stack has its last word"]).map(drop)
}

fn one_word_beyond(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    ends(device, lab, b"o", 1, &["error", "stack overflow"]).map(drop)
}
