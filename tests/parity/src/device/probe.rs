//! Boards reached through a debug probe with probe-rs: flash, reset, and frames over RTT.
//!
//! The probe is a real one or the virtual one in front of QEMU; everything else is the same.

mod pump;
mod selector;

use std::io::Cursor;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use boards::Board;
use host_support::errors;
use probe_rs::config::Registry;
use probe_rs::flashing::{BootInfo, DownloadOptions, ElfLoader};
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeSelector, WireProtocol};
use probe_rs::rtt::{ChannelMode, Rtt};
use probe_rs::{Architecture, Core, MemoryInterface as _, Permissions};
use virtual_probe::{CHIPS, Killer, MachineOptions, Probe, Server, Stopper};

use super::elf::{Program, check_firmware, not_started};
use super::{Device, DeviceError, IO_TIMEOUT, Lab, Runner, Session, qemu};
use crate::logs::{Logs, has_logs};
use crate::{Client, Stream};
use pump::{Channels, End, Pump};
use selector::{greet, network_address, selector};

/// Pause between two polls.
const PAUSE: Duration = Duration::from_millis(5);

/// Longest time for a core to halt.
const HALT_PATIENCE: Duration = Duration::from_secs(2);

/// A connection through a probe. Dropping it ends the connection and the emulator, if any.
#[derive(Debug)]
struct Probed {
    logs: Logs,
    end: Arc<Mutex<Option<End>>>,
    pump: Option<JoinHandle<()>>,
    /// A clone of the client's socket: shutting it down ends the pump.
    link: UnixStream,
    emulator: Option<EmulatedProbe>,
}

/// The virtual probe, on a thread.
#[derive(Debug)]
struct EmulatedProbe {
    killer: Killer,
    stopper: Stopper,
    thread: Option<JoinHandle<Result<(), virtual_probe::ProbeError>>>,
}

/// Checks that there is a probe for `board`, and firmware to flash.
pub(super) fn availability(device: &'static str, board: &Board, lab: &Lab) -> Result<(), DeviceError> {
    if board.emulator.is_some() {
        return qemu::availability(device, board, lab);
    }
    check_firmware(device, board, lab)?;
    check_probe(device, lab)
}

/// Checks that there is a probe for hardware.
pub(super) fn check_probe(device: &'static str, lab: &Lab) -> Result<(), DeviceError> {
    selector(lab).map(drop).map_err(|error| DeviceError::Absent { device, reason: errors::chain(error.as_ref()) })
}

/// Flashes `program` of ours, and `model` into its model region; then starts it.
pub(super) fn start(
    device: Device,
    board: &Board,
    program: &str,
    lab: &Lab,
    model: &[u8],
) -> Result<Session, DeviceError> {
    let program = Program::load(device.name(), program, lab, model)?;
    let start = || {
        let chip = board.chip.as_deref().context("the board's file names no chip of probe-rs")?;
        match &board.emulator {
            Some(emulator) => {
                let (selector, emulator) = emulate(&board.name, &emulator.machine, lab)?;
                launch(device, chip, selector, Some(emulator), &program, lab, model)
            }
            None => launch(device, chip, connected(lab)?, None, &program, lab, model),
        }
    };
    start().map_err(|error| not_started(device.name(), &error))
}

/// Flashes the program of others at `elf`, and starts it.
pub(super) fn start_foreign(
    device: Device,
    chip: &str,
    elf: &Path,
    lab: &Lab,
    model: &[u8],
) -> Result<Session, DeviceError> {
    let program = Program::read(device.name(), elf, model)?;
    let launched = connected(lab).and_then(|selector| launch(device, chip, selector, None, &program, lab, model));
    launched.map_err(|error| not_started(device.name(), &error))
}

/// Returns the probe for hardware. One on the network listens.
fn connected(lab: &Lab) -> anyhow::Result<DebugProbeSelector> {
    let selector = selector(lab)?;
    if let Some(address) = network_address(&selector) {
        greet(address, lab.patience)?;
    }
    Ok(selector)
}

