//! A byte stream over RTT: channels in memory that a debug probe reads and writes while the core
//! runs.

use core::hint::spin_loop;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use rtt_target::{DownChannel, UpChannel};

/// Attempts to write before the host counts as gone: some seconds on any core.
const MAX_TRIES: u32 = 20_000_000;

/// A byte stream over two channels of RTT.
///
/// The host finds the channels by their name, `link`.
///
/// # Examples
///
/// ```no_run,standalone_crate
/// use embedded_io::{Read, ReadReady, Write};
///
/// let mut link = prenda_serve::rtt_link!();
/// let mut byte = [0];
/// if link.read_ready()? {
///     link.read_exact(&mut byte)?;
///     link.write_all(&byte)?; // an echo
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RttLink {
    up: UpChannel,
    down: DownChannel,
    /// Bytes from the channel; those from `next` to `end` are not read yet.
    held: [u8; 64],
    next: usize,
    end: usize,
}

/// Starts RTT with the channels of the link alone, and returns a [`RttLink`].
///
/// The caller needs the package `rtt-target`, which panics if RTT is started twice. A firmware with
/// other channels starts RTT itself, names two channels `link`, and uses [`RttLink::new`].
///
/// # Examples
///
/// ```no_run,standalone_crate
/// # use prenda::{Model, Workspace};
/// use prenda_serve::{Buffers, Identity, Server, rtt_link};
///
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let (model, mut workspace) = (Model::parse(&blob).unwrap(), Workspace::<360, 10>::new());
/// let mut buffers = Buffers::<1024>::new();
/// let identity = Identity::new("my-board", "cortex-m4");
/// let mut server = Server::new(identity, (&model, &mut workspace), &mut buffers);
/// let mut link = rtt_link!();
/// loop {
///     let _ = server.serve(&mut link);
/// }
/// ```
#[macro_export]
macro_rules! rtt_link {
    () => {{
        let channels = ::rtt_target::rtt_init! {
            up: {
                0: { size: 512, mode: ::rtt_target::ChannelMode::NoBlockTrim, name: "link" }
            }
            down: {
                0: { size: 1024, name: "link" }
            }
        };
        $crate::RttLink::new(channels.up.0, channels.down.0)
    }};
}

impl RttLink {
    /// Creates a stream of two channels, which are named `link`. `up` is in mode `NoBlockTrim`.
    ///
    /// # Examples
    ///
    /// ```no_run,standalone_crate
    /// use rtt_target::ChannelMode::NoBlockTrim;
    ///
    /// let channels = rtt_target::rtt_init! {
    ///     up: {
    ///         0: { size: 1024, name: "Terminal" }
    ///         1: { size: 512, mode: NoBlockTrim, name: "link" }
    ///     }
    ///     down: { 0: { size: 1024, name: "link" } }
    /// };
    /// let link = prenda_serve::RttLink::new(channels.up.1, channels.down.0);
    /// # let _ = link;
    /// ```
    #[must_use]
    pub fn new(up: UpChannel, down: DownChannel) -> Self {
        Self { up, down, held: [0; 64], next: 0, end: 0 }
    }

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
