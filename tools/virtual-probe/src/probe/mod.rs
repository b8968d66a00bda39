//! The probe: answers a client's requests from the machine.
//!
//! ```text
//! Server: sockets, one client at a time
//!   Probe: frame -> command -> answer
//!     Wire (SWD bits) --> DebugPort --> Target: memory, private peripherals, debug registers
//!     commands for registers ---^          ^      Execution: run, halt, step, reset, breakpoints
//!     commands for memory -----------------+      registers, components
//! ```

mod breakpoints;
mod command;
mod components;
mod debug_port;
mod execution;
mod frame;
mod load;
mod registers;
mod server;
mod swd;
mod target;

use std::collections::BTreeSet;
use std::time::Duration;

pub use load::LoadError;
pub use server::{ProbeError, Server, Stopper};

use crate::error::Result;
use crate::gdb::hex;
use crate::{Board, EmulatorError, Machine};
use command::{Command, CommandError};
use debug_port::DebugPort;
use execution::Execution;
use frame::{Answer, Failure};
use swd::Wire;
use target::Target;

const NAME: &str = concat!("prenda virtual probe ", env!("CARGO_PKG_VERSION"));
/// The version of the remote protocol.
const VERSION: u64 = 1;
/// The target's supply voltage, as text.
const VOLTAGE: &str = "3.3V";
/// The reported clock frequency in kilohertz; QEMU does not emulate a clock line.
const FREQUENCY: u64 = 4000;

/// Maximum number of different unanswered requests that are logged.
const MAX_UNANSWERED: usize = 1000;

/// Memory with addresses: the target, or a small RAM in tests.
trait Bus {
    /// Fills `data` with the memory at `address`.
    fn read(&mut self, address: u32, data: &mut [u8]) -> Result;

    /// Writes `data` at `address`.
    fn write(&mut self, address: u32, data: &[u8]) -> Result;

    fn read_word(&mut self, address: u32) -> Result<u32> {
        let mut word = [0; 4];
        self.read(address, &mut word)?;
        Ok(u32::from_le_bytes(word))
    }

    fn write_word(&mut self, address: u32, value: u32) -> Result {
        self.write(address, &value.to_le_bytes())
    }
}

/// A Black Magic Probe, connected to an emulated board.
#[derive(Debug)]
pub struct Probe {
    machine: Machine,
    board: &'static Board,
    wire: Wire,
    port: DebugPort,
    target: Target,
    /// The requests of clients that could not be answered so far.
    unanswered: BTreeSet<String>,
    verbose: bool,
}

impl Probe {
    /// Connects to `machine`, an emulated `board` that was started
    /// [debugged](crate::MachineOptions::debugged). A program in its memory does not run before a
    /// reset.
    ///
    /// # Errors
    ///
    /// Returns [`ProbeError::NotDebugged`] if the machine was not started debugged.
    pub fn new(board: &'static Board, mut machine: Machine) -> Result<Self, ProbeError> {
        let (gdb, monitor) = machine.debug.take().ok_or(ProbeError::NotDebugged { board: board.name })?;
        let memory = machine.memory.clone();
        let execution = Execution::new(board, memory.clone(), gdb, monitor);
        Ok(Self {
            machine,
            board,
            wire: Wire::default(),
            port: DebugPort::new(board.core),
            target: Target::new(board, memory, execution),
            unanswered: BTreeSet::new(),
            verbose: false,
        })
    }

    /// Sets if requests that cannot be answered are logged to standard error, each once.
    #[must_use]
    pub fn verbose(mut self, on: bool) -> Self {
        self.verbose = on;
        self
    }

    /// Updates the core's state; fails if the emulator has ended.
    fn look(&mut self) -> Result {
        if self.machine.wait(Duration::ZERO).is_some() {
            return Err(EmulatorError::Gone { link: "process" });
        }
        match self.target.execution.state() {
            Err(error) if !error.is_passing() => Err(error),
            _ => Ok(()),
        }
    }

    /// Prepares for a new client: resets the wire and the debug port.
    fn connect(&mut self) {
        self.wire = Wire::default();
        self.port = DebugPort::new(self.board.core);
    }

