//! The debug port and its one access port, to the core's memory.

use super::Bus;
use crate::{Core, EmulatorError};

/// What the debug port says that it is: Arm's for serial wire, version 1.
pub(super) const DPIDR: u32 = 0x2ba0_1477;

/// Where the ROM table is, with the bits that say that it is there.
const BASE: u32 = super::components::ROM_TABLE | 3;
/// Control and status of the access port: enabled, words.
const CSW: u32 = 0x2300_0042;
/// Bits of `CSW` that a client may change: size and increment of the address, and kinds of access.
const CSW_WRITABLE: u32 = 0x7f00_0f37;
/// Bit of `CSW` that tells that Secure accesses are allowed.
const CSW_SECURE: u32 = 1 << 23;

/// Registers of the debug port, and of access port 0.
#[derive(Debug)]
pub(super) struct DebugPort {
    core: Core,
    /// Bits of CTRL/STAT that were written.
    control: u32,
    /// A refused access since it was last cleared.
    sticky_error: bool,
    select: u32,
    /// What the last read of the access port gave, when that comes one late.
    buffer: u32,
    csw: u32,
    tar: u32,
}

impl DebugPort {
    pub(super) fn new(core: Core) -> Self {
        let secure = if core.secure() { CSW_SECURE } else { 0 };
        Self { core, control: 0, sticky_error: false, select: 0, buffer: 0, csw: CSW | secure, tar: 0 }
    }

    /// Reads register 0, 4, 8 or 12 on the wire, where reads of the access port give the value of
    /// the one before.
    pub(super) fn read(&mut self, bus: &mut impl Bus, access_port: bool, register: u8) -> Result<u32, EmulatorError> {
        if !access_port {
            return Ok(self.read_debug(register));
        }
        let register = self.select as u8 & 0xf0 | register;
        let value = self.read_access(bus, (self.select >> 24) as u8, register)?;
        Ok(std::mem::replace(&mut self.buffer, value))
    }

    /// Writes register 0, 4, 8 or 12 on the wire.
    pub(super) fn write(
        &mut self,
        bus: &mut impl Bus,
        access_port: bool,
        register: u8,
        value: u32,
    ) -> Result<(), EmulatorError> {
        if access_port {
            let register = self.select as u8 & 0xf0 | register;
            self.write_access(bus, (self.select >> 24) as u8, register, value)
        } else {
            self.write_debug(register, value);
            Ok(())
        }
    }

    /// Reads a register of the debug port.
    pub(super) fn read_debug(&mut self, register: u8) -> u32 {
        match (register & 0xc, self.select & 0xf) {
            (0x0, _) => DPIDR,
            (0x4, 0) => {
                // Power is there as soon as it is asked for.
                let requests = self.control & 0x5000_0000;
                self.control & 0x5000_0f0f | requests << 1 | u32::from(self.sticky_error) << 5
            }
            // Line settings and identities that version 1 does not have.
            (0x4, _) => 0,
            _ => self.buffer,
        }
    }

    /// Writes a register of the debug port.
    pub(super) fn write_debug(&mut self, register: u8, value: u32) {
        match (register & 0xc, self.select & 0xf) {
            // Bit 2 clears the sticky error. There is nothing to abort.
            (0x0, _) => self.sticky_error &= value & 4 == 0,
            (0x4, 0) => self.control = value,
            (0x8, _) => self.select = value,
            _ => {}
        }
    }

    /// Reads a register of an access port. Where none is, that reads as zero.
    pub(super) fn read_access(&mut self, bus: &mut impl Bus, port: u8, register: u8) -> Result<u32, EmulatorError> {
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

    /// Writes a register of an access port. Only words are transferred by `DRW`: commands for
    /// memory take other sizes.
    pub(super) fn write_access(
        &mut self,
        bus: &mut impl Bus,
        port: u8,
        register: u8,
        value: u32,
    ) -> Result<(), EmulatorError> {
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

    /// The address of a transfer, which moves on where that is set.
    fn advance(&mut self) -> u32 {
        let address = self.tar;
        if self.csw >> 4 & 3 == 1 {
            self.tar = self.tar.wrapping_add(4);
        }
        address
    }

    /// A transfer, whose refusal sticks until it is cleared.
    fn transfer(&mut self, transfer: impl FnOnce() -> Result<u32, EmulatorError>) -> Result<u32, EmulatorError> {
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
    fn power_comes_when_asked_for_and_goes() {
        let (mut port, _) = port();
        assert_eq!(port.read_debug(4), 0);
        port.write_debug(4, 0x5000_0f00);
        assert_eq!(port.read_debug(4), 0xf000_0f00);
        port.write_debug(4, 0);
        assert_eq!(port.read_debug(4), 0);
    }

    #[test]
    fn the_bank_is_selected() {
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
    fn words_move_with_the_address_where_that_is_set() {
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
    fn on_the_wire_reads_of_memory_come_one_late() {
        let (mut port, mut ram) = port();
        ram.write_word(0, 7).unwrap();
        port.write(&mut ram, true, 4, 0).unwrap();
        assert_eq!(port.read(&mut ram, true, 0xc).unwrap(), 0);
        assert_eq!(port.read(&mut ram, false, 0xc).unwrap(), 7);
    }

    #[test]
    fn a_refusal_sticks_until_it_is_cleared() {
        let (mut port, mut ram) = port();
        port.write_access(&mut ram, 0, 4, 0x8000_0000).unwrap();
        port.read_access(&mut ram, 0, 0xc).unwrap();
        assert_eq!(port.read_debug(4) >> 5 & 1, 1);
        port.write_debug(0, 0x1e);
        assert_eq!(port.read_debug(4) >> 5 & 1, 0);
    }

    proptest! {
        #[test]
        fn any_access_is_survived(accesses in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<u8>(), any::<u8>(), any::<u32>()), 0..50)) {
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
