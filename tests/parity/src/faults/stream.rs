//! A stream through a faulty line.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::Instant;

use super::Faults;
use crate::client::Stream;
use crate::device::IO_TIMEOUT;

/// A stream, and the bytes on their way in each direction.
#[derive(Debug)]
pub struct FaultyStream {
    stream: Box<dyn Stream>,
    faults: Faults,
    to_device: OnItsWay,
    from_device: OnItsWay,
}

#[derive(Debug)]
struct OnItsWay {
    bytes: VecDeque<u8>,
    arrives: Instant,
}

impl OnItsWay {
    fn nothing() -> Self {
        Self { bytes: VecDeque::new(), arrives: Instant::now() }
    }

    fn has_arrived(&self) -> bool {
        !self.bytes.is_empty() && self.arrives <= Instant::now()
    }
}

impl FaultyStream {
    pub fn new(stream: Box<dyn Stream>, faults: Faults) -> Self {
        Self { stream, faults, to_device: OnItsWay::nothing(), from_device: OnItsWay::nothing() }
    }

    /// Writes the bytes that have arrived at the device's end.
    fn deliver(&mut self) -> io::Result<()> {
        while self.to_device.has_arrived() {
            let count = self.stream.write(self.to_device.bytes.as_slices().0)?;
            self.to_device.bytes.drain(..count);
        }
        Ok(())
    }
}

impl Write for FaultyStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.deliver()?;
        let mut state = self.faults.state();
        let state = &mut *state;
        let frames = state.tally.frames;
        let late = state.to_device.carry(bytes, &mut self.to_device.bytes, &mut state.tally);
        state.tally.unanswered += state.tally.frames - frames;
        state.tally.max_unanswered = state.tally.max_unanswered.max(state.tally.unanswered);
        self.to_device.arrives = self.to_device.arrives.max(Instant::now()) + late;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for FaultyStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A device that accepts nothing may be waiting for this read.
        match self.deliver() {
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Err(error),
            _ => {}
        }
        if self.from_device.bytes.is_empty() {
            let count = self.stream.read(buffer)?;
            if count == 0 {
                return Ok(0);
            }
            let mut state = self.faults.state();
            let state = &mut *state;
            let came = buffer.get(..count).unwrap_or_default();
            let late = state.from_device.carry(came, &mut self.from_device.bytes, &mut state.tally);
            self.from_device.arrives = Instant::now() + late;
        }
        if !self.from_device.has_arrived() {
            thread::sleep(self.from_device.arrives.saturating_duration_since(Instant::now()).min(IO_TIMEOUT));
        }
        if !self.from_device.has_arrived() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.from_device.bytes.read(buffer)
    }
}
