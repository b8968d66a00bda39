//! The addresses at which the core stops or would lock up.

use std::collections::BTreeSet;

use super::{Execution, PC, State};
use crate::error::Result;

const VTOR: u32 = 0xe000_ed08;
/// Offsets of the vectors of reset and HardFault.
const RESET: u32 = 4;
const HARD_FAULT: u32 = 12;

impl Execution {
    /// Searches data that was written to memory for traps.
    pub(in super::super) fn written(&mut self, address: u32, data: &[u8]) -> Result {
        let odd = address & 1;
        let changed = if odd == 0 && data.len().is_multiple_of(2) {
            self.traps.update(address, data)
        } else {
            let mut whole = vec![0; (data.len() + odd as usize).next_multiple_of(2)];
            self.memory.read(u64::from(address - odd), &mut whole)?;
            self.traps.update(address - odd, &whole)
        };
        if changed && self.state()? == State::Running { self.paused(|_| Ok(())) } else { Ok(()) }
    }

    pub(super) fn program_counter(&mut self) -> Result<u32> {
        Ok(self.gdb.register(PC)? as u32 & !1)
    }

    pub(super) fn stops_at(&self, address: u32) -> bool {
        self.traps.contains(address) || self.enabled && self.comparators.addresses().any(|other| other == address)
    }

    pub(super) fn at_trap(&mut self) -> Result<bool> {
        let pc = self.program_counter()?;
        Ok(self.traps.contains(pc))
    }

    /// Returns true if the resumed core would lock up at once: it has no program, or is at a BKPT
    /// and has no debugger.
    pub(super) fn would_lock_up(&mut self) -> Result<bool> {
        let pc = self.program_counter()?;
        if !self.enabled && self.traps.contains(pc) {
            return Ok(true);
        }
        if !self.fresh {
            return Ok(false);
        }
        let mut instruction = [0; 2];
        if self.board.code.contains(pc) || self.board.ram.contains(pc) {
            self.memory.read(u64::from(pc), &mut instruction)?;
        }
        let empty = matches!(u16::from_le_bytes(instruction), 0 | 0xffff);
        Ok(empty || !self.placed && self.vector(RESET)? != pc | 1)
    }

    /// Returns the word at `offset` in the vector table of a stopped core.
    pub(super) fn vector(&mut self, offset: u32) -> Result<u32> {
        let mut word = [0; 4];
        if self.board.core.movable_vectors() {
            self.gdb.read(VTOR, &mut word)?;
        }
        let table = u32::from_le_bytes(word);
        self.memory.read(u64::from(table.wrapping_add(offset)), &mut word)?;
        Ok(u32::from_le_bytes(word))
    }

    /// Returns the address of HardFault's handler if the core must halt there.
    pub(super) fn hard_fault(&mut self) -> Result<Option<u32>> {
        let caught = self.enabled && self.catch_hard_fault;
        Ok(if caught { Some(self.vector(HARD_FAULT)? & !1) } else { None })
    }

    /// Sets and removes breakpoints of the stopped core until it has the wanted ones.
    pub(super) fn plant(&mut self) -> Result {
        let handler = self.hard_fault()?;
        let mut wanted: BTreeSet<u32> = self.traps.addresses().chain(handler).collect();
        if self.enabled {
            wanted.extend(self.comparators.addresses());
        }
        let superfluous: Vec<_> = self.planted.difference(&wanted).copied().collect();
        for address in superfluous {
            self.gdb.remove_breakpoint(address)?;
            self.planted.remove(&address);
        }
        for address in wanted {
            if !self.planted.contains(&address) {
                self.gdb.set_breakpoint(address)?;
                self.planted.insert(address);
            }
        }
        Ok(())
    }

    /// Searches code memory once, for traps of a program that was loaded before the probe started.
    pub(super) fn search(&mut self) -> Result {
        if !std::mem::replace(&mut self.searched, true) {
            let mut code = vec![0; self.board.code.length as usize];
            self.memory.read(u64::from(self.board.code.start), &mut code)?;
            self.traps.update(self.board.code.start, &code);
        }
        Ok(())
    }
}
