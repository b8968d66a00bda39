//! Logs: defmt frames over an RTT channel. The logger of rtt-target panics if a fault interrupts a
//! line.

use critical_section::RestoreState;
use defmt::Encoder;
use rtt_target::UpChannel;

static mut LOG: Log = Log { channel: None, encoder: Encoder::new(), is_open: false, restore: RestoreState::invalid() };

struct Log {
    channel: Option<UpChannel>,
    encoder: Encoder,
    is_open: bool,
    restore: RestoreState,
}

#[defmt::global_logger]
struct Logger;

/// Starts logging to `channel`. Earlier lines are lost.
///
/// # Safety
///
/// Nothing logs until this returns.
pub unsafe fn start(channel: UpChannel) {
    // SAFETY: the caller guarantees that nothing else uses it.
    unsafe { Log::get() }.channel = Some(channel);
}

impl Log {
    /// # Safety
    ///
    /// The caller must be in a critical section, or nothing else may log. Code that a fault has
    /// interrupted has another reference, but never continues.
    unsafe fn get() -> &'static mut Self {
        let log = &raw mut LOG;
        // SAFETY: the caller guarantees that nothing else uses it.
        unsafe { &mut *log }
    }

    /// Returns the encoder and the function that writes its bytes.
    fn parts(&mut self) -> (&mut Encoder, impl FnMut(&[u8])) {
        let Self { channel, encoder, .. } = self;
        let write = move |bytes: &[u8]| {
            if let Some(channel) = &mut *channel {
                channel.write(bytes);
            }
        };
        (encoder, write)
    }
}

// SAFETY: `acquire` begins a critical section, which `release` ends.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        // SAFETY: `release` follows.
        let restore = unsafe { critical_section::acquire() };
        // SAFETY: within a critical section.
        let log = unsafe { Log::get() };
        if log.is_open {
            // A fault interrupted a line. The first byte of a new encoder ends it.
            log.encoder = Encoder::new();
        }
        (log.is_open, log.restore) = (true, restore);
        let (encoder, write) = log.parts();
        encoder.start_frame(write);
    }

    /// # Safety
    ///
    /// Call after `acquire`.
    unsafe fn flush() {}

    /// # Safety
    ///
    /// Call after `acquire`.
    unsafe fn release() {
        // SAFETY: within the critical section that `acquire` began.
        let log = unsafe { Log::get() };
        let (encoder, write) = log.parts();
        encoder.end_frame(write);
        log.is_open = false;
        // SAFETY: `acquire` began it.
        unsafe { critical_section::release(log.restore) };
    }

    /// # Safety
    ///
    /// Call after `acquire`.
    unsafe fn write(bytes: &[u8]) {
        // SAFETY: within the critical section that `acquire` began.
        let (encoder, write) = unsafe { Log::get() }.parts();
        encoder.write(bytes, write);
    }
}
