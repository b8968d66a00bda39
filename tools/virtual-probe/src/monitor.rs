//! Resets, which QEMU's gdb stub cannot do, through the machine protocol (QMP).

use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::EmulatorError;
use crate::error::{Result, is_timeout, limit};

const LINK: &str = "monitor (QMP)";
/// The reason in the event of a reset that we requested; those by the guest have another.
const BY_US: &str = "host-qmp-system-reset";

#[derive(Debug)]
pub(crate) struct Monitor {
    stream: BufReader<UnixStream>,
    patience: Duration,
    /// The received part of the next message.
    line: Vec<u8>,
    /// True if the guest has reset the machine since [`Monitor::take_guest_reset`].
    guest_reset: bool,
    /// True after a failure: the next answer may belong to an earlier command.
    broken: bool,
}

impl Monitor {
    /// Connects to the monitor; `patience` is the time limit of every answer.
    pub(crate) fn new(stream: UnixStream, patience: Duration) -> Result<Self> {
        limit(&stream, LINK, patience)?;
        let stream = BufReader::new(stream);
        let mut monitor = Self { stream, patience, line: Vec::new(), guest_reset: false, broken: false };
        monitor.receive(|message| message.get("QMP").is_some())?;
        monitor.send("qmp_capabilities")?;
        monitor.receive(|message| message.get("return").is_some())?;
        Ok(monitor)
    }

    /// Resets the machine and waits until it is reset. Memory keeps its content; a stopped machine
    /// stays stopped.
    pub(crate) fn reset(&mut self) -> Result {
        self.send("system_reset")?;
        self.receive(|message| reset(message).is_some_and(|data| data["reason"] == BY_US))?;
        self.guest_reset = false;
        Ok(())
    }

    /// Returns true if the guest has reset the machine since the last call and the last
    /// [`reset`](Self::reset).
    pub(crate) fn take_guest_reset(&mut self) -> Result<bool> {
        let patience = self.patience;
        let failed = |source| EmulatorError::of(LINK, patience, source);
        self.stream.get_ref().set_nonblocking(true).map_err(failed)?;
        let received = loop {
            match self.message() {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.stream.get_ref().set_nonblocking(false).map_err(failed)?;
        received.map(|()| std::mem::take(&mut self.guest_reset))
    }

    fn send(&mut self, command: &str) -> Result {
        if self.broken {
            return Err(EmulatorError::OutOfStep { link: LINK });
        }
        let line = format!("{}\n", json!({ "execute": command }));
        self.stream.get_mut().write_all(line.as_bytes()).map_err(|error| self.failed(error))
    }

    /// Reads messages until `awaited` accepts one.
    fn receive(&mut self, awaited: impl Fn(&Value) -> bool) -> Result {
        loop {
            match self.message()? {
                Some(message) if message.get("error").is_some() => {
                    return Err(EmulatorError::refused(LINK, "a command", &message.to_string()));
                }
                Some(message) if awaited(&message) => return Ok(()),
                // Other events, and answers that nobody waits for.
                Some(_) => {}
                None => return Err(self.failed(ErrorKind::TimedOut.into())),
            }
        }
    }

    /// Reads the next message; returns `None` if it does not arrive in time.
    fn message(&mut self) -> Result<Option<Value>> {
        match self.stream.read_until(b'\n', &mut self.line) {
            Err(error) if is_timeout(&error) => return Ok(None),
            Err(error) => return Err(self.failed(error)),
            // The connection is closed; an incomplete message is ignored.
            Ok(_) if !self.line.ends_with(b"\n") => return Err(EmulatorError::Gone { link: LINK }),
            Ok(_) => {}
        }
        let line = std::mem::take(&mut self.line);
        let message: Value = serde_json::from_slice(&line)
            .map_err(|_| EmulatorError::refused(LINK, "a command", &String::from_utf8_lossy(&line)))?;
        self.guest_reset |= reset(&message).is_some_and(|data| data["guest"] == true);
        Ok(Some(message))
    }

    fn failed(&mut self, source: io::Error) -> EmulatorError {
        let error = EmulatorError::of(LINK, self.patience, source);
        self.broken |= error.leaves_out_of_step();
        error
    }
}

/// Returns the data of a reset event; `None` for any other message.
fn reset(message: &Value) -> Option<&Value> {
    message.get("data").filter(|_| message["event"] == "RESET")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a monitor and the other end of its connection.
    fn monitor() -> (Monitor, UnixStream) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"{\"QMP\": {}}\n{\"return\": {}}\n").unwrap();
        (Monitor::new(ours, Duration::from_millis(50)).unwrap(), theirs)
    }

    fn event(guest: bool, reason: &str) -> Vec<u8> {
        format!("{}\n", json!({ "event": "RESET", "data": { "guest": guest, "reason": reason } })).into_bytes()
    }

    #[test]
    fn a_reset_by_the_guest_is_not_ours() {
        let (mut monitor, mut peer) = monitor();
        assert!(!monitor.take_guest_reset().unwrap());
        let by_guest = event(true, "guest-reset");
        let (begin, end) = by_guest.split_at(9);
        peer.write_all(begin).unwrap();
        assert!(!monitor.take_guest_reset().unwrap());
        peer.write_all(end).unwrap();
        assert!(monitor.take_guest_reset().unwrap());
        assert!(!monitor.take_guest_reset().unwrap());

        peer.write_all(&by_guest).unwrap();
        peer.write_all(&event(false, BY_US)).unwrap();
        monitor.reset().unwrap();
        assert!(!monitor.take_guest_reset().unwrap());
    }

    #[test]
    fn a_late_answer_is_not_taken_for_the_next() {
        let (mut monitor, mut peer) = monitor();
        peer.write_all(&event(true, "guest-reset")).unwrap();
        assert!(matches!(monitor.reset(), Err(EmulatorError::Silent { .. })));
        peer.write_all(&event(false, BY_US)).unwrap();
        assert!(matches!(monitor.reset(), Err(EmulatorError::OutOfStep { .. })));
    }
}
