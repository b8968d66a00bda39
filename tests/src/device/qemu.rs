//! Boards in QEMU: frames on the UART, through a socket, or over RTT, through the emulator's memory; logs over RTT.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use boards::Board;
use virtual_probe::{Killer, Machine, MachineOptions, Uart, check_emulator};

use super::elf::{elf_path, model_region, symbol};
use super::rtt::{Rtt, RttStream};
use super::{DeviceError, LINK_DOWN, LINK_UP, LOGS_UP, Lab, Link, Runner, Session};
use crate::Client;
use crate::client::Stream;
use crate::logs::Logs;

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
pub struct Emulator {
    machine: Machine,
    logs: Logs,
}

/// Whether `board` can be emulated here.
pub(super) fn availability(board: &'static Board, lab: &Lab) -> Result<(), DeviceError> {
    let absent = |reason| DeviceError::Absent { device: &board.name, reason };
    let found = check_emulator(&board.emulator_program, lab.patience);
    found.map_err(|error| absent(format!("{error}; or type `cargo xtask setup`")))?;
    let elf = elf_path(lab, &board.name);
    if !elf.is_file() {
        let reason = format!("no firmware at {}: `cargo xtask firmware {}` builds it", elf.display(), board.name);
        return Err(absent(reason));
    }
    Ok(())
}

/// Starts `binary` on `board`, with `model` at the start of its model region.
pub(super) fn start(board: &'static Board, binary: &str, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
    let not_started =
        |error: anyhow::Error| DeviceError::NotStarted { device: &board.name, reason: format!("{error:#}") };
    let path = elf_path(lab, binary);
    let elf = fs::read(&path).with_context(|| format!("cannot read {}", path.display())).map_err(not_started)?;
    let region = model_region(&elf).with_context(|| path.display().to_string()).map_err(not_started)?;
    if model.len() as u64 > region.end - region.start {
        let (found, capacity) = (model.len(), region.end - region.start);
        return Err(DeviceError::ModelTooLarge { device: &board.name, found, capacity });
    }
    launch(board, &path, &elf, region.start, lab, model).map_err(not_started)
}

fn launch(
    board: &'static Board,
    path: &Path,
    elf: &[u8],
    model_address: u64,
    lab: &Lab,
    model: &[u8],
) -> anyhow::Result<Session> {
    let machine = board.emulator.as_deref().with_context(|| format!("nothing emulates {}", board.name))?;
    let uart = if lab.link == Link::Uart { Uart::Stream } else { Uart::None };
    let options = MachineOptions::new(machine).program(&board.emulator_program).patience(lab.patience);
    let mut options = options.kernel(path).semihosting(true).uart(uart);
    if !model.is_empty() {
        options = options.image(model_address, model);
    }
    let mut machine = options.start()?;
    let rtt = Rtt::new(machine.memory.clone(), symbol(elf, "_SEGGER_RTT")?);
    let stream: Box<dyn Stream> = match machine.uart.take() {
        Some(uart) => {
            uart.set_read_timeout(Some(lab.patience))?;
            uart.set_write_timeout(Some(lab.patience))?;
            Box::new(uart)
        }
        None => {
            Box::new(RttStream { up: rtt.up(LINK_UP, Some(lab.patience)), down: rtt.down(LINK_DOWN, lab.patience) })
        }
    };
    let mut logs = rtt.up(LOGS_UP, None);
    logs.open(lab.patience).map_err(|error| anyhow::anyhow!("{error}{}", machine.post_mortem()))?;
    let logs = Logs::collect(&board.name, elf, logs, lab.show_logs)?;
    let runner = Some(Runner::Emulator(Box::new(Emulator { machine, logs })));
    Ok(Session { device: &board.name, client: Client::new(stream, lab.patience), runner })
}

impl Emulator {
    /// The exit code of a program that has ended by itself, waiting for that for at most `patience`.
    pub(super) fn exit_code(&self, patience: Duration) -> Option<i32> {
        self.machine.wait(patience).and_then(|status| status.code())
    }

    pub(super) fn logs(&mut self) -> Vec<String> {
        if self.machine.wait(Duration::ZERO).is_some() {
            self.logs.finish();
        }
        self.logs.lines()
    }

    pub(super) fn killer(&self) -> Killer {
        self.machine.killer()
    }

    /// How the emulator ended, what it said, and the firmware's last words.
    pub(super) fn post_mortem(&mut self) -> String {
        let mut text = self.machine.post_mortem();
        // Log lines that were shown as they came need no repeating.
        let logs = if self.logs.are_shown() { Vec::new() } else { self.logs() };
        for line in logs {
            text.push_str("\n    ");
            text.push_str(&line);
        }
        text
    }
}
