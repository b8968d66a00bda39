//! Boards in QEMU: frames over the UART (a socket) or RTT (the emulator's memory); logs over RTT.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use boards::Board;
use virtual_probe::{Killer, Machine, MachineOptions, Uart, check_emulator};

use super::elf::{Program, architecture_of, check_firmware, not_started};
use super::rtt::{Rtt, RttStream};
use super::{Device, DeviceError, IO_TIMEOUT, LINK, LOGS, Lab, Link, Runner, Session};
use crate::Client;
use crate::client::Stream;
use crate::logs::{Logs, has_logs};

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
struct Emulator {
    machine: Machine,
    /// `None` for a program of others without RTT.
    rtt: Option<Rtt>,
    logs: Logs,
}

/// Checks that `board` can be emulated here.
pub(super) fn availability(device: &'static str, board: &Board, lab: &Lab) -> Result<(), DeviceError> {
    check_emulator_of(device, board, lab)?;
    check_firmware(device, board, lab)
}

/// Checks that the emulator of `board` is installed.
pub(super) fn check_emulator_of(device: &'static str, board: &Board, lab: &Lab) -> Result<(), DeviceError> {
    emulator(board)
        .and_then(|emulator| Ok(check_emulator(&emulator.program, lab.patience)?))
        .map_err(|error| DeviceError::Absent { device, reason: format!("{error}; or run `cargo xtask setup`") })
}

fn emulator(board: &Board) -> anyhow::Result<&boards::Emulator> {
    board.emulator.as_ref().with_context(|| format!("no emulator runs {}", board.name))
}

/// Starts `program` of ours on `board` with `model` in its model region.
pub(super) fn start(board: &'static Board, program: &str, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
    let program = Program::load(&board.name, program, lab, model)?;
    launch(Device::Qemu(board), board, &program, lab, model).map_err(|error| not_started(&board.name, &error))
}

/// Starts the program of others at `elf` on `board`.
pub(super) fn start_elf(
    device: Device,
    board: &'static Board,
    elf: &Path,
    lab: &Lab,
    model: &[u8],
) -> Result<Session, DeviceError> {
    let program = Program::read(device.name(), elf, model)?;
    launch(device, board, &program, lab, model).map_err(|error| not_started(device.name(), &error))
}

fn launch(
    device: Device,
    board: &'static Board,
    program: &Program,
    lab: &Lab,
    model: &[u8],
) -> anyhow::Result<Session> {
    let emulator = emulator(board)?;
    program.check_architecture(architecture_of(board), &board.name)?;
    let control_block = program.control_block();
    let uart = if lab.link == Link::Uart { Uart::Stream } else { Uart::None };
    let options = MachineOptions::new(&emulator.machine).program(&emulator.program).patience(lab.patience);
    let mut options = options.kernel(&program.path).semihosting(true).uart(uart);
    options = options.arguments(&lab.emulator_arguments);
    if let Some(shift) = lab.instruction_shift {
        options = options.instruction_time(shift);
    }
    if let Some(address) = program.model_address
        && !model.is_empty()
    {
        options = options.image(address, model);
    }
    let mut machine = options.start()?;
    let (stream, rtt): (Box<dyn Stream>, _) = match machine.uart.take() {
        Some(uart) => {
            uart.set_read_timeout(Some(IO_TIMEOUT))?;
            uart.set_write_timeout(Some(IO_TIMEOUT))?;
            let rtt = control_block.ok().map(|address| Rtt::new(machine.memory.clone(), address));
            (Box::new(uart), rtt)
        }
        None => {
            let rtt = Rtt::new(machine.memory.clone(), control_block?);
            let opened = rtt.up(LINK, None).open(lab.patience);
            opened.map_err(|error| anyhow::anyhow!("{error}{}", machine.post_mortem()))?;
            (link_over(&rtt), Some(rtt))
        }
    };
    let logs = match &rtt {
        Some(rtt) if !device.is_foreign() || has_logs(&program.elf) => {
            collect_logs(device, &machine, rtt, program, lab)?
        }
        _ => Logs::none(),
    };
    let emulator = Emulator { machine, rtt, logs };
    Ok(Session { device, client: Client::new(stream, lab.patience), runner: Some(Box::new(emulator)) })
}

/// Collects the logs. Firmware of others may have none in RTT.
fn collect_logs(device: Device, machine: &Machine, rtt: &Rtt, program: &Program, lab: &Lab) -> anyhow::Result<Logs> {
    let mut logs = rtt.up(LOGS, None);
    match logs.open(lab.patience) {
        Ok(()) => Logs::collect(device.name(), &program.elf, logs, lab.show_logs),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Logs::none()),
        Err(error) => Err(anyhow::anyhow!("{error}{}", machine.post_mortem())),
    }
}

fn link_over(rtt: &Rtt) -> Box<dyn Stream> {
    Box::new(RttStream { up: rtt.up(LINK, Some(IO_TIMEOUT)), down: rtt.down(LINK, IO_TIMEOUT) })
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
        self.rtt.as_ref().map(link_over)
    }

    fn post_mortem(&mut self) -> String {
        let ended = self.machine.post_mortem();
        self.finish_logs();
        ended + &self.logs.last_lines()
    }
}
