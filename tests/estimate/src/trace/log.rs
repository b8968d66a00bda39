//! Reads QEMU's execution log, `-singlestep -d exec,cpu,nochain`: slower than the plugin, but
//! neither a compiler nor a special QEMU is needed. Data addresses follow from the registers.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::reader::unknown;
use super::{Access, End, Range, Sink, Step, TraceError};
use crate::decode::Set;
use crate::elf::Program;
use crate::instruction::{Class, Instruction, Place};

/// Returns the arguments of QEMU that write the log to `output`.
pub fn arguments(output: &Path) -> Vec<OsString> {
    let options = ["-singlestep", "-d", "exec,cpu,nochain", "-D"].map(OsString::from);
    options.into_iter().chain([output.as_os_str().to_owned()]).collect()
}

/// The state of the core before an instruction.
#[derive(Clone, Debug, Default)]
struct State {
    address: u32,
    registers: [u32; 32],
    /// Arm's program status.
    status: u32,
}

/// The trace, as far as it is known.
struct Log<'a> {
    range: Range,
    set: Set,
    program: &'a Program,
    decoded: HashMap<u32, ([u8; 4], Option<Instruction>)>,
    is_active: bool,
    end: u32,
    /// The instruction that is executed, and its state.
    pending: Option<State>,
}

/// Passes the trace in the log `input` to `sink` until it ends.
///
/// # Errors
///
/// Returns [`TraceError`] if it cannot be read, or has an instruction that is not known.
pub fn read_log(
    input: impl Read,
    range: Range,
    set: Set,
    program: &Program,
    sink: &mut dyn Sink,
) -> Result<(), TraceError> {
    let end = match range.to {
        End::At(address) => address,
        End::Return => 0,
    };
    let mut log = Log { range, set, program, decoded: HashMap::new(), is_active: false, end, pending: None };
    let mut state: Option<State> = None;
    let mut lines = BufReader::with_capacity(1 << 16, input);
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = lines.read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(());
        }
        if line.starts_with(b"Trace ") {
            if let Some(state) = state.take()
                && !log.next(state, sink)?
            {
                return Ok(());
            }
            let Some(address) = address_of(&line) else { return Err(TraceError::Damaged("a line has no address")) };
            state = Some(State { address, ..State::default() });
        } else if line.starts_with(b"Stopped ") {
            // The instruction has not been executed; it follows again.
            state = None;
        } else if let Some(state) = &mut state {
            read_registers(&line, state);
        }
    }
}

/// Returns the second number in brackets.
fn address_of(line: &[u8]) -> Option<u32> {
    let start = line.iter().position(|byte| *byte == b'[')?;
    let text = std::str::from_utf8(&line[start..]).ok()?;
    u32::from_str_radix(text.split('/').nth(1)?, 16).ok()
}

/// Reads `R00=00000000 ...`, `XPSR=...` and ` x0/zero  00000000 ...`.
fn read_registers(line: &[u8], state: &mut State) {
    let Ok(text) = std::str::from_utf8(line) else { return };
    let hexadecimal = |text: &str| u32::from_str_radix(text, 16).ok();
    if text.starts_with('R') {
        for word in text.split_ascii_whitespace() {
            let Some((name, value)) = word.split_once('=') else { continue };
            let number = name.get(1..).and_then(|number| number.parse::<usize>().ok());
            if let (Some(number @ 0..16), Some(value)) = (number, hexadecimal(value)) {
                state.registers[number] = value;
            }
        }
    } else if let Some(rest) = text.strip_prefix("XPSR=") {
        state.status = rest.get(..8).and_then(hexadecimal).unwrap_or(0);
    } else if text.starts_with(" x") {
        let mut words = text.split_ascii_whitespace();
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            let number = name.get(1..).and_then(|name| name.split('/').next()?.parse::<usize>().ok());
            if let (Some(number @ 0..32), Some(value)) = (number, hexadecimal(value)) {
                state.registers[number] = value;
            }
        }
    }
}

impl Log<'_> {
    fn decode(&mut self, address: u32) -> &([u8; 4], Option<Instruction>) {
        let (set, program) = (self.set, self.program);
        self.decoded.entry(address).or_insert_with(|| {
            let bytes = program.bytes_at(address);
            (bytes, set.decode(bytes))
        })
    }

    /// Continues with the instruction that is executed in `state`. Returns false at the end.
    fn next(&mut self, state: State, sink: &mut dyn Sink) -> Result<bool, TraceError> {
        let address = state.address;
        let placeholder = Instruction::new(2, Class::Nop);
        let next = self.decode(address).1.unwrap_or(placeholder);
        if let Some(before) = self.pending.take() {
            let (bytes, one) = *self.decode(before.address);
            if self.is_active {
                let one = one.ok_or_else(|| unknown(before.address, bytes))?;
                let accesses = accesses(&one, &before);
                let (instruction, accesses) = (&one, accesses.as_slice());
                let step = Step { address: before.address, instruction, next_address: address, next: &next, accesses };
                sink.step(&step);
            }
        }
        if self.is_active && address == self.end {
            self.is_active = false;
            if !sink.end() {
                return Ok(false);
            }
        }
        if !self.is_active && address == self.range.from {
            self.is_active = true;
            if self.range.to == End::Return {
                self.end = state.registers[self.set.link_register()] & !1;
            }
            sink.start();
        }
        self.pending = Some(state);
        Ok(true)
    }
}

/// Returns the accesses of an instruction.
fn accesses(one: &Instruction, state: &State) -> Vec<Access> {
    let Some(place) = one.place.filter(|_| is_executed(state.status)) else { return Vec::new() };
    let first = address(place, state);
    let each = |index: u8| Access {
        address: first.wrapping_add(u32::from(index) * u32::from(place.size)),
        bytes: place.size,
        is_store: one.is_store(),
    };
    (0..place.count).map(each).collect()
}

fn address(place: Place, state: &State) -> u32 {
    let register = |number: u8| match number {
        // The program counter is ahead, and rounded down to a word.
        15 if state.status != 0 => state.address.wrapping_add(4) & !3,
        number => state.registers[usize::from(number & 31)],
    };
    let index = place.index.map_or(0, |(number, shift)| register(number) << shift);
    register(place.base).wrapping_add_signed(place.offset).wrapping_add(index)
}

/// Returns true if the condition of an `IT` block holds.
fn is_executed(status: u32) -> bool {
    let block = (status >> 8 & 0xFC) | (status >> 25 & 3);
    if block & 15 == 0 {
        return true;
    }
    let [negative, zero, carry, overflow] = [31, 30, 29, 28].map(|bit| status >> bit & 1 != 0);
    let condition = match block >> 5 {
        0 => zero,
        1 => carry,
        2 => negative,
        3 => overflow,
        4 => carry && !zero,
        5 => negative == overflow,
        6 => !zero && negative == overflow,
        _ => return true,
    };
    condition != (block >> 4 & 1 != 0)
}
