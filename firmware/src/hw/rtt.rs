//! RTT: channels in memory that a debug probe reads and writes while the core runs.
//!
//! | channel | up, to the host | down, from the host |
//! |---|---|---|
//! | 0 | `defmt`: logs | `link`: requests |
//! | 1 | `link`: responses | |

use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, Ordering};

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use rtt_target::{ChannelMode, DownChannel, UpChannel, rtt_init};

use super::logs;

const LOGS: usize = 0;

/// Attempts to write before the host counts as gone: some seconds on any core.
const MAX_TRIES: u32 = 20_000_000;

/// A byte stream over RTT.
pub struct RttLink {
    up: UpChannel,
    down: DownChannel,
    /// Bytes from the channel; those from `next` to `end` are not read yet.
    held: [u8; 64],
    next: usize,
    end: usize,
}

/// Starts RTT and the logs. Returns `None` at the second call.
pub fn start() -> Option<RttLink> {
    static IS_STARTED: AtomicBool = AtomicBool::new(false);
    // Not a swap, which ARMv6-M lacks. Calls do not overlap: only a program and its end call this.
    if IS_STARTED.load(Ordering::Relaxed) {
        return None;
    }
    IS_STARTED.store(true, Ordering::Relaxed);
    // Replaces the panic of `rtt_init!` at a second call, which cannot happen here. It relies on
    // the macro using `panic!` without a path; otherwise the search for panics in the ELF fails.
    macro_rules! panic {
        ($why:literal) => {
            return
        };
    }
    let channels = rtt_init! {
        up: {
            0: { size: 1024, mode: ChannelMode::NoBlockSkip, name: "defmt" }
            1: { size: 512, mode: ChannelMode::NoBlockTrim, name: "link" }
        }
        down: {
            0: { size: 1024, name: "link" }
        }
    };
    // SAFETY: this runs once, before the first log of a program, or with interrupts masked at its
    // end.
    unsafe { logs::start(channels.up.0) };
    Some(RttLink { up: channels.up.1, down: channels.down.0, held: [0; 64], next: 0, end: 0 })
}

/// Returns true if a host that has requested lossless logs has read all of them.
pub fn are_logs_read() -> bool {
    // SAFETY: RTT is started, by the program or by `fault`. This is called at the end of a run with
    // interrupts masked, so nothing else uses the channel.
    let logs = unsafe { UpChannel::conjure(LOGS) };
    logs.is_some_and(|logs| logs.mode() == ChannelMode::BlockIfFull && logs.is_empty())
}

impl RttLink {
    /// Returns the unread bytes. Reads the channel if all are read.
    fn held(&mut self) -> &[u8] {
        if self.next == self.end {
            self.next = 0;
            self.end = self.down.read(&mut self.held);
        }
        self.held.get(self.next..self.end).unwrap_or_default()
    }
}

impl ErrorType for RttLink {
    type Error = ErrorKind;
}

impl ReadReady for RttLink {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.held().is_empty())
    }
}

impl Read for RttLink {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let held = self.held();
            if held.is_empty() {
                continue;
            }
            let count = held.len().min(buffer.len());
            for (place, byte) in buffer.iter_mut().zip(held) {
                *place = *byte;
            }
            self.next = self.next.wrapping_add(count);
            return Ok(count);
        }
    }
}

impl Write for RttLink {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, ErrorKind> {
        if buffer.is_empty() {
            return Ok(0);
        }
        for _ in 0..MAX_TRIES {
            match self.up.write(buffer) {
                0 => spin_loop(),
                count => return Ok(count),
            }
        }
        Err(ErrorKind::TimedOut)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
