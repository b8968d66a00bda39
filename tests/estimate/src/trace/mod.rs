//! The instructions that a program executes between two addresses, with the data they access.

mod log;
mod plugin;
#[cfg(test)]
pub mod program;
mod reader;

pub use log::{arguments as log_arguments, read_log};
pub use plugin::Plugin;
pub use reader::{TraceError, read};

use crate::instruction::Instruction;

/// The end of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    At(u32),
    /// The return from a function that starts at the first address.
    Return,
}

/// A range of execution, in addresses without the Thumb bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub from: u32,
    pub to: End,
}

/// An access to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub address: u32,
    pub bytes: u8,
    pub is_store: bool,
}

/// An executed instruction.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub address: u32,
    pub instruction: &'a Instruction,
    /// The instruction that is executed next.
    pub next_address: u32,
    pub next: &'a Instruction,
    pub accesses: &'a [Access],
}

/// A receiver of a trace.
pub trait Sink {
    /// Called when the start of the range is reached.
    fn start(&mut self);
    /// Called for each instruction of the range.
    fn step(&mut self, step: &Step<'_>);
    /// Called when the end is reached. Returns false if nothing more is needed.
    fn end(&mut self) -> bool;
}

impl Step<'_> {
    /// Returns true if the next instruction is not the one that follows in memory.
    pub fn is_taken(&self) -> bool {
        self.next_address != self.address.wrapping_add(self.instruction.size.into())
    }

    /// Returns true if the condition of an access to memory was false.
    pub fn is_skipped(&self) -> bool {
        self.instruction.place.is_some() && self.accesses.is_empty()
    }

    /// Returns the block of memory that is accessed: code or RAM, for example.
    pub fn region(&self) -> Option<u32> {
        self.accesses.first().map(|access| access.address >> 29)
    }

    /// Returns an instruction that accesses no memory and is followed by one elsewhere.
    #[cfg(test)]
    pub fn alone(instruction: &Instruction) -> Step<'_> {
        Step { address: 0, instruction, next_address: 0x100, next: instruction, accesses: &[] }
    }
}
