//! Boards in QEMU: frames over the UART (a socket) or RTT (the emulator's memory); logs over RTT.

use std::time::Duration;

use anyhow::Context as _;
use boards::Board;
use virtual_probe::{Killer, Machine, MachineOptions, Uart, check_emulator};

use super::elf::{Program, check_firmware, not_started, symbol};
use super::rtt::{Rtt, RttStream};
use super::{DeviceError, IO_TIMEOUT, LINK_DOWN, LINK_UP, LOGS_UP, Lab, Link, Runner, Session};
use crate::Client;
use crate::client::Stream;
use crate::logs::Logs;

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
struct Emulator {
    machine: Machine,
    rtt: Rtt,
    logs: Logs,
}

/// Checks that `board` can be emulated here.
pub(super) fn availability(device: &'static str, board: &Board, lab: &Lab) -> Result<(), DeviceError> {
    emulator(board)
        .and_then(|emulator| Ok(check_emulator(&emulator.program, lab.patience)?))
        .map_err(|error| DeviceError::Absent { device, reason: format!("{error}; or run `cargo xtask setup`") })?;
    check_firmware(device, board, lab)
}

fn emulator(board: &Board) -> anyhow::Result<&boards::Emulator> {
    board.emulator.as_ref().with_context(|| format!("no emulator runs {}", board.name))
}

/// Starts `program` on `board` with `model` in its model region.
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
            uart.set_read_timeout(Some(IO_TIMEOUT))?;
            uart.set_write_timeout(Some(IO_TIMEOUT))?;
            Box::new(uart)
        }
        None => link_over(&rtt),
    };
    let mut logs = rtt.up(LOGS_UP, None);
    logs.open(lab.patience).map_err(|error| anyhow::anyhow!("{error}{}", machine.post_mortem()))?;
    let logs = Logs::collect(&board.name, &program.elf, logs, lab.show_logs)?;
    let emulator = Emulator { machine, rtt, logs };
    Ok(Session { device: &board.name, client: Client::new(stream, lab.patience), runner: Some(Box::new(emulator)) })
}

fn link_over(rtt: &Rtt) -> Box<dyn Stream> {
    Box::new(RttStream { up: rtt.up(LINK_UP, Some(IO_TIMEOUT)), down: rtt.down(LINK_DOWN, IO_TIMEOUT) })
}

impl Emulator {
    fn finish_logs(&mut self) {
        if self.machine.wait(Duration::ZERO).is_some() {
            self.logs.finish();
        }
    }
}

impl Runner for Emulator {
    fn exit_code(&self, patience: Duration) -> Option<i32> {
        self.machine.wait(patience).and_then(|status| status.code())
    }

    fn logs(&mut self) -> Vec<String> {
        self.finish_logs();
        self.logs.lines()
    }

    fn killer(&self) -> Option<Killer> {
        Some(self.machine.killer())
    }

    fn rtt(&self) -> Option<Box<dyn Stream>> {
        Some(link_over(&self.rtt))
    }

    fn post_mortem(&mut self) -> String {
        let ended = self.machine.post_mortem();
        self.finish_logs();
        ended + &self.logs.last_lines()
    }
}
