//! What the core does, as a debugger sees it: runs, halts, steps, is reset.

mod stops;

use std::collections::BTreeSet;

use super::breakpoints::{Comparators, Traps};
use crate::{Board, EmulatorError, Gdb, Memory, Monitor};

/// Register numbers of QEMU's gdb stub.
pub(super) const PC: u8 = 15;
pub(super) const XPSR: u8 = 25;

/// Reasons for a halt, as bits of DFSR: a request or a step, a breakpoint, a caught vector.
const REQUESTED: u32 = 1;
const BREAKPOINT: u32 = 1 << 1;
const CAUGHT: u32 = 1 << 3;

/// What a debugger thinks that the core does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It runs.
    Running,
    /// It is halted.
    Halted,
    /// It is held in reset, or after one until the debugger that wants to catch it has enabled
    /// halting.
    Held,
    /// It is locked up. In truth it is stopped where it would lock up, because QEMU ends when a
    /// core does.
    LockedUp,
}

/// The core's execution, and its breakpoints.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) gdb: Gdb,
    pub(super) comparators: Comparators,
    /// Why the core has halted, until the debugger clears it: DFSR.
    pub(super) reasons: u32,
    /// Whether to halt after a reset, before the first instruction.
    pub(super) catch_reset: bool,
    /// Whether to halt before the first instruction of HardFault's handler.
    pub(super) catch_hard_fault: bool,
    /// Whether the program counter was set since the reset.
    pub(super) placed: bool,
    board: &'static Board,
    memory: Memory,
    monitor: Monitor,
    state: State,
    /// Whether halting is enabled: C_DEBUGEN.
    enabled: bool,
    /// Whether nothing was executed since the reset.
    fresh: bool,
    /// Whether there was a reset that the debugger has not been told of.
    reset: bool,
    /// Whether memory was searched for traps.
    searched: bool,
    /// Whether the reset line is held.
    line: bool,
    traps: Traps,
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

    /// What the core does by now.
    pub(super) fn state(&mut self) -> Result<State, EmulatorError> {
        if self.gdb.poll()? {
            self.stopped()?;
        }
        if self.monitor.take_guest_reset()? {
            self.reset = true;
            if self.catch_reset && self.enabled && self.state == State::Running {
                // It has run on meanwhile: as close to a halt at the reset as QEMU allows.
                self.restart()?;
            }
        }
        Ok(self.state)
    }

    /// Whether there was a reset since this was last asked.
    pub(super) fn take_reset(&mut self) -> bool {
        std::mem::take(&mut self.reset)
    }

    /// Whether halting is enabled.
    pub(super) fn enabled(&self) -> bool {
        self.enabled
    }

    /// Enables halting, or disables it, which lets a halted core run.
    pub(super) fn enable(&mut self, on: bool) -> Result<(), EmulatorError> {
        if self.enabled == on {
            return Ok(());
        }
        self.enabled = on;
        match self.state()? {
            State::Running => self.paused(|_| Ok(())),
            State::Halted => self.resume(),
            // It came to a BKPT while nobody looked, which is why it is not let run.
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

    /// Halts the core.
    pub(super) fn halt(&mut self) -> Result<(), EmulatorError> {
        if self.state()? != State::Halted {
            self.gdb.halt()?;
            self.state = State::Halted;
            self.reasons |= REQUESTED;
        }
        Ok(())
    }

    /// Whether the core is halted and has something to run. One that has not counts as locked up
    /// from now on.
    fn may_go_on(&mut self) -> Result<bool, EmulatorError> {
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

    /// Lets a halted core run, where it has something to run.
    pub(super) fn resume(&mut self) -> Result<(), EmulatorError> {
        if !self.may_go_on()? {
            return Ok(());
        }
        self.plant()?;
        self.gdb.resume()?;
        self.state = State::Running;
        self.fresh = false;
        Ok(())
    }

    /// Executes one instruction of a halted core, but none that has a breakpoint.
    pub(super) fn step(&mut self) -> Result<(), EmulatorError> {
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

    /// Resets the machine. The core halts if it is to be caught, and runs otherwise.
    pub(super) fn restart(&mut self) -> Result<(), EmulatorError> {
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

    /// Holds the reset line, or lets it go.
    pub(super) fn hold_reset(&mut self, hold: bool) -> Result<(), EmulatorError> {
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

    /// Forgets the debugger: nothing is caught or halted any more, and the core runs.
    pub(super) fn release(&mut self) -> Result<(), EmulatorError> {
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

    /// Does what can only be done while the core is stopped, and lets it go on.
    pub(super) fn paused<T>(
        &mut self,
        action: impl FnOnce(&mut Gdb) -> Result<T, EmulatorError>,
    ) -> Result<T, EmulatorError> {
        let running = self.state()? == State::Running;
        self.gdb.halt()?;
        let result = action(&mut self.gdb);
        if running {
            // Until it goes on, whatever may be refused on the way.
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

    /// What a core does that has stopped.
    fn at_rest(&self) -> State {
        if self.enabled { State::Halted } else { State::LockedUp }
    }

    /// The core has stopped by itself.
    fn stopped(&mut self) -> Result<(), EmulatorError> {
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
