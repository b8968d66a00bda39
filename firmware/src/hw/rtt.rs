//! RTT: channels in memory that a debug probe reads and writes while the core runs.
//!
//! | channel | up, to the host | down, from the host |
//! |---|---|---|
//! | 0 | `defmt`: logs | `link`: requests |
//! | 1 | `link`: responses | |

use core::sync::atomic::{AtomicBool, Ordering};

use prenda_serve::RttLink;
use rtt_target::{ChannelMode, UpChannel, rtt_init};

use super::logs;

const LOGS: usize = 0;

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
    Some(RttLink::new(channels.up.1, channels.down.0))
}

/// Returns true if a host that has requested lossless logs has read all of them.
pub fn are_logs_read() -> bool {
    // SAFETY: RTT is started, by the program or by `fault`. This is called at the end of a run with
    // interrupts masked, so nothing else uses the channel.
    let logs = unsafe { UpChannel::conjure(LOGS) };
    logs.is_some_and(|logs| logs.mode() == ChannelMode::BlockIfFull && logs.is_empty())
}
