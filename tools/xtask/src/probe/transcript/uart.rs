//! The other end of the emulated board's serial port: a Unix socket.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context as _, Result};

/// A connection to the serial port. Keep it to the end: closing it may lose bytes that were sent.
pub struct Uart(UnixStream);

impl Uart {
    pub fn connect(socket: &Path) -> Result<Self> {
        UnixStream::connect(socket).map(Self).with_context(|| format!("cannot connect to {}", socket.display()))
    }

    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        (&self.0).write_all(bytes).context("cannot write to the board's serial port")
    }
}
