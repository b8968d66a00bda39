//! The debug port and its one access port, to the core's memory.

use super::Bus;
use crate::Core;
use crate::error::Result;

/// The debug port's identification: Arm's SW-DP, version 1.
pub(super) const DPIDR: u32 = 0x2ba0_1477;

/// Address of the ROM table, with the bits that mark it as present.
const BASE: u32 = super::components::ROM_TABLE | 3;
/// Control and status of the access port: enabled, words.
const CSW: u32 = 0x2300_0042;
/// Bits of `CSW` that a client may change: access size, address increment, and access attributes.
const CSW_WRITABLE: u32 = 0x7f00_0f37;
/// Bit of `CSW` that allows Secure accesses.
const CSW_SECURE: u32 = 1 << 23;

/// Registers of the debug port, and of access port 0.
#[derive(Debug)]
pub(super) struct DebugPort {
    core: Core,
    /// The written bits of CTRL/STAT.
    control: u32,
    /// True after a refused access, until it is cleared.
    sticky_error: bool,
    select: u32,
    /// The result of the last read of the access port, which the next read returns.
    buffer: u32,
    csw: u32,
    tar: u32,
}

impl DebugPort {
    pub(super) fn new(core: Core) -> Self {
        let secure = if core.secure() { CSW_SECURE } else { 0 };
        Self { core, control: 0, sticky_error: false, select: 0, buffer: 0, csw: CSW | secure, tar: 0 }
    }

    /// Reads register 0, 4, 8 or 12 on the wire. A read of the access port returns the value of the
    /// previous one.
    pub(super) fn read(&mut self, bus: &mut impl Bus, access_port: bool, register: u8) -> Result<u32> {
        if !access_port {
            return Ok(self.read_debug(register));
        }
        let register = self.select as u8 & 0xf0 | register;
        let value = self.read_access(bus, (self.select >> 24) as u8, register)?;
        Ok(std::mem::replace(&mut self.buffer, value))
    }

    /// Writes register 0, 4, 8 or 12 on the wire.
    pub(super) fn write(&mut self, bus: &mut impl Bus, access_port: bool, register: u8, value: u32) -> Result {
        if access_port {
            let register = self.select as u8 & 0xf0 | register;
            self.write_access(bus, (self.select >> 24) as u8, register, value)
        } else {
            self.write_debug(register, value);
            Ok(())
        }
    }

    pub(super) fn read_debug(&mut self, register: u8) -> u32 {
        match (register & 0xc, self.select & 0xf) {
            (0x0, _) => DPIDR,
            (0x4, 0) => {
                // Power requests are acknowledged at once.
                let requests = self.control & 0x5000_0000;
                self.control & 0x5000_0f0f | requests << 1 | u32::from(self.sticky_error) << 5
            }
            // Line settings and identification that version 1 does not have.
            (0x4, _) => 0,
            _ => self.buffer,
        }
    }

    pub(super) fn write_debug(&mut self, register: u8, value: u32) {
        match (register & 0xc, self.select & 0xf) {
            // Bit 2 clears the sticky error. Aborts are ignored.
            (0x0, _) => self.sticky_error &= value & 4 == 0,
            (0x4, 0) => self.control = value,
            (0x8, _) => self.select = value,
            _ => {}
        }
    }

    /// Reads a register of an access port, or zero if the port does not exist.
    pub(super) fn read_access(&mut self, bus: &mut impl Bus, port: u8, register: u8) -> Result<u32> {
        if port != 0 {
            return Ok(0);
        }
        match register & 0xfc {
            0x00 => Ok(self.csw),
            0x04 => Ok(self.tar),
            0x0c => {
                let address = self.advance();
                self.transfer(|| bus.read_word(address & !3))
            }
            banked @ 0x10..=0x1c => {
                let address = self.tar & !0xf | u32::from(banked & 0xc);
                self.transfer(|| bus.read_word(address))
            }
            0xf8 => Ok(BASE),
            0xfc => Ok(self.core.access_port_id()),
            _ => Ok(0),
        }
    }

