//! Bytes between RTT and sockets, and how the program behind them ends.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use probe_rs::rtt::{ChannelMode, Rtt};
use probe_rs::semihosting::SemihostingCommand;
use probe_rs::{BreakpointCause, Core, CoreStatus, HaltReason};

use crate::device::{LINK_DOWN, LINK_UP, LOGS_UP};

/// How long to wait before looking again at a device that had nothing to say.
const SHORTEST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// How often a core is asked whether it still runs.
const STATUS_PERIOD: Duration = Duration::from_millis(20);

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with an exit code.
    Exited(i32),
    /// The core or the probe stopped.
    Stopped(String),
}

/// Carries bytes between RTT and sockets, since only one thread can use a probe.
pub struct Pump {
    link: UnixStream,
    logs: UnixStream,
    /// What the client has sent and the device has no room for yet.
    to_device: Vec<u8>,
    /// Whether anything went on in this round.
    moved: bool,
}

impl Pump {
    /// Between the device and `link`, and from its logs to `logs`.
    pub fn new(link: UnixStream, logs: UnixStream) -> Self {
        Self { link, logs, to_device: Vec::new(), moved: false }
    }

    /// Until the program ends, the client goes away, or the probe fails.
    pub fn run(self, session: &mut probe_rs::Session, mut rtt: Rtt) -> anyhow::Result<End> {
        let mut core = session.core(0)?;
        let end = self.carry(&mut core, &mut rtt);
        // A board that runs on must not wait for a reader of its logs. Where the probe has failed,
        // this fails, too.
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
