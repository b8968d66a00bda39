//! The address space of the access port: memory, the core's private peripherals, and the debug
//! registers, which QEMU does not have.

use super::breakpoints::MAX_TRAPS;
use super::execution::{Execution, State};
use super::{Bus, components, registers};
use crate::error::Result;
use crate::{Board, Memory};

/// The addresses of the core's private peripherals.
const PRIVATE: u32 = 0xe000_0000;
const PRIVATE_END: u32 = 0xe010_0000;

const DWT_CTRL: u32 = 0xe000_1000;
const DWT_END: u32 = 0xe000_1fb0;
const FP_CTRL: u32 = 0xe000_2000;
const FP_COMP: u32 = 0xe000_2008;
const FP_END: u32 = 0xe000_2fb0;
const AIRCR: u32 = 0xe000_ed0c;
const DFSR: u32 = 0xe000_ed30;
const DHCSR: u32 = 0xe000_edf0;
const DCRSR: u32 = 0xe000_edf4;
const DCRDR: u32 = 0xe000_edf8;
const DEMCR: u32 = 0xe000_edfc;
const DAUTHCTRL: u32 = 0xe000_ee04;
const DSCSR: u32 = 0xe000_ee08;
const DAUTHSTATUS: u32 = 0xe000_efb8;

/// No trace, no counters, no comparators.
const DWT_EMPTY: u32 = 0x0f00_0000;
/// All kinds of debugging are allowed in both Security states.
const ALL_ALLOWED: u32 = 0xff;
/// The core is in the Secure state.
const SECURE: u32 = 1 << 16;

const VC_CORERESET: u32 = 1;
const VC_HARDERR: u32 = 1 << 10;

const C_DEBUGEN: u32 = 1;
const C_HALT: u32 = 1 << 1;
const C_STEP: u32 = 1 << 2;
const C_MASKINTS: u32 = 1 << 3;
const S_REGRDY: u32 = 1 << 16;
const S_HALT: u32 = 1 << 17;
const S_LOCKUP: u32 = 1 << 19;
const S_RETIRE_ST: u32 = 1 << 24;
const S_RESET_ST: u32 = 1 << 25;

/// The target of the access port.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) execution: Execution,
    board: &'static Board,
    memory: Memory,
    demcr: u32,
    dcrdr: u32,
    /// C_MASKINTS, which is only read back: steps always mask interrupts.
    mask: u32,
    /// The requests that could not be answered since [`Target::take_unanswered`].
    unanswered: Vec<String>,
}

impl Target {
    pub(super) fn new(board: &'static Board, memory: Memory, execution: Execution) -> Self {
        Self { execution, board, memory, demcr: 0, dcrdr: 0, mask: 0, unanswered: Vec::new() }
    }

    /// Undoes the debugger's settings and resumes the core.
    pub(super) fn release(&mut self) -> Result {
        (self.demcr, self.dcrdr, self.mask) = (0, 0, 0);
        self.execution.release()
    }

    /// Returns the requests that could not be answered since the last call.
    pub(super) fn take_unanswered(&mut self) -> Vec<String> {
        if self.execution.traps.take_overflow() {
            self.unanswered.push(format!("a stop at more than {MAX_TRAPS} BKPT instructions, or data like them"));
        }
        std::mem::take(&mut self.unanswered)
    }

    fn read_private(&mut self, address: u32) -> Result<u32> {
        Ok(match address {
            DHCSR => self.status()?,
            DCRSR => 0,
            DCRDR => self.dcrdr,
            DEMCR => self.demcr,
            DFSR => {
                self.execution.state()?;
                self.execution.reasons
            }
            DWT_CTRL => DWT_EMPTY,
            0xe000_1004..DWT_END => 0,
            FP_CTRL => self.execution.comparators.control(),
            FP_COMP..FP_END => self.execution.comparators.comparator((address - FP_COMP) / 4),
            DAUTHCTRL => 0,
            DSCSR if self.board.core.secure() => SECURE,
            DAUTHSTATUS => ALL_ALLOWED,
            _ => match components::word(self.board, address) {
                Some(word) => word,
                None => self.read_peripheral(address)?,
            },
        })
    }

    fn write_private(&mut self, address: u32, value: u32) -> Result {
        match address {
            DHCSR if value >> 16 == 0xa05f => self.control(value),
            DHCSR => Ok(()),
            DCRSR => self.transfer(value),
            DCRDR => {
                self.dcrdr = value;
                Ok(())
            }
            DEMCR => {
                self.demcr = value;
                self.execution.catch_reset = value & VC_CORERESET != 0;
                self.execution.catch_hard_fault = value & VC_HARDERR != 0;
                self.breakpoints_changed()
            }
            DFSR => {
                self.execution.reasons &= !value;
                Ok(())
            }
            // With the key: SYSRESETREQ, or VECTRESET of older cores.
            AIRCR if value >> 16 == 0x05fa && value & 0b101 != 0 => self.execution.restart(),
            FP_CTRL => {
                self.execution.comparators.set_control(value);
                self.breakpoints_changed()
            }
            FP_COMP..FP_END => {
                self.execution.comparators.set_comparator((address - FP_COMP) / 4, value);
                self.breakpoints_changed()
            }
            DWT_CTRL..DWT_END | DAUTHCTRL | DSCSR => Ok(()),
            _ if self.board.core.secure() => {
                let board = self.board;
                self.execution.paused(|gdb| registers::store(gdb, board, address, value))
            }
            _ => self.memory.write(u64::from(address), &value.to_le_bytes()),
        }
    }