fn launch(
    device: Device,
    chip: &str,
    selector: DebugProbeSelector,
    emulator: Option<EmulatedProbe>,
    program: &Program,
    lab: &Lab,
    model: &[u8],
) -> anyhow::Result<Session> {
    let control_block = program.control_block()?;
    let mut session = attach(chip, selector)?;
    program.check_architecture(architecture_of(&session), chip)?;
    flash(&mut session, program, model)?;

    let (rtt, channels) = {
        let mut core = session.core(0)?;
        // An earlier run's control block must not be taken for this one's.
        core.write_8(control_block, &[0; 16])?;
        core.run()?;
        attach_rtt(&mut core, control_block, lab.patience)?
    };

    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(IO_TIMEOUT))?;
    ours.set_write_timeout(Some(IO_TIMEOUT))?;
    theirs.set_nonblocking(true)?;
    let (log_source, log_sink) = UnixStream::pair()?;
    let end = Arc::new(Mutex::new(None));
    let link = ours.try_clone()?;
    let logs = match channels.logs {
        Some(_) if !device.is_foreign() || has_logs(&program.elf) => {
            Logs::collect(device.name(), &program.elf, log_source, lab.show_logs)?
        }
        _ => Logs::none(),
    };
    let pump = Pump::new(theirs, log_sink, channels);
    let pumped = Arc::clone(&end);
    let pump = thread::Builder::new().name("probe".into()).spawn(move || {
        let ended = pump.run(&mut session, rtt).unwrap_or_else(|error| End::Stopped(errors::chain(error.as_ref())));
        *pumped.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
    })?;
    let probed = Probed { logs, end, pump: Some(pump), link, emulator };
    Ok(Session { device, client: Client::new(Box::new(ours), lab.patience), runner: Some(Box::new(probed)) })
}

/// Starts QEMU and the virtual probe in front of it.
fn emulate(board: &str, machine: &str, lab: &Lab) -> anyhow::Result<(DebugProbeSelector, EmulatedProbe)> {
    let board =
        virtual_probe::Board::by_name(board).with_context(|| format!("the virtual probe does not know {board}"))?;
    let machine = MachineOptions::new(machine).patience(lab.patience).debugged().start()?;
    let killer = machine.killer();
    let mut server = Server::new(Probe::new(board, machine)?, 0)?;
    let selector = server.selector()?;
    let selector = selector.parse().with_context(|| format!("probe-rs does not understand {selector}"))?;
    let stopper = server.stopper();
    let thread = thread::Builder::new().name("virtual-probe".into()).spawn(move || server.run())?;
    Ok((selector, EmulatedProbe { killer, stopper, thread: Some(thread) }))
}

fn attach(chip: &str, selector: DebugProbeSelector) -> anyhow::Result<probe_rs::Session> {
    let mut registry = Registry::from_builtin_families();
    registry.add_target_family_from_yaml(CHIPS).context("cannot read the description of the emulated chips")?;
    let target = registry.get_target_by_name(chip);
    let target = target.with_context(|| format!("probe-rs does not know the chip {chip}; see `probe-rs chip list`"))?;
    let shown = selector.to_string();
    let mut probe = Lister::new().open(selector).with_context(|| format!("cannot open the probe {shown}"))?;
    probe.select_protocol(WireProtocol::Swd).context("the probe does not speak SWD")?;
    probe
        .attach_with_registry(target, Permissions::default(), &registry)
        .with_context(|| format!("cannot attach to a {chip} through {shown}; check the board and its power"))
}

