//! RTT through an emulator's memory: channels as byte streams, while the core runs.
//!
//! The layout is SEGGER's: 16 bytes of identifier, the numbers of up and down channels, then 24
//! bytes for each channel, up channels first.

use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use virtual_probe::Memory;

/// Start of the control block once the channels are set up.
const IDENTIFIER: &[u8; 16] = b"SEGGER RTT\0\0\0\0\0\0";

const HEADER_BYTES: u64 = 24;
const CHANNEL_BYTES: u64 = 24;

/// Most channels in a direction that are searched, if the number is not plausible.
const MAX_CHANNELS: u32 = 255;

/// Places in a channel.
const WRITE_OFFSET: u64 = 12;
const READ_OFFSET: u64 = 16;
const FLAGS: u64 = 20;

/// Flag that makes the device wait for room, so that nothing is lost.
const BLOCK_IF_FULL: u32 = 2;

/// Pause between two polls, doubled each time, so that a silent device costs little.
const MIN_PAUSE: Duration = Duration::from_micros(50);
const MAX_PAUSE: Duration = Duration::from_millis(10);

/// A device's control block.
#[derive(Clone, Debug)]
pub(super) struct Rtt {
    memory: Memory,
    control_block: u64,
}

/// A channel's ring of bytes.
#[derive(Debug)]
struct Ring {
    memory: Memory,
    channel: u64,
    buffer: u64,
    size: u32,
}

/// The host's end of a channel.
#[derive(Debug)]
pub(super) struct Channel {
    rtt: Rtt,
    is_up: bool,
    name: &'static str,
    /// Known once the device has started RTT.
    ring: Option<Ring>,
    patience: Option<Duration>,
    pause: Duration,
}

/// Both directions of the link.
#[derive(Debug)]
pub(super) struct RttStream {
    pub up: Channel,
    pub down: Channel,
}

impl Rtt {
    pub fn new(memory: Memory, control_block: u64) -> Self {
        Self { memory, control_block }
    }

    /// Returns the up channel `name`. A read waits for `patience`, or without limit if it is
    /// `None`.
    pub fn up(&self, name: &'static str, patience: Option<Duration>) -> Channel {
        Channel { rtt: self.clone(), is_up: true, name, ring: None, patience, pause: MIN_PAUSE }
    }

    /// Returns the down channel `name`. A write waits for room for `patience`.
    pub fn down(&self, name: &'static str, patience: Duration) -> Channel {
        Channel { is_up: false, ..self.up(name, Some(patience)) }
    }

    fn word(&self, address: u64) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.memory.read(address, &mut bytes).map_err(gone)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Returns a channel, or `None` if the device has not set it up yet.
    fn ring(&self, is_up: bool, name: &str) -> io::Result<Option<Ring>> {
        let mut identifier = [0; 16];
        self.memory.read(self.control_block, &mut identifier).map_err(gone)?;
        if identifier != *IDENTIFIER {
            return Ok(None);
        }
        let (ups, downs) = (self.word(self.control_block + 16)?, self.word(self.control_block + 20)?);
        let (before, count) = if is_up { (0, ups) } else { (ups, downs) };
        let start = self.control_block + HEADER_BYTES + u64::from(before) * CHANNEL_BYTES;
        let Some(channel) = self.find(start, count, name)? else {
            let direction = if is_up { "up" } else { "down" };
            let text = format!("the firmware has no RTT {direction} channel named {name}");
            return Err(io::Error::new(ErrorKind::NotFound, text));
        };
        let (buffer, size) = (self.word(channel + 4)?, self.word(channel + 8)?);
        if size == 0 {
            return Ok(None);
        }
        if is_up {
            self.memory.write(channel + FLAGS, &BLOCK_IF_FULL.to_le_bytes()).map_err(gone)?;
        }
        Ok(Some(Ring { memory: self.memory.clone(), channel, buffer: buffer.into(), size }))
    }

