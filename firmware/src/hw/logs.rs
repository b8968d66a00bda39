//! Logs: defmt's frames, over a channel of RTT. rtt-target has the same, but panics where a fault
//! is told in the midst of a line.

use critical_section::RestoreState;
use defmt::Encoder;
use rtt_target::UpChannel;

static mut LOG: Log = Log { channel: None, encoder: Encoder::new(), is_open: false, restore: RestoreState::invalid() };

/// Where lines go, and the one that is being written.
struct Log {
    channel: Option<UpChannel>,
    encoder: Encoder,
    is_open: bool,
    restore: RestoreState,
}

#[defmt::global_logger]
struct Logger;

/// From now on lines go to `channel`; those before it were lost.
pub fn start(channel: UpChannel) {
    // SAFETY: called once, by a program that has logged nothing yet, or by its end, which nothing
    // interrupts that logs.
    unsafe { Log::get() }.channel = Some(channel);
}

impl Log {
    /// # Safety
    ///
    /// Within a critical section, or where nothing else logs. Whom a fault has interrupted has
    /// another reference, and never goes on with it.
    unsafe fn get() -> &'static mut Self {
        let log = &raw mut LOG;
        // SAFETY: the caller promised that nothing else uses it.
        unsafe { &mut *log }
    }

    /// The encoder, and where its bytes go.
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
            // A fault in the midst of a line, which the first byte of a new encoder ends.
            log.encoder = Encoder::new();
        }
        (log.is_open, log.restore) = (true, restore);
        let (encoder, write) = log.parts();
        encoder.start_frame(write);
    }

    /// # Safety
    ///
    /// After `acquire`, as the trait asks.
    unsafe fn flush() {}

    /// # Safety
    ///
    /// After `acquire`, as the trait asks.
    unsafe fn release() {
        // SAFETY: within the critical section that `acquire` began.
        let log = unsafe { Log::get() };
        let (encoder, write) = log.parts();
        encoder.end_frame(write);
        log.is_open = false;
        // SAFETY: it is the one that `acquire` began.
        unsafe { critical_section::release(log.restore) };
    }

    /// # Safety
    ///
    /// After `acquire`, as the trait asks.
    unsafe fn write(bytes: &[u8]) {
        // SAFETY: within the critical section that `acquire` began.
        let (encoder, write) = unsafe { Log::get() }.parts();
        encoder.write(bytes, write);
    }
}
