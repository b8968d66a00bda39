//! A debug probe with no hardware.
//!
//! ```text
//!             remote protocol             memory: qtest ----------+
//! probe-rs ------ TCP -------> Server --> core: gdb stub ---------+--> Machine: a QEMU process
//!                               |         reset: monitor (QMP) ---+
//!                  frames, SWD bits, debug port, access port, debug registers of the core
//! ```
//!
//! To probe-rs the [`Server`] is a Black Magic Probe on the network. A [`Machine`] can also be used
//! without it, if nothing is debugged.

#![forbid(unsafe_code)]

mod board;
mod error;
mod gdb;
mod machine;
mod memory;
mod monitor;
mod probe;
mod process;

use gdb::Gdb;
use monitor::Monitor;

pub use board::{BOARDS, Board, CHIPS, Core, Region};
pub use error::EmulatorError;
pub use machine::{Machine, MachineError, MachineOptions, QEMU, Uart, check_emulator};
pub use memory::Memory;
pub use probe::{LoadError, Probe, ProbeError, Server, Stopper};
pub use process::{Killer, Process, stop_all, stop_all_at_signals};