    /// Returns the address of the channel `name` among `count` that begin at `start`.
    fn find(&self, start: u64, count: u32, name: &str) -> io::Result<Option<u64>> {
        for index in 0..u64::from(count.min(MAX_CHANNELS)) {
            let channel = start + index * CHANNEL_BYTES;
            let text = self.word(channel)?;
            let mut found = vec![0; name.len() + 1];
            if text != 0 {
                self.memory.read(text.into(), &mut found).map_err(gone)?;
            }
            if found.strip_suffix(&[0]) == Some(name.as_bytes()) {
                return Ok(Some(channel));
            }
        }
        Ok(None)
    }
}

impl Channel {
    /// Waits until the device has started RTT. After that it loses nothing on this channel, and
    /// waits before it ends until everything is read.
    pub fn open(&mut self, patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            self.ring = self.rtt.ring(self.is_up, self.name)?;
            if self.ring.is_some() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(io::Error::new(ErrorKind::TimedOut, "the firmware does not start RTT"));
            }
            thread::sleep(MIN_PAUSE);
        }
    }

    /// Repeats `step` until it moves bytes or the patience ends.
    fn transfer(&mut self, mut step: impl FnMut(&Ring) -> io::Result<usize>) -> io::Result<usize> {
        let deadline = self.patience.map(|patience| Instant::now() + patience);
        loop {
            if self.ring.is_none() {
                self.ring = self.rtt.ring(self.is_up, self.name)?;
            }
            let count = self.ring.as_ref().map_or(Ok(0), &mut step)?;
            if count > 0 {
                self.pause = MIN_PAUSE;
                return Ok(count);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(ErrorKind::TimedOut.into());
            }
            thread::sleep(self.pause);
            self.pause = (self.pause * 2).min(MAX_PAUSE);
        }
    }
}

impl Ring {
    /// Returns the offsets of writer and reader, both below the size.
    fn offsets(&self) -> io::Result<(u32, u32)> {
        let mut bytes = [0; 8];
        self.memory.read(self.channel + WRITE_OFFSET, &mut bytes).map_err(gone)?;
        let [write, read] =
            [0, 4].map(|at| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]));
        if write >= self.size || read >= self.size {
            let text = format!("an RTT channel is damaged: offsets {write} and {read} of {} bytes", self.size);
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        Ok((write, read))
    }

    /// Reads as many bytes as are there and fit, possibly none.
    fn take(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (write, read) = self.offsets()?;
        let end = if write >= read { write } else { self.size };
        let count = buffer.len().min((end - read) as usize);
        if count > 0 {
            self.memory.read(self.buffer + u64::from(read), &mut buffer[..count]).map_err(gone)?;
            self.set(READ_OFFSET, read, count)?;
        }
        Ok(count)
    }

    /// Writes as many bytes as there is room for, possibly none.
    fn give(&self, bytes: &[u8]) -> io::Result<usize> {
        let (write, read) = self.offsets()?;
        // A full ring would look like an empty one: one byte stays free.
        let end = if read > write { read - 1 } else { self.size - u32::from(read == 0) };
        let count = bytes.len().min((end - write) as usize);
        if count > 0 {
            self.memory.write(self.buffer + u64::from(write), &bytes[..count]).map_err(gone)?;
            self.set(WRITE_OFFSET, write, count)?;
        }
        Ok(count)
    }

    fn set(&self, place: u64, old: u32, count: usize) -> io::Result<()> {
        let new = (old as usize + count) % self.size as usize;
        self.memory.write(self.channel + place, &(new as u32).to_le_bytes()).map_err(gone)
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() { Ok(0) } else { self.transfer(|ring| ring.take(buffer)) }
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pause = MIN_PAUSE;
        if bytes.is_empty() { Ok(0) } else { self.transfer(|ring| ring.give(bytes)) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for RttStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.up.read(buffer)
    }
}

impl Write for RttStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.down.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.down.flush()
    }
}

/// Converts an error: an emulator that has ended is a closed link.
fn gone(error: virtual_probe::EmulatorError) -> io::Error {
    let kind = match error {
        virtual_probe::EmulatorError::Gone { .. } => ErrorKind::BrokenPipe,
        virtual_probe::EmulatorError::Silent { .. } => ErrorKind::TimedOut,
        _ => ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
