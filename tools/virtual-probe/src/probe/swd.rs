//! Serial wire debug (SWD), bit by bit, which probe-rs uses before the commands for registers.

use std::collections::VecDeque;

use super::Bus;
use super::debug_port::DebugPort;
use crate::error::Result;

/// Number of ones in a row that reset the line.
const LINE_RESET: u32 = 50;
/// The acknowledgement `OK`, sent lowest bit first.
const OK: u64 = 0b001;

/// The target's end of the wire.
#[derive(Debug, Default)]
pub(super) struct Wire {
    state: LineState,
    /// Number of ones received in a row, outside of data.
    ones: u32,
    /// The bits to send next.
    answer: VecDeque<bool>,
}

#[derive(Debug, Default)]
enum LineState {
    /// Out of step with the client: waits for a line reset.
    #[default]
    Lost,
    /// Waits for the start bit of a request.
    Idle,
    /// Receives the eight bits of a request.
    Request { bits: u8, count: u32 },
    /// Receives the 32 data bits and the parity of a write.
    Data { request: Request, bits: u64, count: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Request {
    access_port: bool,
    read: bool,
    /// 0, 4, 8 or 12.
    register: u8,
}

impl Wire {
    /// Receives the `count` lowest of `bits` from the client, the lowest first.
    pub(super) fn send(&mut self, port: &mut DebugPort, bus: &mut impl Bus, bits: u64, count: u32) -> Result {
        for index in 0..count {
            self.take(port, bus, bits.checked_shr(index).unwrap_or(0) & 1 == 1)?;
        }
        Ok(())
    }

    /// Returns the next `count` bits to the client. A pull-up makes missing bits ones.
    pub(super) fn receive(&mut self, count: u32) -> u64 {
        let bits = (0..count.min(64)).map(|index| u64::from(self.answer.pop_front().unwrap_or(true)) << index);
        bits.fold(0, |sum, bit| sum | bit)
    }

    fn take(&mut self, port: &mut DebugPort, bus: &mut impl Bus, bit: bool) -> Result {
        if let LineState::Data { request, bits, count } = &mut self.state {
            *bits |= u64::from(bit) << *count;
            *count += 1;
            if *count == 33 {
                let (request, value, parity) = (*request, *bits as u32, *bits >> 32 == 1);
                self.state = LineState::Idle;
                if parity == odd(value) {
                    port.write(bus, request.access_port, request.register, value)?;
                }
            }
            return Ok(());
        }
        self.ones = if bit { self.ones.saturating_add(1) } else { 0 };
        if self.ones >= LINE_RESET {
            self.state = LineState::Idle;
            self.answer.clear();
            return Ok(());
        }
        match &mut self.state {
            LineState::Idle if bit => self.state = LineState::Request { bits: 1, count: 1 },
            LineState::Request { bits, count } => {
                *bits |= u8::from(bit) << *count;
                *count += 1;
                if *count == 8 {
                    let bits = *bits;
                    self.state = LineState::Lost;
                    if let Some(request) = Request::parse(bits) {
                        self.begin(port, bus, request)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, port: &mut DebugPort, bus: &mut impl Bus, request: Request) -> Result {
        self.ones = 0;
        self.answer.clear();
        let (answer, count) = if request.read {
            self.state = LineState::Idle;
            let value = port.read(bus, request.access_port, request.register)?;
            (OK | u64::from(value) << 3 | u64::from(odd(value)) << 35, 36)
        } else {
            self.state = LineState::Data { request, bits: 0, count: 0 };
            (OK, 3)
        };
        self.answer.extend((0..count).map(|index| answer >> index & 1 == 1));
        Ok(())
    }
}

impl Request {
    /// Parses the eight bits of a request: start, port, direction, two of the address, parity,
    /// stop, park.
    fn parse(bits: u8) -> Option<Self> {
        let whole = bits & 0b1100_0001 == 0b1000_0001 && (bits >> 1 & 0b1_1111).count_ones().is_multiple_of(2);
        whole.then_some(Self { access_port: bits & 0b10 != 0, read: bits & 0b100 != 0, register: bits >> 1 & 0b1100 })
    }
}

fn odd(value: u32) -> bool {
    value.count_ones() % 2 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::debug_port::DPIDR;
    use super::super::tests::Ram;
    use super::*;

    struct Bench {
        wire: Wire,
        port: DebugPort,
        ram: Ram,
    }

    impl Bench {
        fn new() -> Self {
            Self { wire: Wire::default(), port: DebugPort::new(crate::Core::M4), ram: Ram::default() }
        }

        fn send(&mut self, bits: u64, count: u32) {
            self.wire.send(&mut self.port, &mut self.ram, bits, count).unwrap();
        }

        /// Connects like probe-rs: line reset, switch from JTAG, line reset and idle bits.
        fn connect(&mut self) {
            self.send(0x7_ffff_ffff_ffff, 51);
            self.send(0xe79e, 16);
            self.send(0x7_ffff_ffff_ffff, 54);
        }

        fn read(&mut self, request: u64) -> u32 {
            self.send(request, 8);
            let low = self.wire.receive(32);
            let bits = low | self.wire.receive(4) << 32;
            assert_eq!(bits & 7, OK);
            let value = (bits >> 3) as u32;
            assert_eq!(bits >> 35 == 1, odd(value));
            value
        }

        fn write(&mut self, request: u64, value: u32) {
            self.send(request, 8);
            assert_eq!(self.wire.receive(3), OK);
            self.send(u64::from(value) | u64::from(odd(value)) << 32, 33);
        }
    }

    #[test]
    fn the_port_is_identified_after_a_line_reset() {
        let mut bench = Bench::new();
        bench.connect();
        assert_eq!(bench.read(0xa5), DPIDR);
        bench.send(0, 2);
        assert_eq!(bench.read(0xa5), DPIDR);
    }

    #[test]
    fn nothing_answers_before_a_line_reset_or_after_a_broken_request() {
        let mut bench = Bench::new();
        bench.send(0xa5, 8);
        assert_eq!(bench.wire.receive(3), 7);
        bench.connect();
        bench.send(0xa1, 8);
        assert_eq!(bench.wire.receive(3), 7);
        bench.send(0xa5, 8);
        assert_eq!(bench.wire.receive(3), 7);
        bench.connect();
        assert_eq!(bench.read(0xa5), DPIDR);
    }

    #[test]
    fn data_of_all_ones_do_not_reset_the_line() {
        let mut bench = Bench::new();
        bench.connect();
        bench.write(0x81, u32::MAX);
        bench.write(0xb1, 0);
        bench.write(0xa9, 0x5000_0000);
        assert_eq!(bench.read(0x8d) >> 28, 0xf);
    }

    #[test]
    fn a_write_with_wrong_parity_is_ignored() {
        let mut bench = Bench::new();
        bench.connect();
        bench.send(0xa9, 8);
        bench.send(0x5000_0000 | 1 << 32, 33);
        assert_eq!(bench.read(0x8d) >> 28, 0);
    }

    #[test]
    fn a_request_may_come_with_the_end_of_a_write() {
        let mut bench = Bench::new();
        bench.connect();
        bench.send(0xa9, 8);
        bench.send(0x5000_0000, 32);
        bench.send(0x8d << 3, 11);
        assert_eq!(bench.wire.receive(36) >> 31 & 0xf, 0xf);
    }

    proptest! {
        #[test]
        fn no_bits_panic(sequence in proptest::collection::vec((any::<u64>(), 0..80_u32, 0..80_u32), 0..50)) {
            let mut bench = Bench::new();
            bench.connect();
            for (bits, send, receive) in sequence {
                bench.send(bits, send);
                bench.wire.receive(receive);
            }
        }
    }
}
