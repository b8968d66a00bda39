//! Boards in QEMU: frames on the UART, through a socket, or over RTT, through the emulator's
//! memory; logs over RTT.

use std::time::Duration;

use anyhow::Context as _;
use boards::Board;
use virtual_probe::{Killer, Machine, MachineOptions, Uart, check_emulator};

use super::elf::{Program, not_started, symbol, verify_there};
use super::rtt::{Rtt, RttStream};
use super::{DeviceError, LINK_DOWN, LINK_UP, LOGS_UP, Lab, Link, MOMENT, Runner, Session};
use crate::Client;
use crate::client::Stream;
use crate::logs::Logs;

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
pub struct Emulator {
    machine: Machine,
    rtt: Rtt,
    logs: Logs,
}

/// Whether `board`, which is `device`, can be emulated here.
pub(super) fn availability(device: &'static str, board: &Board, lab: &Lab) -> Result<(), DeviceError> {
    emulator(board)
        .and_then(|emulator| Ok(check_emulator(&emulator.program, lab.patience)?))
        .map_err(|error| DeviceError::Absent { device, reason: format!("{error}; or type `cargo xtask setup`") })?;
    verify_there(device, board, lab)
}

fn emulator(board: &Board) -> anyhow::Result<&boards::Emulator> {
    board.emulator.as_ref().with_context(|| format!("nothing emulates {}", board.name))
}

/// Starts `program` on `board`, with `model` at the start of its model region.
pub(super) fn start(board: &'static Board, program: &str, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
    let program = Program::load(&board.name, program, lab, model)?;
    launch(board, &program, lab, model).map_err(|error| not_started(&board.name, &error))
}

fn launch(board: &'static Board, program: &Program, lab: &Lab, model: &[u8]) -> anyhow::Result<Session> {
    let emulator = emulator(board)?;
    let uart = if lab.link == Link::Uart { Uart::Stream } else { Uart::None };
    let options = MachineOptions::new(&emulator.machine).program(&emulator.program).patience(lab.patience);
    let mut options = options.kernel(&program.path).semihosting(true).uart(uart);
    if let Some(shift) = lab.instruction_shift {
        options = options.instruction_time(shift);
    }
    if !model.is_empty() {
        options = options.image(program.model_address, model);
    }
    let mut machine = options.start()?;
    let rtt = Rtt::new(machine.memory.clone(), symbol(&program.elf, "_SEGGER_RTT")?);
    let stream: Box<dyn Stream> = match machine.uart.take() {
        Some(uart) => {
            uart.set_read_timeout(Some(MOMENT))?;
            uart.set_write_timeout(Some(MOMENT))?;
            Box::new(uart)
        }
        None => link_over(&rtt),
    };
    let mut logs = rtt.up(LOGS_UP, None);
    logs.open(lab.patience).map_err(|error| anyhow::anyhow!("{error}{}", machine.post_mortem()))?;
    let logs = Logs::collect(&board.name, &program.elf, logs, lab.show_logs)?;
    let runner = Some(Runner::Emulator(Box::new(Emulator { machine, rtt, logs })));
    Ok(Session { device: &board.name, client: Client::new(stream, lab.patience), runner })
}

fn link_over(rtt: &Rtt) -> Box<dyn Stream> {
    Box::new(RttStream { up: rtt.up(LINK_UP, Some(MOMENT)), down: rtt.down(LINK_DOWN, MOMENT) })
}

impl Emulator {
    pub(super) fn rtt(&self) -> Box<dyn Stream> {
        link_over(&self.rtt)
    }

    /// The exit code of a program that has ended by itself, waiting for that for at most
    /// `patience`.
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
        if self.machine.wait(Duration::ZERO).is_some() {
            self.logs.finish();
        }
        text.push_str(&self.logs.last_words());
        text
    }
}