    /// Reads a private peripheral that QEMU has. With two Security states, only the core itself can
    /// access those of its own state.
    fn read_peripheral(&mut self, address: u32) -> Result<u32> {
        let mut word = [0; 4];
        if self.board.core.secure() {
            self.execution.paused(|gdb| gdb.read(address, &mut word))?;
        } else {
            self.memory.read(u64::from(address), &mut word)?;
        }
        Ok(u32::from_le_bytes(word))
    }

    /// Reads DHCSR, which clears its sticky bits.
    fn status(&mut self) -> Result<u32> {
        let mut status = S_REGRDY | self.mask;
        status |= match self.execution.state()? {
            State::Running => S_RETIRE_ST,
            State::Halted => S_HALT | C_HALT,
            State::Held => 0,
            State::LockedUp => S_LOCKUP,
        };
        if self.execution.enabled {
            status |= C_DEBUGEN;
        }
        if self.execution.take_reset() {
            status |= S_RESET_ST;
        }
        Ok(status)
    }

    /// Writes DHCSR; the key was checked.
    fn control(&mut self, value: u32) -> Result {
        self.mask = value & C_MASKINTS;
        if value & C_DEBUGEN == 0 {
            return self.execution.enable(false);
        }
        let enabled = self.execution.enabled;
        self.execution.enable(true)?;
        match value & (C_HALT | C_STEP) {
            // Enabling halting does not resume a core that it has just caught.
            0 if !enabled => Ok(()),
            0 => self.execution.resume(),
            C_STEP => self.execution.step(),
            _ => self.execution.halt(),
        }
    }

    /// Writes DCRSR: copies a register to or from DCRDR. A running core ignores it.
    fn transfer(&mut self, value: u32) -> Result {
        if self.execution.state()? != State::Halted {
            return Ok(());
        }
        let (selector, gdb) = (value as u8 & 0x7f, &mut self.execution.gdb);
        if value >> 16 & 1 == 0 {
            let value = registers::read(gdb, self.board, selector)?;
            if value.is_none() {
                self.unanswered.push(format!("core register {selector:#04x}, which {} does not have", self.board.name));
            }
            self.dcrdr = value.unwrap_or(0);
        } else {
            registers::write(gdb, self.board, selector, self.dcrdr)?;
            self.execution.placed |= selector == 15;
        }
        Ok(())
    }

    /// Sets the breakpoints of a running core; those of a halted core are set when it resumes.
    fn breakpoints_changed(&mut self) -> Result {
        match self.execution.state()? {
            State::Running => self.execution.paused(|_| Ok(())),
            State::Halted | State::Held | State::LockedUp => Ok(()),
        }
    }

    fn is_private(address: u32) -> bool {
        (PRIVATE..PRIVATE_END).contains(&address)
    }
}

impl Bus for Target {
    fn read(&mut self, address: u32, data: &mut [u8]) -> Result {
        if !Self::is_private(address) {
            return self.memory.read(u64::from(address), data);
        }
        let mut rest = data;
        let mut address = address;
        while !rest.is_empty() {
            let word = self.read_private(address & !3)?.to_le_bytes();
            let offset = (address & 3) as usize;
            let length = rest.len().min(4 - offset);
            let (part, others) = rest.split_at_mut(length);
            part.copy_from_slice(&word[offset..offset + length]);
            rest = others;
            address = address.wrapping_add(length as u32);
        }
        Ok(())
    }

    fn write(&mut self, address: u32, data: &[u8]) -> Result {
        if Self::is_private(address) {
            // Debuggers write whole words there. Parts of a word are ignored: they lack the
            // registers' keys.
            let words = (address..).step_by(4).zip(data.as_chunks::<4>().0);
            for (address, &word) in words.filter(|(address, _)| address & 3 == 0) {
                self.write_private(address, u32::from_le_bytes(word))?;
            }
            return Ok(());
        }
        let code = self.board.code.contains(address);
        if code && self.board.flash {
            self.execution.paused(|gdb| gdb.write(address, data))?;
        } else {
            self.memory.write(u64::from(address), data)?;
        }
        // RAM that is written while the core runs holds variables, not code.
        let ram = self.board.ram.contains(address);
        if code || ram && self.execution.state()? != State::Running {
            self.execution.written(address, data)?;
        }
        Ok(())
    }
}