/// Flashes what differs, and leaves the core halted at the program's start.
fn flash(session: &mut probe_rs::Session, program: &Program, model: &[u8]) -> anyhow::Result<()> {
    let mut loader = session.target().flash_loader();
    loader.load_image(session, &mut Cursor::new(&program.elf), ElfLoader(Default::default()), None)?;
    if let Some(address) = program.model_address
        && !model.is_empty()
    {
        loader.add_data(address, model)?;
    }
    let mut options = DownloadOptions::default();
    options.preverify = true;
    options.verify = true;
    options.keep_unwritten_bytes = true;
    loader.commit(session, options).context("cannot flash")?;
    match loader.boot_info() {
        BootInfo::FromRam { vector_table_addr, .. } => session.prepare_running_on_ram(vector_table_addr, 0)?,
        BootInfo::Other => {
            session.core(0)?.reset_and_halt(HALT_PATIENCE)?;
        }
    }
    Ok(())
}

/// Waits until the firmware has started RTT, and makes it wait for room instead of losing logs.
fn attach_rtt(core: &mut Core<'_>, control_block: u64, patience: Duration) -> anyhow::Result<(Rtt, Channels)> {
    let deadline = Instant::now() + patience;
    loop {
        match Rtt::attach_at(core, control_block) {
            Ok(mut rtt) => {
                let channels = Channels::of(&mut rtt)?;
                if let Some(logs) = channels.logs.and_then(|index| rtt.up_channel(index)) {
                    logs.set_mode(core, ChannelMode::BlockIfFull)?;
                }
                return Ok((rtt, channels));
            }
            Err(error) if Instant::now() >= deadline => {
                return Err(anyhow!(error).context("the firmware does not start RTT"));
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Returns the architecture of the chip.
fn architecture_of(session: &probe_rs::Session) -> object::Architecture {
    match session.architecture() {
        Architecture::Arm => object::Architecture::Arm,
        Architecture::Riscv => object::Architecture::Riscv32,
        Architecture::Xtensa => object::Architecture::Xtensa,
    }
}

impl Probed {
    fn wait(&self, patience: Duration) -> Option<End> {
        let deadline = Instant::now() + patience;
        loop {
            let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if end.is_some() || Instant::now() >= deadline {
                return end;
            }
            thread::sleep(PAUSE);
        }
    }

    fn finish_logs(&mut self) {
        if self.wait(Duration::ZERO).is_some() {
            self.logs.finish();
        }
    }
}

impl Runner for Probed {
    fn exit_code(&self, patience: Duration) -> Option<i32> {
        match self.wait(patience)? {
            End::Exited(code) => Some(code),
            End::Stopped(_) => None,
        }
    }

    fn logs(&mut self) -> Vec<String> {
        self.finish_logs();
        self.logs.lines()
    }

    fn killer(&self) -> Option<Killer> {
        self.emulator.as_ref().map(|emulator| emulator.killer.clone())
    }

    fn rtt(&self) -> Option<Box<dyn Stream>> {
        None
    }

    fn post_mortem(&mut self) -> String {
        let mut text = match self.wait(Duration::from_millis(500)) {
            Some(End::Exited(code)) => format!("; the program ended with exit code {code}"),
            Some(End::Stopped(why)) => format!("; {why}"),
            None => "; the board still runs".to_owned(),
        };
        if let Some(error) = self.emulator.as_mut().and_then(EmulatedProbe::error) {
            text.push_str("; ");
            text.push_str(&error);
        }
        self.finish_logs();
        text + &self.logs.last_lines()
    }
}

impl Drop for Probed {
    fn drop(&mut self) {
        // An error means that it is closed already.
        let _ = self.link.shutdown(std::net::Shutdown::Both);
        if let Some(pump) = self.pump.take() {
            let _ = pump.join();
        }
    }
}

impl EmulatedProbe {
    /// Returns the error with which the virtual probe ended, waiting half a second for it.
    fn error(&mut self) -> Option<String> {
        let deadline = Instant::now() + Duration::from_millis(500);
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(PAUSE);
        }
        let ended = self.thread.take()?.join().ok()?;
        ended.err().map(|error| error.to_string())
    }
}

impl Drop for EmulatedProbe {
    fn drop(&mut self) {
        self.stopper.stop();
        self.killer.kill();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
