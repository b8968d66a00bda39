//! Copies bytes between RTT and sockets, and notices the program's end.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use probe_rs::rtt::{ChannelMode, Rtt};
use probe_rs::semihosting::SemihostingCommand;
use probe_rs::{BreakpointCause, Core, CoreStatus, HaltReason};

use crate::device::{LINK, LOGS};

/// Pause between two polls of a silent device, doubled each time.
const MIN_PAUSE: Duration = Duration::from_micros(100);
const MAX_PAUSE: Duration = Duration::from_millis(5);

/// Time between two checks that the core still runs.
const STATUS_PERIOD: Duration = Duration::from_millis(20);

/// The end of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The program ended with an exit code.
    Exited(i32),
    /// The core or the probe stopped.
    Stopped(String),
}

/// Numbers of the RTT channels, which are found by their names.
#[derive(Clone, Copy, Debug)]
pub struct Channels {
    /// `None` if the firmware has no logs.
    pub logs: Option<usize>,
    up: usize,
    down: usize,
}

impl Channels {
    /// Finds the channels. Fails if those of the link are missing.
    pub fn of(rtt: &mut Rtt) -> anyhow::Result<Self> {
        let up = |rtt: &mut Rtt, name| rtt.up_channels().iter().position(|channel| channel.name() == Some(name));
        let down = rtt.down_channels().iter().position(|channel| channel.name() == Some(LINK));
        Ok(Self {
            logs: up(rtt, LOGS),
            up: up(rtt, LINK).with_context(|| format!("the firmware has no RTT up channel named {LINK}"))?,
            down: down.with_context(|| format!("the firmware has no RTT down channel named {LINK}"))?,
        })
    }
}

/// Copies bytes between RTT and sockets, since only one thread can use a probe.
pub struct Pump {
    link: UnixStream,
    logs: UnixStream,
    channels: Channels,
    /// Bytes from the client for which the device has no room yet.
    to_device: Vec<u8>,
    /// Bytes moved in this round.
    moved: bool,
}

impl Pump {
    pub fn new(link: UnixStream, logs: UnixStream, channels: Channels) -> Self {
        Self { link, logs, channels, to_device: Vec::new(), moved: false }
    }

    /// Runs until the program ends, the client disconnects, or the probe fails.
    pub fn run(self, session: &mut probe_rs::Session, mut rtt: Rtt) -> anyhow::Result<End> {
        let mut core = session.core(0)?;
        let logs = self.channels.logs;
        let end = self.carry(&mut core, &mut rtt);
        // A board that continues must not wait for a reader of its logs. If the probe has failed,
        // this fails too.
        if let Some(logs) = logs.and_then(|index| rtt.up_channel(index)) {
            let _ = logs.set_mode(&mut core, ChannelMode::NoBlockSkip);
        }
        end
    }

    fn carry(mut self, core: &mut Core<'_>, rtt: &mut Rtt) -> anyhow::Result<End> {
        let mut next_status = Instant::now();
        let mut pause = MIN_PAUSE;
        loop {
            self.moved = false;
            let is_status_due = Instant::now() >= next_status;
            // Before the channels are read, so that the last output is read too.
            let end = if is_status_due { end_of(core)? } else { None };
            if !self.down(core, rtt)? {
                return Ok(End::Stopped("the client disconnected".into()));
            }
            self.up(core, rtt)?;
            if is_status_due || end.is_some() {
                self.log(core, rtt)?;
                next_status = Instant::now() + STATUS_PERIOD;
            }
            if let Some(end) = end {
                return Ok(end);
            }
            pause = if self.moved { MIN_PAUSE } else { (pause * 2).min(MAX_PAUSE) };
            thread::sleep(pause);
        }
    }

    /// Copies from the client to the device; returns false if the client is gone.
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
            let channel = rtt.down_channel(self.channels.down).context("an RTT channel is gone")?;
            let written = channel.write(core, &self.to_device)?;
            self.moved |= written > 0;
            self.to_device.drain(..written);
        }
        Ok(true)
    }

    /// Copies from the device to the client.
    fn up(&mut self, core: &mut Core<'_>, rtt: &mut Rtt) -> anyhow::Result<()> {
        let mut chunk = [0; 2048];
        let channel = rtt.up_channel(self.channels.up).context("an RTT channel is gone")?;
        let count = channel.read(core, &mut chunk)?;
        if count > 0 {
            self.moved = true;
            self.link.set_nonblocking(false)?;
            let sent = self.link.write_all(&chunk[..count]);
            self.link.set_nonblocking(true)?;
            // `down` notices a client that is gone.
            let _ = sent;
        }
        Ok(())
    }

    fn log(&mut self, core: &mut Core<'_>, rtt: &mut Rtt) -> anyhow::Result<()> {
        let mut chunk = [0; 2048];
        let Some(channel) = self.channels.logs.and_then(|index| rtt.up_channel(index)) else { return Ok(()) };
        loop {
            let count = channel.read(core, &mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            self.logs.write_all(&chunk[..count])?;
        }
    }
}

/// Returns the program's end, or `None` if it still runs.
fn end_of(core: &mut Core<'_>) -> anyhow::Result<Option<End>> {
    Ok(match core.status()? {
        CoreStatus::Halted(HaltReason::Breakpoint(BreakpointCause::Semihosting(command))) => Some(match command {
            SemihostingCommand::ExitSuccess => End::Exited(0),
            SemihostingCommand::ExitError(details) => {
                End::Exited(details.exit_status.or(details.subcode).and_then(|code| code.try_into().ok()).unwrap_or(1))
            }
            other => End::Stopped(format!("the firmware made an unsupported semihosting call: {other:?}")),
        }),
        CoreStatus::Halted(reason) => Some(End::Stopped(format!("the core halted: {reason:?}"))),
        CoreStatus::LockedUp => Some(End::Stopped("the core locked up".into())),
        CoreStatus::Running | CoreStatus::Sleeping | CoreStatus::Unknown => None,
    })
}
