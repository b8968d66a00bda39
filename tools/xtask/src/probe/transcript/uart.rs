//! The other end of the emulated board's serial port: a Unix socket.

use std::path::Path;

use anyhow::Result;

/// A connection to the serial port. Keep it to the end: closing it may lose bytes that were sent.
pub struct Uart(#[cfg(unix)] std::os::unix::net::UnixStream);

#[cfg(unix)]
impl Uart {
    /// Connects to a socket.
    ///
    /// # Errors
    /// Returns an error if nobody listens there.
    pub fn connect(socket: &Path) -> Result<Self> {
        use anyhow::Context as _;

        let connected = std::os::unix::net::UnixStream::connect(socket);
        connected.map(Self).with_context(|| format!("cannot connect to {}", socket.display()))
    }

    /// Sends bytes to the board.
    ///
    /// # Errors
    /// Returns an error if the connection is closed.
    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        use std::io::Write as _;

        use anyhow::Context as _;

        (&self.0).write_all(bytes).context("cannot write to the board's serial port")
    }
}

#[cfg(not(unix))]
impl Uart {
    /// Fails: this system has no Unix sockets.
    ///
    /// # Errors
    /// Returns an error always.
    pub fn connect(_: &Path) -> Result<Self> {
        anyhow::bail!("the board's serial port needs a Unix socket, and this system has none")
    }

    /// Does nothing.
    ///
    /// # Errors
    /// Returns no error.
    pub fn send(&self, _: &[u8]) -> Result<()> {
        Ok(())
    }
}