    /// Answers a command; `None` is a command that was too long.
    fn answer(&mut self, command: Option<&[u8]>) -> Result<Answer> {
        let Some(text) = command else {
            self.leave_unanswered("a command of more than 8 KiB".to_owned());
            return Ok(Answer::Error(Failure::Malformed));
        };
        let shown = || String::from_utf8_lossy(text.get(..24).unwrap_or(text)).into_owned();
        let answer = match Command::parse(text) {
            Ok(command) => self.execute(command),
            Err(CommandError::Unknown) => {
                self.leave_unanswered(format!("unknown command {:?}", shown()));
                Ok(Answer::Unsupported)
            }
            Err(CommandError::Malformed) => {
                self.leave_unanswered(format!("malformed command {:?}", shown()));
                Ok(Answer::Error(Failure::Malformed))
            }
        };
        for request in self.target.take_unanswered() {
            self.leave_unanswered(request);
        }
        match answer {
            Err(error) if error.is_passing() => {
                self.leave_unanswered(format!("{:?}: {error}", shown()));
                Ok(Answer::Error(Failure::Fault))
            }
            answer => answer,
        }
    }

    fn execute(&mut self, command: Command) -> Result<Answer> {
        let (port, target) = (&mut self.port, &mut self.target);
        Ok(match command {
            Command::Name => Answer::Text(NAME.to_owned()),
            Command::Voltage => Answer::Text(VOLTAGE.to_owned()),
            Command::Version => Answer::Number(VERSION),
            Command::Frequency => Answer::Number(FREQUENCY),
            Command::Ignored | Command::Start => Answer::Number(0),
            Command::Reset(hold) => {
                target.execution.hold_reset(hold)?;
                Answer::Number(0)
            }
            Command::Send { count, bits } => {
                self.wire.send(port, target, bits, count.min(64))?;
                Answer::Number(0)
            }
            Command::Receive { count } => Answer::Number(self.wire.receive(count)),
            Command::ReadDebugPort(register) => Answer::register(port.read_debug(register)),
            Command::WriteDebugPort(register, value) => {
                port.write_debug(register, value);
                Answer::Number(0)
            }
            Command::ReadAccessPort { port: number, register } => {
                Answer::register(port.read_access(target, number, register)?)
            }
            Command::WriteAccessPort { port: number, register, value } => {
                port.write_access(target, number, register, value)?;
                Answer::Number(0)
            }
            Command::Read { address, length } => {
                let mut data = vec![0; length as usize];
                target.read(address, &mut data)?;
                Answer::Text(hex(&data))
            }
            Command::Write { address, data } => {
                target.write(address, &data)?;
                Answer::Number(0)
            }
        })
    }

    fn leave_unanswered(&mut self, request: String) {
        if self.unanswered.len() < MAX_UNANSWERED && !self.unanswered.contains(&request) {
            if self.verbose {
                eprintln!("not answered: {request}");
            }
            self.unanswered.insert(request);
        }
    }
}

impl Answer {
    /// Returns the answer with a register's value, in little-endian bytes.
    fn register(value: u32) -> Self {
        Self::Text(hex(&value.to_le_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small memory at address 0. Other addresses are refused.
    pub(super) struct Ram([u8; 256]);

    impl Default for Ram {
        fn default() -> Self {
            Self([0; 256])
        }
    }

    impl Ram {
        fn part(&mut self, address: u32, length: usize) -> Result<&mut [u8]> {
            let refused = EmulatorError::refused("test memory", "an access", "nothing there");
            let start = address as usize;
            self.0.get_mut(start..start.saturating_add(length)).ok_or(refused)
        }
    }

    impl Bus for Ram {
        fn read(&mut self, address: u32, data: &mut [u8]) -> Result {
            data.copy_from_slice(self.part(address, data.len())?);
            Ok(())
        }

        fn write(&mut self, address: u32, data: &[u8]) -> Result {
            self.part(address, data.len())?.copy_from_slice(data);
            Ok(())
        }
    }

    #[test]
    fn registers_are_sent_in_little_endian_order() {
        assert_eq!(Answer::register(0x1234_5678).frame(), b"&K78563412#");
    }
}
