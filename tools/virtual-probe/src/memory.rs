//! Access to the guest's memory while its core runs, through QEMU's qtest protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::EmulatorError;
use crate::error::limit;

const LINK: &str = "memory link (qtest)";
/// Maximum bytes in one request, which bounds the length of a line.
const BLOCK: usize = 64 << 10;

/// The memory of a running machine, as its core sees it. Clones share one connection.
///
/// Reads and writes do not stop the core. Unmapped addresses read as zero and ignore writes.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Mutex<Connection>>);

#[derive(Debug)]
struct Connection {
    stream: BufReader<UnixStream>,
    patience: Duration,
    /// True after a failure: the next answer may belong to an earlier request.
    broken: bool,
}

impl Memory {
    /// Uses a connection to QEMU's qtest server; `patience` is the time limit of every answer.
    pub(crate) fn new(stream: UnixStream, patience: Duration) -> Result<Self, EmulatorError> {
        limit(&stream, LINK, patience)?;
        Ok(Self(Arc::new(Mutex::new(Connection { stream: BufReader::new(stream), patience, broken: false }))))
    }

    /// Fills `data` with the memory at `address`.
    ///
    /// # Errors
    ///
    /// Returns [`EmulatorError`] if the emulator has ended or does not answer.
    pub fn read(&self, address: u64, data: &mut [u8]) -> Result<(), EmulatorError> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut address = address;
        for part in data.chunks_mut(BLOCK) {
            let request = format!("b64read {address:#x} {:#x}\n", part.len());
            let answer = connection.ask(&request)?;
            if !matches!(BASE64_STANDARD.decode_slice(answer.trim_end(), part), Ok(length) if length == part.len()) {
                return Err(EmulatorError::refused(LINK, &request, &answer));
            }
            address = address.wrapping_add(part.len() as u64);
        }
        Ok(())
    }

    /// Writes `data` at `address`.
    ///
    /// # Errors
    ///
    /// Returns [`EmulatorError`] if the emulator has ended or does not answer.
    pub fn write(&self, address: u64, data: &[u8]) -> Result<(), EmulatorError> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut address = address;
        for part in data.chunks(BLOCK) {
            let mut request = format!("b64write {address:#x} {:#x} ", part.len());
            BASE64_STANDARD.encode_string(part, &mut request);
            request.push('\n');
            connection.ask(&request)?;
            address = address.wrapping_add(part.len() as u64);
        }
        Ok(())
    }
}

impl Connection {
    /// Sends a line and returns the part of the answer after `OK`.
    fn ask(&mut self, request: &str) -> Result<String, EmulatorError> {
        if self.broken {
            return Err(EmulatorError::OutOfStep { link: LINK });
        }
        let answer = self.exchange(request);
        self.broken = answer.as_ref().is_err_and(EmulatorError::leaves_out_of_step);
        answer
    }

    fn exchange(&mut self, request: &str) -> Result<String, EmulatorError> {
        let patience = self.patience;
        let failed = |source| EmulatorError::of(LINK, patience, source);
        self.stream.get_mut().write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = String::new();
        loop {
            answer.clear();
            if self.stream.read_line(&mut answer).map_err(failed)? == 0 {
                return Err(EmulatorError::Gone { link: LINK });
            }
            if let Some(rest) = answer.strip_prefix("OK") {
                return Ok(rest.trim_start().to_owned());
            }
            // Reports of interrupts may come before the answer.
            if !answer.starts_with("IRQ ") {
                return Err(EmulatorError::refused(LINK, request, &answer));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_is_not_taken_for_the_next() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let memory = Memory::new(ours, Duration::from_millis(50)).unwrap();
        let mut byte = [0];
        theirs.write_all(b"FAIL\nOK AQ==\n").unwrap();
        assert!(matches!(memory.read(0, &mut byte), Err(EmulatorError::Refused { .. })));
        memory.read(0, &mut byte).unwrap();
        assert_eq!(byte, [1]);
        assert!(matches!(memory.read(1, &mut byte), Err(EmulatorError::Silent { .. })));
        theirs.write_all(b"OK Ag==\n").unwrap();
        assert!(matches!(memory.read(2, &mut byte), Err(EmulatorError::OutOfStep { .. })));
    }
}
