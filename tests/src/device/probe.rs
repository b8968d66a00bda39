//! Boards behind a debug probe, by probe-rs: flashed, reset, and talked to over RTT.
//!
//! The probe is a real one, or the virtual one in front of QEMU; all else is the same.

use std::fs;
use std::io::{Cursor, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use boards::Board;
use probe_rs::config::Registry;
use probe_rs::flashing::{BootInfo, DownloadOptions, ElfLoader};
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeSelector, WireProtocol};
use probe_rs::rtt::{ChannelMode, Rtt};
use probe_rs::semihosting::SemihostingCommand;
use probe_rs::{BreakpointCause, Core, CoreStatus, HaltReason, MemoryInterface as _, Permissions};
use virtual_probe::{CHIPS, Killer, MachineOptions, Probe, Server, Stopper, check_emulator};

use super::elf::{elf_path, model_region, symbol};
use super::{DeviceError, LINK_DOWN, LINK_UP, LOGS_UP, Lab, Session};
use crate::logs::Logs;
use crate::{Client, device::Runner};

/// How long to wait before looking again at a device that had nothing to say.
const SHORTEST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// How often a core is asked whether it still runs.
const STATUS_PERIOD: Duration = Duration::from_millis(20);

/// How long a core may take to halt.
const HALT_PATIENCE: Duration = Duration::from_secs(2);

/// A board behind a probe. Dropping it ends the connection, and the emulator where there is one.
#[derive(Debug)]
pub struct Probed {
    logs: Logs,
    end: Arc<Mutex<Option<End>>>,
    pump: Option<JoinHandle<()>>,
    /// Another end of the link: the pump ends when that is closed.
    link: UnixStream,
    emulator: Option<EmulatedProbe>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// By itself, with an exit code.
    Exited(i32),
    /// The core or the probe stopped.
    Stopped(String),
}

/// The virtual probe, on a thread.
#[derive(Debug)]
struct EmulatedProbe {
    killer: Killer,
    stopper: Stopper,
    thread: Option<JoinHandle<Result<(), virtual_probe::ProbeError>>>,
}

/// Whether there is a probe for `board`, and firmware to flash.
pub(super) fn availability(board: &'static Board, name: &'static str, lab: &Lab) -> Result<(), DeviceError> {
    let absent = |reason| DeviceError::Absent { device: name, reason };
    let elf = elf_path(lab, &board.name);
    if !elf.is_file() {
        let reason = format!("no firmware at {}: `cargo xtask firmware {}` builds it", elf.display(), board.name);
        return Err(absent(reason));
    }
    match board.emulator {
        Some(_) => check_emulator(&board.emulator_program, lab.patience)
            .map_err(|error| absent(format!("{error}; or type `cargo xtask setup`"))),
        None => selector(lab).map(drop).map_err(|error| absent(format!("{error:#}"))),
    }
}

/// The probe for boards on the desk.
fn selector(lab: &Lab) -> anyhow::Result<DebugProbeSelector> {
    choose(lab.probe.as_deref(), || Lister::new().list_all().iter().map(DebugProbeSelector::from).collect())
}

/// The probe that was named, or the only one that is connected.
fn choose(
    named: Option<&str>,
    connected: impl FnOnce() -> Vec<DebugProbeSelector>,
) -> anyhow::Result<DebugProbeSelector> {
    if let Some(named) = named {
        let selector = named.parse::<DebugProbeSelector>();
        return selector
            .map_err(|_| anyhow!("{named:?} names no probe; write VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL"));
    }
    match connected().as_slice() {
        [] => bail!("no debug probe is connected, or none that may be opened: `probe-rs list` says more"),
        [probe] => Ok(probe.clone()),
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            bail!("several debug probes are connected; name one by --probe or PROBE_RS_PROBE: {}", names.join(", "))
        }
    }
}

/// Flashes `binary` and, at the start of its model region, `model`; then starts it.
pub(super) fn start(
    board: &'static Board,
    name: &'static str,
    binary: &str,
    lab: &Lab,
    model: &[u8],
) -> Result<Session, DeviceError> {
    let not_started = |error: anyhow::Error| DeviceError::NotStarted { device: name, reason: format!("{error:#}") };
    let path = elf_path(lab, binary);
    let elf = fs::read(&path).with_context(|| format!("cannot read {}", path.display())).map_err(not_started)?;
    let region = model_region(&elf).with_context(|| path.display().to_string()).map_err(not_started)?;
    if model.len() as u64 > region.end - region.start {
        let (found, capacity) = (model.len(), region.end - region.start);
        return Err(DeviceError::ModelTooLarge { device: name, found, capacity });
    }
    launch(board, name, &elf, region.start, lab, model).map_err(not_started)
}

