//! The core's execution, as a debugger sees it: run, halt, step and reset.

mod stops;

use std::collections::BTreeSet;

use super::breakpoints::{Comparators, Traps};
use crate::error::Result;
use crate::{Board, Gdb, Memory, Monitor};

/// Register numbers of QEMU's gdb stub.
pub(super) const PC: u8 = 15;
pub(super) const XPSR: u8 = 25;

/// Reasons for a halt, as bits of DFSR: a request or a step, a breakpoint, a caught vector.
const REQUESTED: u32 = 1;
const BREAKPOINT: u32 = 1 << 1;
const CAUGHT: u32 = 1 << 3;

/// The core's state, as a debugger sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Halted,
    /// Held in reset, or stopped after one until the debugger that catches it enables halting.
    Held,
    /// Stopped before it would lock up, because QEMU exits when a core locks up.
    LockedUp,
}

#[derive(Debug)]
pub(super) struct Execution {
    pub(super) gdb: Gdb,
    pub(super) comparators: Comparators,
    /// DFSR: the reasons of halts, until the debugger clears them.
    pub(super) reasons: u32,
    /// True to halt after a reset, before the first instruction.
    pub(super) catch_reset: bool,
    /// True to halt before the first instruction of HardFault's handler.
    pub(super) catch_hard_fault: bool,
    /// True if the program counter was written since the reset.
    pub(super) placed: bool,
    board: &'static Board,
    memory: Memory,
    monitor: Monitor,
    state: State,
    /// C_DEBUGEN: halting is enabled.
    pub(super) enabled: bool,
    pub(super) traps: Traps,
    /// True if no instruction was executed since the reset.
    fresh: bool,
    /// True after a reset that was not reported to the debugger.
    reset: bool,
    /// True if memory was searched for traps.
    searched: bool,
    /// True while the reset line is asserted.
    line: bool,
    /// The breakpoints that are set in QEMU.
    planted: BTreeSet<u32>,
}

impl Execution {
    /// Takes over a machine that was started stopped.
    pub(super) fn new(board: &'static Board, memory: Memory, gdb: Gdb, monitor: Monitor) -> Self {
        Self {
            gdb,
            comparators: Comparators::new(board.core),
            reasons: 0,
            catch_reset: false,
            catch_hard_fault: false,
            placed: false,
            board,
            memory,
            monitor,
            state: State::LockedUp,
            enabled: false,
            fresh: true,
            reset: false,
            searched: false,
            line: false,
            traps: Traps::default(),
            planted: BTreeSet::new(),
        }
    }

    pub(super) fn state(&mut self) -> Result<State> {
        if self.gdb.poll()? {
            self.stopped()?;
        }
        if self.monitor.take_guest_reset()? {
            self.reset = true;
            if self.catch_reset && self.enabled && self.state == State::Running {
                // The core has run on: a second reset is as close to a halt at the first as QEMU
                // allows.
                self.restart()?;
            }
        }
        Ok(self.state)
    }

    /// Returns true if there was a reset since the last call.
    pub(super) fn take_reset(&mut self) -> bool {
        std::mem::take(&mut self.reset)
    }

    /// Enables or disables halting; disabling it resumes a halted core.
    pub(super) fn enable(&mut self, on: bool) -> Result {
        if self.enabled == on {
            return Ok(());
        }
        self.enabled = on;
        match self.state()? {
            State::Running => self.paused(|_| Ok(())),
            State::Halted => self.resume(),
            // It reached a BKPT without a debugger, and was stopped there.
            State::LockedUp if on && self.at_trap()? => {
                self.state = State::Halted;
                self.reasons |= BREAKPOINT;
                Ok(())
            }
            State::Held if on && !self.line => {
                self.state = State::Halted;
                self.reasons |= CAUGHT;
                Ok(())
            }
            State::Held | State::LockedUp => Ok(()),
        }
    }

