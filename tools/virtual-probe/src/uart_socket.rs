//! The Unix socket of the serial port, which QEMU creates and does not remove.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// A path at which QEMU may create the socket.
#[derive(Clone, Debug)]
pub struct UartSocket {
    path: PathBuf,
    /// The socket that existed before, left over by a process that has ended.
    before: Option<Identity>,
}

/// The inode and change time (seconds, nanoseconds) of a file, which a new file of the same path
/// does not share.
type Identity = (u64, i64, i64);

impl UartSocket {
    /// Accepts `path` if it does not exist or is a socket without a listener: QEMU replaces it.
    ///
    /// # Errors
    ///
    /// Returns an error if `path` is another file, or a socket with a listener.
    pub fn new(path: &Path) -> Result<Self> {
        if let Ok(found) = fs::symlink_metadata(path) {
            let shown = path.display();
            ensure!(
                found.file_type().is_socket(),
                "{shown} exists and is not a socket; choose another path for the serial port"
            );
            ensure!(is_dead(path), "another process listens at {shown}; choose another path for the serial port");
        }
        Ok(Self { path: path.to_owned(), before: identity(path) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the socket that QEMU has created, after QEMU has ended.
    pub fn remove(&self) {
        let now = identity(&self.path);
        if now.is_some() && now != self.before {
            // An error means that it is removed already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns true if no process listens at a socket. Connecting a datagram socket to it always fails,
/// but as refused only if nobody listens; a listener does not notice the attempt.
fn is_dead(path: &Path) -> bool {
    let answer = UnixDatagram::unbound().and_then(|socket| socket.connect(path));
    answer.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Returns the identity of the socket at `path`, or `None` if it is not one.
fn identity(path: &Path) -> Option<Identity> {
    let found = fs::symlink_metadata(path).ok().filter(|found| found.file_type().is_socket())?;
    Some((found.ino(), found.ctime(), found.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_a_new_socket_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("uart");
        let socket = UartSocket::new(&path).unwrap();
        socket.remove();
        let listener = UnixListener::bind(&path).unwrap();
        assert!(UartSocket::new(&path).unwrap_err().to_string().contains("another process listens"));
        drop(listener);

        // A leftover that was not replaced.
        UartSocket::new(&path).unwrap().remove();
        assert!(path.exists());
        socket.remove();
        assert!(!path.exists());

        fs::write(&path, "text").unwrap();
        assert!(UartSocket::new(&path).unwrap_err().to_string().contains("not a socket"));
        socket.remove();
        assert!(path.exists());
    }
}
