//! The other end of the emulated board's serial port: a Unix socket, where the system has such.

use std::path::Path;

use anyhow::Result;

/// A connection to the serial port. Kept to the end: what was sent may be lost when it closes.
pub struct Uart(#[cfg(unix)] std::os::unix::net::UnixStream);

#[cfg(unix)]
impl Uart {
    /// Connects to a socket.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(socket: &Path) -> Result<Self> {
        use anyhow::Context as _;

        let connected = std::os::unix::net::UnixStream::connect(socket);
        connected.map(Self).with_context(|| format!("cannot connect to {}", socket.display()))
    }

    /// Sends bytes to the board.
    ///
    /// # Errors
    /// When it has gone.
    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        use std::io::Write as _;

        use anyhow::Context as _;

        (&self.0).write_all(bytes).context("cannot write to the board's serial port")
    }
}

#[cfg(not(unix))]
impl Uart {
    /// # Errors
    /// Always.
    pub fn connect(_: &Path) -> Result<Self> {
        anyhow::bail!("the board's serial port is a Unix socket, and this system has none")
    }

    /// # Errors
    /// Never.
    pub fn send(&self, _: &[u8]) -> Result<()> {
        Ok(())
    }
}