    pub(super) fn halt(&mut self) -> Result {
        if self.state()? != State::Halted {
            self.gdb.halt()?;
            self.state = State::Halted;
            self.reasons |= REQUESTED;
        }
        Ok(())
    }

    /// Returns true if the core is halted and can execute. A halted core that would lock up becomes
    /// [`State::LockedUp`].
    fn may_go_on(&mut self) -> Result<bool> {
        if self.state()? != State::Halted {
            return Ok(false);
        }
        self.search()?;
        if self.would_lock_up()? {
            self.state = State::LockedUp;
            return Ok(false);
        }
        Ok(true)
    }

    /// Resumes a halted core, unless it would lock up.
    pub(super) fn resume(&mut self) -> Result {
        if !self.may_go_on()? {
            return Ok(());
        }
        self.plant()?;
        self.gdb.resume()?;
        self.state = State::Running;
        self.fresh = false;
        Ok(())
    }

    /// Executes one instruction of a halted core, unless it has a breakpoint.
    pub(super) fn step(&mut self) -> Result {
        if !self.may_go_on()? {
            return Ok(());
        }
        let pc = self.program_counter()?;
        if self.stops_at(pc) {
            self.reasons |= BREAKPOINT;
            return Ok(());
        }
        self.gdb.step()?;
        self.fresh = false;
        self.reasons |= REQUESTED;
        Ok(())
    }

    /// Resets the machine. The core halts if the reset is caught, and runs otherwise.
    pub(super) fn restart(&mut self) -> Result {
        self.gdb.halt()?;
        self.state = self.at_rest();
        self.monitor.reset()?;
        self.reset = true;
        self.fresh = true;
        self.placed = false;
        self.comparators.clear();
        self.state = State::Halted;
        match (self.catch_reset, self.enabled) {
            (true, true) => self.reasons |= CAUGHT,
            (true, false) => self.state = State::Held,
            (false, _) => self.resume()?,
        }
        Ok(())
    }

    /// Asserts or releases the reset line.
    pub(super) fn hold_reset(&mut self, hold: bool) -> Result {
        let held = std::mem::replace(&mut self.line, hold);
        match (held, hold) {
            (false, true) => {
                self.gdb.halt()?;
                self.state = State::Held;
                Ok(())
            }
            (true, false) => self.restart(),
            _ => Ok(()),
        }
    }

    /// Undoes the debugger's settings and resumes the core.
    pub(super) fn release(&mut self) -> Result {
        self.comparators.clear();
        (self.catch_reset, self.catch_hard_fault) = (false, false);
        self.hold_reset(false)?;
        if self.state()? == State::Held {
            self.state = State::Halted;
            self.resume()?;
        }
        self.enable(false)?;
        self.reasons = 0;
        self.reset = false;
        Ok(())
    }

    /// Calls `action` while the core is stopped, and resumes it if it ran before.
    pub(super) fn paused<T>(&mut self, action: impl FnOnce(&mut Gdb) -> Result<T>) -> Result<T> {
        let running = self.state()? == State::Running;
        self.gdb.halt()?;
        let result = action(&mut self.gdb);
        if running {
            // The state if one of the next requests is refused.
            self.state = self.at_rest();
            let pc = self.program_counter()?;
            if self.stops_at(pc) {
                self.stopped()?;
            } else {
                self.plant()?;
                self.gdb.resume()?;
                self.state = State::Running;
            }
        }
        result
    }

    /// Returns the state of a stopped core.
    fn at_rest(&self) -> State {
        if self.enabled { State::Halted } else { State::LockedUp }
    }

    /// Updates state and reasons after the core has stopped by itself.
    fn stopped(&mut self) -> Result {
        self.state = self.at_rest();
        if !self.enabled {
            return Ok(());
        }
        let pc = self.program_counter()?;
        self.reasons |= match self.hard_fault()? {
            _ if self.stops_at(pc) => BREAKPOINT,
            Some(handler) if handler == pc => CAUGHT,
            _ => REQUESTED,
        };
        Ok(())
    }
}