fn launch(
    board: &'static Board,
    name: &'static str,
    elf: &[u8],
    model_address: u64,
    lab: &Lab,
    model: &[u8],
) -> anyhow::Result<Session> {
    let (selector, emulator) = match &board.emulator {
        Some(machine) => {
            let (selector, emulator) = emulate(&board.name, machine, lab)?;
            (selector, Some(emulator))
        }
        None => {
            let selector = selector(lab)?;
            if let Some(address) = network_address(&selector) {
                greet(address, lab.patience)?;
            }
            (selector, None)
        }
    };
    let mut session = attach(board, selector)?;
    flash(&mut session, elf, model_address, model)?;

    let control_block = symbol(elf, "_SEGGER_RTT")?;
    let rtt = {
        let mut core = session.core(0)?;
        // What an earlier run left there must not be taken for this one's.
        core.write_8(control_block, &[0; 16])?;
        core.run()?;
        attach_rtt(&mut core, control_block, lab.patience)?
    };

    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(lab.patience))?;
    ours.set_write_timeout(Some(lab.patience))?;
    theirs.set_nonblocking(true)?;
    let (log_source, log_sink) = UnixStream::pair()?;
    let end = Arc::new(Mutex::new(None));
    let link = ours.try_clone()?;
    let pump = Pump { link: theirs, logs: log_sink, to_device: Vec::new(), moved: false };
    let pumped = Arc::clone(&end);
    let pump = thread::Builder::new().name("probe".into()).spawn(move || {
        let ended = pump.run(&mut session, rtt).unwrap_or_else(|error| End::Stopped(format!("{error:#}")));
        *pumped.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
    })?;
    let logs = Logs::collect(name, elf, log_source, lab.show_logs)?;
    let probed = Probed { logs, end, pump: Some(pump), link, emulator };
    let runner = Some(Runner::Probe(Box::new(probed)));
    Ok(Session { device: name, client: Client::new(Box::new(ours), lab.patience), runner })
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

/// Where a probe on the network listens.
fn network_address(selector: &DebugProbeSelector) -> Option<SocketAddr> {
    selector.serial_number.as_deref()?.parse().ok()
}

/// Asks a probe on the network for its name, as probe-rs will, which has no time limit and says little of what is wrong.
fn greet(address: SocketAddr, patience: Duration) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, patience).with_context(|| {
        format!("no probe listens at {address}; `cargo xtask probe BOARD` starts one in front of an emulated board")
    })?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut answer = [0; 2];
    let greeted = stream.write_all(b"+#!GA#").and_then(|()| stream.read_exact(&mut answer));
    greeted.with_context(|| format!("what listens at {address} does not answer as a probe"))?;
    anyhow::ensure!(answer == *b"&K", "the probe at {address} is not free: another client has it");
    Ok(())
}

fn attach(board: &Board, selector: DebugProbeSelector) -> anyhow::Result<probe_rs::Session> {
    let shown = selector.to_string();
    let mut probe = Lister::new().open(selector).with_context(|| format!("cannot open the probe {shown}"))?;
    probe.select_protocol(WireProtocol::Swd).context("the probe does not speak SWD")?;
    let mut registry = Registry::from_builtin_families();
    registry.add_target_family_from_yaml(CHIPS).context("cannot read the emulated chips' description")?;
    let chip = board.chip.as_deref().context("probe-rs does not know its chip")?;
    probe
        .attach_with_registry(chip, Permissions::default(), &registry)
        .with_context(|| format!("cannot attach to a {chip} by {shown}: is it the right board, and has it power?"))
}

