//! Access to the core through QEMU's gdb stub: registers, halt, continue, step and breakpoints.

mod packet;

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::EmulatorError;
use crate::error::{Result, is_timeout, limit};
use packet::Packets;
pub(crate) use packet::{hex, unhex};

const LINK: &str = "debug link (gdb)";
/// Maximum bytes of memory in one packet; the stub accepts 4 KiB of hexadecimal digits.
const BLOCK: usize = 1 << 10;
/// Time limit of one step: a WFI completes only when an interrupt comes.
const STEP: Duration = Duration::from_millis(250);

/// A connection to QEMU's gdb stub. Connecting stops the core.
#[derive(Debug)]
pub(crate) struct Gdb {
    stream: UnixStream,
    packets: Packets,
    patience: Duration,
    running: bool,
    /// True if the core has floating-point registers.
    pub(crate) floating_point: bool,
    /// True after a failure: the next answer may belong to an earlier request.
    broken: bool,
}

impl Gdb {
    /// Connects to the stub; `patience` is the time limit of every answer.
    pub(crate) fn new(stream: UnixStream, patience: Duration) -> Result<Self> {
        limit(&stream, LINK, patience)?;
        let packets = Packets::default();
        let mut gdb = Self { stream, packets, patience, running: false, floating_point: false, broken: false };
        gdb.ask("qSupported")?;
        // The stub accepts register writes only after their description was read.
        let description = gdb.ask("qXfer:features:read:target.xml:0,ffb")?;
        gdb.floating_point = description.contains("arm-vfp");
        Ok(gdb)
    }

    /// Returns true if a running core has stopped, once for each stop.
    pub(crate) fn poll(&mut self) -> Result<bool> {
        if !self.running {
            return Ok(false);
        }
        self.receive_available()?;
        self.take_stop()
    }

    pub(crate) fn halt(&mut self) -> Result {
        if self.running {
            self.send_raw(&[0x03])?;
            self.await_stop(Instant::now() + self.patience)?;
        }
        if self.running { Err(EmulatorError::Silent { link: LINK, patience: self.patience }) } else { Ok(()) }
    }

    pub(crate) fn resume(&mut self) -> Result {
        if !self.running {
            self.send_raw(&packet::framed("c"))?;
            self.running = true;
        }
        Ok(())
    }

    /// Executes one instruction, with interrupts masked. An instruction that waits for an interrupt
    /// is aborted after [`STEP`].
    pub(crate) fn step(&mut self) -> Result {
        self.halt()?;
        self.send_raw(&packet::framed("s"))?;
        self.running = true;
        self.await_stop(Instant::now() + STEP)?;
        self.halt()
    }

    /// Reads register `number` of the stub, of 4 or 8 bytes, in a stopped core.
    pub(crate) fn register(&mut self, number: u8) -> Result<u64> {
        let request = format!("p{number:x}");
        let answer = self.ask(&request)?;
        let mut bytes = [0; 8];
        let digits = answer.as_bytes();
        let read = digits.len() >= 8 && bytes.get_mut(..digits.len() / 2).is_some_and(|part| unhex(digits, part));
        if read { Ok(u64::from_le_bytes(bytes)) } else { Err(EmulatorError::refused(LINK, &request, &answer)) }
    }

    /// Writes register `number` of the stub, which has 4 bytes, or 8 if `wide`.
    pub(crate) fn set_register(&mut self, number: u8, value: u64, wide: bool) -> Result {
        let bytes = value.to_le_bytes();
        let digits = hex(if wide { &bytes } else { &bytes[..4] });
        self.order(&format!("P{number:x}={digits}"))
    }

    /// Fills `data` with the memory at `address`, as the stopped core sees it.
    pub(crate) fn read(&mut self, address: u32, data: &mut [u8]) -> Result {
        let mut address = address;
        for part in data.chunks_mut(BLOCK) {
            let request = format!("m{address:x},{:x}", part.len());
            let answer = self.ask(&request)?;
            if !unhex(answer.as_bytes(), part) {
                return Err(EmulatorError::refused(LINK, &request, &answer));
            }
            address = address.wrapping_add(part.len() as u32);
        }
        Ok(())
    }