    /// Writes a register of an access port. `DRW` transfers only words: other sizes have commands.
    pub(super) fn write_access(&mut self, bus: &mut impl Bus, port: u8, register: u8, value: u32) -> Result {
        if port != 0 {
            return Ok(());
        }
        match register & 0xfc {
            0x00 => self.csw = self.csw & !CSW_WRITABLE | value & CSW_WRITABLE,
            0x04 => self.tar = value,
            0x0c => {
                let address = self.advance();
                self.transfer(|| bus.write_word(address & !3, value).map(|()| 0))?;
            }
            banked @ 0x10..=0x1c => {
                let address = self.tar & !0xf | u32::from(banked & 0xc);
                self.transfer(|| bus.write_word(address, value).map(|()| 0))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the address of a transfer, and increments it if `CSW` enables that.
    fn advance(&mut self) -> u32 {
        let address = self.tar;
        if self.csw >> 4 & 3 == 1 {
            self.tar = self.tar.wrapping_add(4);
        }
        address
    }

    /// Does a transfer; a refusal sets the sticky error.
    fn transfer(&mut self, transfer: impl FnOnce() -> Result<u32>) -> Result<u32> {
        match transfer() {
            Err(error) if error.is_passing() => {
                self.sticky_error = true;
                Ok(0)
            }
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::Ram;
    use super::*;

    fn port() -> (DebugPort, Ram) {
        (DebugPort::new(Core::M4), Ram::default())
    }

    #[test]
    fn power_follows_the_requests() {
        let (mut port, _) = port();
        assert_eq!(port.read_debug(4), 0);
        port.write_debug(4, 0x5000_0f00);
        assert_eq!(port.read_debug(4), 0xf000_0f00);
        port.write_debug(4, 0);
        assert_eq!(port.read_debug(4), 0);
    }

    #[test]
    fn select_chooses_the_bank() {
        let (mut port, _) = port();
        port.write_debug(4, 0x5000_0000);
        port.write_debug(8, 2);
        assert_eq!(port.read_debug(4), 0);
        port.write_debug(8, 0);
        assert_eq!(port.read_debug(4), 0xf000_0000);
    }

    #[test]
    fn there_is_one_access_port() {
        let (mut port, mut ram) = port();
        assert_eq!(port.read_access(&mut ram, 0, 0xfc).unwrap(), 0x2477_0011);
        assert_eq!(port.read_access(&mut ram, 0, 0xf8).unwrap(), 0xe00f_f003);
        assert_eq!(port.read_access(&mut ram, 1, 0xfc).unwrap(), 0);
        assert_eq!(port.read_access(&mut ram, 0, 0).unwrap() >> 6 & 1, 1);
    }

    #[test]
    fn the_address_is_incremented_if_enabled() {
        let (mut port, mut ram) = port();
        port.write_access(&mut ram, 0, 0, 0x2300_0052).unwrap();
        port.write_access(&mut ram, 0, 4, 8).unwrap();
        for value in [0x1122_3344, 0x5566_7788] {
            port.write_access(&mut ram, 0, 0xc, value).unwrap();
        }
        assert_eq!(port.read_access(&mut ram, 0, 4).unwrap(), 16);
        assert_eq!(ram.read_word(12).unwrap(), 0x5566_7788);
        port.write_access(&mut ram, 0, 4, 0).unwrap();
        assert_eq!(port.read_access(&mut ram, 0, 0x18).unwrap(), 0x1122_3344);
    }

    #[test]
    fn reads_of_memory_on_the_wire_return_the_previous_value() {
        let (mut port, mut ram) = port();
        ram.write_word(0, 7).unwrap();
        port.write(&mut ram, true, 4, 0).unwrap();
        assert_eq!(port.read(&mut ram, true, 0xc).unwrap(), 0);
        assert_eq!(port.read(&mut ram, false, 0xc).unwrap(), 7);
    }

    #[test]
    fn a_refused_access_sets_the_sticky_error() {
        let (mut port, mut ram) = port();
        port.write_access(&mut ram, 0, 4, 0x8000_0000).unwrap();
        port.read_access(&mut ram, 0, 0xc).unwrap();
        assert_eq!(port.read_debug(4) >> 5 & 1, 1);
        port.write_debug(0, 0x1e);
        assert_eq!(port.read_debug(4) >> 5 & 1, 0);
    }

    proptest! {
        #[test]
        fn no_access_panics(
            accesses in proptest::collection::vec(any::<(bool, bool, u8, u8, u32)>(), 0..50),
        ) {
            let (mut port, mut ram) = port();
            for (debug, read, number, register, value) in accesses {
                match (debug, read) {
                    (true, true) => { port.read_debug(register); }
                    (true, false) => port.write_debug(register, value),
                    (false, true) => { port.read_access(&mut ram, number & 1, register).unwrap(); }
                    (false, false) => port.write_access(&mut ram, number & 1, register, value).unwrap(),
                }
            }
        }
    }
}
