//! Reads what `plugin.c` writes.

use std::io::{ErrorKind, Read};

use thiserror::Error;

use super::{Access, Sink, Step};
use crate::decode::Set;
use crate::instruction::Instruction;

/// Most instructions that are kept, so that a trace cannot fill the memory.
const MAX_INSTRUCTIONS: usize = 1 << 24;

/// The reason why a trace cannot be used.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages describe the variants and their fields")]
pub enum TraceError {
    #[error(
        "unknown instruction {bytes} at {address:#x}; the tables of tests/estimate/src/decode do not have it, \
         and its cycles are not guessed"
    )]
    Unknown { bytes: String, address: u32 },
    #[error("cannot read the trace: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("the trace is damaged: {0}")]
    Damaged(&'static str),
}

/// An instruction as the plugin describes it.
struct Entry {
    address: u32,
    bytes: [u8; 4],
    decoded: Option<Instruction>,
}

impl Entry {
    fn decoded(&self) -> Result<&Instruction, TraceError> {
        self.decoded.as_ref().ok_or_else(|| unknown(self.address, self.bytes))
    }
}

/// Returns the error for an instruction that is not known.
pub fn unknown(address: u32, bytes: [u8; 4]) -> TraceError {
    let bytes = bytes.map(|byte| format!("{byte:02x}")).join(" ");
    TraceError::Unknown { bytes, address }
}

/// Passes the trace in `input` to `sink` until it ends.
///
/// # Errors
///
/// Returns [`TraceError`] if it cannot be read, or has an instruction that is not known.
pub fn read(input: &mut impl Read, set: Set, sink: &mut dyn Sink) -> Result<(), TraceError> {
    let mut words = Words { input, buffer: vec![0; 1 << 16], start: 0, end: 0 };
    let mut entries: Vec<Entry> = Vec::new();
    let mut accesses: Vec<Access> = Vec::new();
    let mut pending: Option<usize> = None;
    while let Some(word) = words.next()? {
        let mut more = || words.next()?.ok_or(TraceError::Damaged("it ends within a record"));
        match word & 3 {
            0 => {
                step(&entries, &mut pending, (word >> 2) as usize, &accesses, sink)?;
                accesses.clear();
            }
            kind @ (1 | 2) => {
                let bytes = u8::try_from(word >> 2).unwrap_or(u8::MAX);
                accesses.push(Access { address: more()?, bytes, is_store: kind == 2 });
            }
            _ => match word >> 2 {
                0 => {
                    let (number, address, bytes) = (more()?, more()?, more()?.to_le_bytes());
                    if number as usize != entries.len() || entries.len() == MAX_INSTRUCTIONS {
                        return Err(TraceError::Damaged("instructions are not numbered in order"));
                    }
                    entries.push(Entry { address, bytes, decoded: set.decode(bytes) });
                }
                1 => {
                    accesses.clear();
                    sink.start();
                }
                _ => {
                    step(&entries, &mut pending, more()? as usize, &accesses, sink)?;
                    pending = None;
                    accesses.clear();
                    if !sink.end() {
                        return Ok(());
                    }
                }
            },
        }
    }
    Ok(())
}

/// Passes the pending instruction on, now that the next one is known.
fn step(
    entries: &[Entry],
    pending: &mut Option<usize>,
    next: usize,
    accesses: &[Access],
    sink: &mut dyn Sink,
) -> Result<(), TraceError> {
    let entry = |number: usize| entries.get(number).ok_or(TraceError::Damaged("it names an unknown instruction"));
    let following = entry(next)?;
    if let Some(number) = pending.replace(next) {
        let (one, placeholder) = (entry(number)?, Instruction::new(2, crate::instruction::Class::Nop));
        // The instruction at the end is not executed.
        let next = following.decoded.as_ref().unwrap_or(&placeholder);
        let instruction = one.decoded()?;
        let next_address = following.address;
        sink.step(&Step { address: one.address, instruction, next_address, next, accesses });
    }
    Ok(())
}

/// Reads little-endian words.
struct Words<'r, R> {
    input: &'r mut R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<R: Read> Words<'_, R> {
    fn next(&mut self) -> Result<Option<u32>, TraceError> {
        loop {
            if let Some(word) = self.buffer[self.start..self.end].first_chunk() {
                self.start += 4;
                return Ok(Some(u32::from_le_bytes(*word)));
            }
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(None),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The emulator is killed while it writes.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
