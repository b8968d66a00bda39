//! The Unix socket of the serial port, which QEMU makes and does not remove.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// A path at which QEMU may make the socket.
#[derive(Clone, Debug)]
pub struct UartSocket {
    path: PathBuf,
    /// The socket that is there already, left over by a process that has ended.
    before: Option<Identity>,
}

/// What tells a file from another of the same path: its number, and when it came.
type Identity = (u64, i64, i64);

impl UartSocket {
    /// Takes `path`, as long as nothing is there, or a socket at which nobody listens: QEMU
    /// replaces what it finds.
    ///
    /// # Errors
    ///
    /// Where something is there that is still of use.
    pub fn new(path: &Path) -> Result<Self> {
        if let Ok(found) = fs::symlink_metadata(path) {
            let shown = path.display();
            ensure!(
                found.file_type().is_socket(),
                "{shown} is there, and no socket; choose another path for the serial port"
            );
            ensure!(is_dead(path), "somebody listens at {shown}; choose another path for the serial port");
        }
        Ok(Self { path: path.to_owned(), before: identity(path) })
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what QEMU has made there, once it has ended.
    pub fn remove(&self) {
        let now = identity(&self.path);
        if now.is_some() && now != self.before {
            // It may be gone already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether nobody listens at a socket. One for datagrams cannot connect to another kind, but is
/// told of that only where somebody is there, who does not notice.
fn is_dead(path: &Path) -> bool {
    let answer = UnixDatagram::unbound().and_then(|socket| socket.connect(path));
    answer.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Which socket is at `path`, where one is.
fn identity(path: &Path) -> Option<Identity> {
    let found = fs::symlink_metadata(path).ok().filter(|found| found.file_type().is_socket())?;
    Some((found.ino(), found.ctime(), found.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_what_was_made_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("uart");
        let socket = UartSocket::new(&path).unwrap();
        socket.remove();
        let listener = UnixListener::bind(&path).unwrap();
        assert!(UartSocket::new(&path).unwrap_err().to_string().contains("somebody listens"));
        drop(listener);

        // Left over, and never replaced.
        UartSocket::new(&path).unwrap().remove();
        assert!(path.exists());
        socket.remove();
        assert!(!path.exists());

        fs::write(&path, "text").unwrap();
        assert!(UartSocket::new(&path).unwrap_err().to_string().contains("no socket"));
        socket.remove();
        assert!(path.exists());
    }
}
