//! What the debugger's stub in QEMU cannot do: a reset, by the machine protocol (QMP).

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::EmulatorError;

const LINK: &str = "monitor (QMP)";

/// A connection to QEMU's monitor.
#[derive(Debug)]
pub struct Monitor {
    stream: BufReader<UnixStream>,
    patience: Duration,
}

impl Monitor {
    /// Greets the monitor behind `stream`, which answers within `patience`.
    ///
    /// # Errors
    ///
    /// Where it does not answer.
    pub fn new(stream: UnixStream, patience: Duration) -> Result<Self, EmulatorError> {
        let failed = |source| EmulatorError::of(LINK, patience, source);
        stream.set_read_timeout(Some(patience)).map_err(failed)?;
        stream.set_write_timeout(Some(patience)).map_err(failed)?;
        let mut monitor = Self { stream: BufReader::new(stream), patience };
        monitor.receive(|message| message.get("QMP").is_some())?;
        monitor.send("qmp_capabilities")?;
        monitor.receive(|message| message.get("return").is_some())?;
        Ok(monitor)
    }

    /// Resets the machine, and returns when that is done. Memory keeps what it has. A stopped machine stays stopped.
    ///
    /// # Errors
    ///
    /// Where the emulator has ended or does not answer.
    pub fn reset(&mut self) -> Result<(), EmulatorError> {
        self.send("system_reset")?;
        self.receive(|message| message.get("event").and_then(Value::as_str) == Some("RESET"))
    }

    fn send(&mut self, command: &str) -> Result<(), EmulatorError> {
        let line = format!("{}\n", json!({ "execute": command }));
        let patience = self.patience;
        self.stream.get_mut().write_all(line.as_bytes()).map_err(|error| EmulatorError::of(LINK, patience, error))
    }

    /// Reads messages up to the one that is `awaited`.
    fn receive(&mut self, awaited: impl Fn(&Value) -> bool) -> Result<(), EmulatorError> {
        let mut line = String::new();
        loop {
            line.clear();
            let length =
                self.stream.read_line(&mut line).map_err(|error| EmulatorError::of(LINK, self.patience, error))?;
            if length == 0 {
                return Err(EmulatorError::Gone { link: LINK });
            }
            match serde_json::from_str::<Value>(&line) {
                Ok(message) if message.get("error").is_some() => {
                    return Err(EmulatorError::refused(LINK, "a command", &line));
                }
                Ok(message) if awaited(&message) => return Ok(()),
                // Other events, and answers that nobody waits for.
                Ok(_) => {}
                Err(_) => return Err(EmulatorError::refused(LINK, "a command", &line)),
            }
        }
    }
}
