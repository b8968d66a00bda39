//! A debug probe with no hardware.
//!
//! ```text
//!             remote protocol             memory: qtest ----------+
//! probe-rs ------ TCP -------> Server --> core: gdb stub ---------+--> Machine: QEMU, a process of its own
//!                               |         reset: monitor (QMP) ---+
//!                  frames, SWD bits, debug port, access port, debug registers of the core
//! ```
//!
//! To probe-rs the [`Server`] is a Black Magic Probe on the network. A [`Machine`] also serves
//! without it, where nothing is to be debugged.

#![forbid(unsafe_code)]

mod board;
mod error;
mod gdb;
mod machine;
mod memory;
mod monitor;
mod probe;
mod process;

pub use board::{BOARDS, Board, CHIPS, Core, Region};
pub use error::EmulatorError;
pub use gdb::Gdb;
pub use machine::{Machine, MachineError, MachineOptions, QEMU, Uart, check_emulator};
pub use memory::Memory;
pub use monitor::Monitor;
pub use probe::{LoadError, Probe, ProbeError, Server, Stopper};
pub use process::{Killer, Process, stop_all, stop_all_at_signals};