/// Flashes what is not there yet, and leaves the core halted where the program begins.
fn flash(session: &mut probe_rs::Session, elf: &[u8], model_address: u64, model: &[u8]) -> anyhow::Result<()> {
    let mut loader = session.target().flash_loader();
    loader.load_image(session, &mut Cursor::new(elf), ElfLoader(Default::default()), None)?;
    if !model.is_empty() {
        loader.add_data(model_address, model)?;
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

/// Waits until the firmware has started RTT, and asks it to lose no log.
fn attach_rtt(core: &mut Core<'_>, control_block: u64, patience: Duration) -> anyhow::Result<Rtt> {
    let deadline = Instant::now() + patience;
    loop {
        match Rtt::attach_at(core, control_block) {
            Ok(mut rtt) => {
                let logs = rtt.up_channel(LOGS_UP as usize).context("the firmware has no RTT channel for logs")?;
                logs.set_mode(core, ChannelMode::BlockIfFull)?;
                return Ok(rtt);
            }
            Err(error) if Instant::now() >= deadline => {
                return Err(anyhow!(error).context("the firmware does not start RTT"));
            }
            Err(_) => thread::sleep(LONGEST_PAUSE),
        }
    }
}

/// Carries bytes between RTT and sockets, since only one thread can use a probe.
struct Pump {
    link: UnixStream,
    logs: UnixStream,
    /// What the client has sent and the device has no room for yet.
    to_device: Vec<u8>,
    /// Whether anything went on in this round.
    moved: bool,
}

impl Pump {
    /// Until the program ends, the client goes away, or the probe fails.
    fn run(self, session: &mut probe_rs::Session, mut rtt: Rtt) -> anyhow::Result<End> {
        let mut core = session.core(0)?;
        let end = self.carry(&mut core, &mut rtt);
        // A board that runs on must not wait for a reader of its logs. Where the probe has failed, this fails, too.
        if let Some(logs) = rtt.up_channel(LOGS_UP as usize) {
            let _ = logs.set_mode(&mut core, ChannelMode::NoBlockSkip);
        }
        end
    }

    fn carry(mut self, core: &mut Core<'_>, rtt: &mut Rtt) -> anyhow::Result<End> {
        let mut next_status = Instant::now();
        let mut pause = SHORTEST_PAUSE;
        loop {
            self.moved = false;
            let is_status_due = Instant::now() >= next_status;
            // Asked before the last look at the channels, so that last words are read.
            let end = if is_status_due { end_of(core)? } else { None };
            if !self.down(core, rtt)? {
                return Ok(End::Stopped("the client went away".into()));
            }
            self.up(core, rtt)?;
            if is_status_due || end.is_some() {
                self.log(core, rtt)?;
                next_status = Instant::now() + STATUS_PERIOD;
            }
            if let Some(end) = end {
                return Ok(end);
            }
            pause = if self.moved { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            thread::sleep(pause);
        }
    }

    /// From the client to the device. False when the client is gone.
    fn down(&mut self, core: &mut Core<'_>, rtt: &mut Rtt) -> anyhow::Result<bool> {
        let mut chunk = [0; 2048];
        if self.to_device.is_empty() {
            match self.link.read(&mut chunk) {
                Ok(0) => return Ok(false),
                Ok(count) => self.to_device.extend_from_slice(&chunk[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(_) => return Ok(false),
            }
        }
        if !self.to_device.is_empty() {
            let channel =
                rtt.down_channel(LINK_DOWN as usize).context("the firmware has no RTT channel for requests")?;
            let written = channel.write(core, &self.to_device)?;
            self.moved |= written > 0;
            self.to_device.drain(..written);
        }
        Ok(true)
    }

    /// From the device to the client.
    fn up(&mut self, core: &mut Core<'_>, rtt: &mut Rtt) -> anyhow::Result<()> {
        let mut chunk = [0; 2048];
        let channel = rtt.up_channel(LINK_UP as usize).context("the firmware has no RTT channel for responses")?;
        let count = channel.read(core, &mut chunk)?;
        if count > 0 {
            self.moved = true;
            self.link.set_nonblocking(false)?;
            let sent = self.link.write_all(&chunk[..count]);
            self.link.set_nonblocking(true)?;
            // A client that is gone is noticed where it is read from.
            let _ = sent;
        }
        Ok(())
    }

    fn log(&mut self, core: &mut Core<'_>, rtt: &mut Rtt) -> anyhow::Result<()> {
        let mut chunk = [0; 2048];
        let channel = rtt.up_channel(LOGS_UP as usize).context("the firmware has no RTT channel for logs")?;
        loop {
            let count = channel.read(core, &mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            self.logs.write_all(&chunk[..count])?;
        }
    }
}

/// How the program has ended, if it has.
fn end_of(core: &mut Core<'_>) -> anyhow::Result<Option<End>> {
    Ok(match core.status()? {
        CoreStatus::Halted(HaltReason::Breakpoint(BreakpointCause::Semihosting(command))) => Some(match command {
            SemihostingCommand::ExitSuccess => End::Exited(0),
            SemihostingCommand::ExitError(details) => {
                End::Exited(details.exit_status.or(details.subcode).and_then(|code| code.try_into().ok()).unwrap_or(1))
            }
            other => End::Stopped(format!("the firmware asks for {other:?}, which nobody serves")),
        }),
        CoreStatus::Halted(reason) => Some(End::Stopped(format!("the core has halted: {reason:?}"))),
        CoreStatus::LockedUp => Some(End::Stopped("the core has locked up".into())),
        CoreStatus::Running | CoreStatus::Sleeping | CoreStatus::Unknown => None,
    })
}

impl Probed {
    /// The exit code of a program that has ended by itself, waiting for that for at most `patience`.
    pub(super) fn exit_code(&self, patience: Duration) -> Option<i32> {
        match self.wait(patience)? {
            End::Exited(code) => Some(code),
            End::Stopped(_) => None,
        }
    }

    fn wait(&self, patience: Duration) -> Option<End> {
        let deadline = Instant::now() + patience;
        loop {
            let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if end.is_some() || Instant::now() >= deadline {
                return end;
            }
            thread::sleep(LONGEST_PAUSE);
        }
    }

    pub(super) fn logs(&mut self) -> Vec<String> {
        if self.wait(Duration::ZERO).is_some() {
            self.logs.finish();
        }
        self.logs.lines()
    }

    pub(super) fn killer(&self) -> Option<Killer> {
        self.emulator.as_ref().map(|emulator| emulator.killer.clone())
    }

    pub(super) fn post_mortem(&mut self) -> String {
        let mut text = match self.wait(Duration::from_millis(500)) {
            Some(End::Exited(code)) => format!("; the program has ended with exit code {code}"),
            Some(End::Stopped(why)) => format!("; {why}"),
            None => "; the board still runs".to_owned(),
        };
        if let Some(words) = self.emulator.as_mut().and_then(EmulatedProbe::last_words) {
            text.push_str("; ");
            text.push_str(&words);
        }
        if !self.logs.are_shown() {
            for line in self.logs() {
                text.push_str("\n    ");
                text.push_str(&line);
            }
        }
        text
    }
}

impl Drop for Probed {
    fn drop(&mut self) {
        // Either may be closed already, and then has ended.
        let _ = self.link.shutdown(std::net::Shutdown::Both);
        if let Some(pump) = self.pump.take() {
            let _ = pump.join();
        }
    }
}

impl EmulatedProbe {
    /// Why the virtual probe has ended, if it has, or does at once.
    fn last_words(&mut self) -> Option<String> {
        let deadline = Instant::now() + Duration::from_millis(500);
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(LONGEST_PAUSE);
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

#[cfg(test)]
mod tests {
    use probe_rs::probe::DebugProbeSelector;

    use super::choose;

    #[test]
    fn one_probe_is_taken_and_of_several_one_has_to_be_named() {
        let probes =
            |names: &[&str]| -> Vec<DebugProbeSelector> { names.iter().map(|name| name.parse().unwrap()).collect() };
        let chosen = |named, names: &[&str]| choose(named, || probes(names)).map(|probe| probe.to_string());
        assert_eq!(chosen(None, &["1366:1015:7"]).unwrap(), "1366:1015:7");
        assert_eq!(chosen(Some("2e8a:000c"), &["1366:1015:7", "2e8a:000c"]).unwrap(), "2e8a:000c");
        assert!(chosen(None, &[]).unwrap_err().to_string().contains("no debug probe is connected"));
        let several = chosen(None, &["1366:1015:7", "2e8a:000c:8"]).unwrap_err().to_string();
        assert!(several.contains("1366:1015:7, 2e8a:000c:8"), "{several}");
        assert!(chosen(Some("the blue one"), &[]).unwrap_err().to_string().contains("VENDOR:PRODUCT"));
    }
}