    /// Writes `data` to the memory of a stopped core, flash included. Peripherals ignore it.
    pub(crate) fn write(&mut self, address: u32, data: &[u8]) -> Result {
        let mut address = address;
        for part in data.chunks(BLOCK) {
            self.order(&format!("M{address:x},{:x}:{}", part.len(), hex(part)))?;
            address = address.wrapping_add(part.len() as u32);
        }
        Ok(())
    }

    /// Sets a breakpoint: the core stops before the instruction at `address`. Memory does not
    /// change.
    pub(crate) fn set_breakpoint(&mut self, address: u32) -> Result {
        self.order(&format!("Z1,{address:x},2"))
    }

    pub(crate) fn remove_breakpoint(&mut self, address: u32) -> Result {
        self.order(&format!("z1,{address:x},2"))
    }

    /// Sends a request whose answer is `OK`.
    fn order(&mut self, request: &str) -> Result {
        let answer = self.ask(request)?;
        if answer == "OK" { Ok(()) } else { Err(EmulatorError::refused(LINK, request, &answer)) }
    }

    /// Sends a request to a stopped core and returns the answer.
    fn ask(&mut self, request: &str) -> Result<String> {
        if self.running {
            // Any byte would stop the core, and the request would be lost.
            return Err(EmulatorError::refused(LINK, request, "the core runs"));
        }
        if self.broken {
            return Err(EmulatorError::OutOfStep { link: LINK });
        }
        let answer = self.exchange(request);
        self.broken = answer.as_ref().is_err_and(EmulatorError::leaves_out_of_step);
        answer
    }

    fn exchange(&mut self, request: &str) -> Result<String> {
        self.send_raw(&packet::framed(request))?;
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(answer) = self.take_packet()? {
                return Ok(answer);
            }
            if !self.receive_until(deadline)? {
                return Err(EmulatorError::Silent { link: LINK, patience: self.patience });
            }
        }
    }

    /// Waits until the core has stopped, at most until `deadline`.
    fn await_stop(&mut self, deadline: Instant) -> Result {
        while !self.take_stop()? && self.receive_until(deadline)? {}
        Ok(())
    }

    fn take_stop(&mut self) -> Result<bool> {
        while let Some(answer) = self.take_packet()? {
            match answer.as_bytes().first() {
                Some(b'T' | b'S') => {
                    self.running = false;
                    return Ok(true);
                }
                Some(b'W' | b'X') => return Err(EmulatorError::Gone { link: LINK }),
                _ => {}
            }
        }
        Ok(false)
    }

    /// Takes and acknowledges the next complete packet.
    fn take_packet(&mut self) -> Result<Option<String>> {
        let packet = self.packets.take();
        if packet.is_some() {
            // Until it has this the stub ignores everything, even a request to halt.
            self.send_raw(b"+")?;
        }
        Ok(packet)
    }

    fn send_raw(&mut self, bytes: &[u8]) -> Result {
        self.stream.write_all(bytes).map_err(|error| EmulatorError::of(LINK, self.patience, error))
    }

    /// Waits for bytes until `deadline` and reads once; returns false if none came.
    fn receive_until(&mut self, deadline: Instant) -> Result<bool> {
        let rest = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(rest)).map_err(|error| EmulatorError::of(LINK, self.patience, error))?;
        self.receive()
    }

    /// Reads the bytes that have arrived already.
    fn receive_available(&mut self) -> Result {
        let failed = |source| EmulatorError::of(LINK, Duration::ZERO, source);
        self.stream.set_nonblocking(true).map_err(failed)?;
        let received = self.receive();
        self.stream.set_nonblocking(false).map_err(failed)?;
        received.map(|_| ())
    }

    fn receive(&mut self) -> Result<bool> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => Err(EmulatorError::Gone { link: LINK }),
            Ok(length) => {
                self.packets.feed(bytes.get(..length).unwrap_or_default());
                Ok(true)
            }
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(EmulatorError::of(LINK, self.patience, error)),
        }
    }
}
