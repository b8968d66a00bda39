//! The core's registers, by the numbers of the debug register DCRSR.
//!
//! QEMU's gdb stub has the general and the floating-point registers. For the others, and for
//! private peripherals of the Secure state, the core itself executes an instruction; registers and
//! memory are restored afterwards.

use super::execution::{PC, XPSR};
use crate::error::Result;
use crate::{Board, Gdb};

/// The first floating-point register of QEMU's gdb stub: D0. FPSCR comes after the sixteenth.
const D0: u8 = 26;
const FPSCR: u8 = D0 + 16;

/// Bits of xPSR that make the next instruction conditional or continue an interrupted one.
const CONDITIONS: u64 = 0x0600_fc00;

/// Reads register `selector` of DCRSR in a stopped core; `None` if it does not exist.
pub(super) fn read(gdb: &mut Gdb, board: &Board, selector: u8) -> Result<Option<u32>> {
    let value = match Place::of(gdb, board, selector) {
        Place::General(number) => gdb.register(number)? as u32,
        Place::Half(number, high) => {
            let value = gdb.register(number)?;
            if high { (value >> 32) as u32 } else { value as u32 }
        }
        Place::Special(number) => read_special(gdb, board, number)?,
        Place::Masks(numbers) => {
            let mut value = 0;
            for number in numbers {
                value = value << 8 | if number == 0 { 0 } else { read_special(gdb, board, number)? & 0xff };
            }
            value
        }
        Place::Nowhere => return Ok(None),
    };
    Ok(Some(value))
}

/// Writes register `selector` of DCRSR in a stopped core, if it exists.
pub(super) fn write(gdb: &mut Gdb, board: &Board, selector: u8, value: u32) -> Result {
    match Place::of(gdb, board, selector) {
        Place::General(number) => gdb.set_register(number, u64::from(value), false),
        Place::Half(number, high) => {
            let shift = if high { 32 } else { 0 };
            let others = gdb.register(number)? & !(0xffff_ffff << shift);
            gdb.set_register(number, others | u64::from(value) << shift, true)
        }
        Place::Special(number) => write_special(gdb, board, number, value),
        Place::Masks(numbers) => {
            for (number, value) in numbers.into_iter().zip(value.to_be_bytes()) {
                if number != 0 {
                    write_special(gdb, board, number, u32::from(value))?;
                }
            }
            Ok(())
        }
        Place::Nowhere => Ok(()),
    }
}

/// Writes a word to a private peripheral in the Security state of the stopped core.
pub(super) fn store(gdb: &mut Gdb, board: &Board, address: u32, value: u32) -> Result {
    // STR r1, [r0]; NOP
    execute(gdb, board, [0x6001, 0xbf00], [address, value]).map(|_| ())
}

enum Place {
    /// The stub's register of this number.
    General(u8),
    /// The lower or higher half of the stub's register of this number.
    Half(u8, bool),
    /// The special register of this number, as MRS and MSR know it.
    Special(u8),
    /// Four special registers, the one in the highest byte first; zero marks a missing one.
    Masks([u8; 4]),
    Nowhere,
}

impl Place {
    fn of(gdb: &Gdb, board: &Board, selector: u8) -> Self {
        let secure = board.core.secure();
        // CONTROL, FAULTMASK, BASEPRI, PRIMASK.
        let masks = if board.core.movable_vectors() { [20, 19, 17, 16] } else { [20, 0, 0, 16] };
        match selector {
            0..=15 => Self::General(selector),
            16 => Self::General(XPSR),
            17 => Self::Special(8),
            18 => Self::Special(9),
            20 => Self::Masks(masks),
            // Armv8-M: stack pointers, their limits and masks of both Security states. The core's
            // own have the plain number, the Non-secure ones the number plus 128.
            0x18 | 0x19 if secure => Self::Special(selector - 0x18 + 0x88),
            0x1a | 0x1b if secure => Self::Special(selector - 0x1a + 8),
            0x1c | 0x1d if secure => Self::Special(selector - 0x1c + 10),
            0x1e | 0x1f if secure => Self::Special(selector - 0x1e + 0x8a),
            0x22 if secure => Self::Masks(masks),
            0x23 if secure => Self::Masks(masks.map(|number| number | 0x80)),
            0x21 if gdb.floating_point => Self::General(FPSCR),
            0x40..=0x5f if gdb.floating_point => Self::Half(D0 + (selector - 0x40) / 2, !selector.is_multiple_of(2)),
            _ => Self::Nowhere,
        }
    }
}

fn read_special(gdb: &mut Gdb, board: &Board, number: u8) -> Result<u32> {
    // MRS r0, number
    execute(gdb, board, [0xf3ef, 0x8000 | u16::from(number)], [0, 0])
}

fn write_special(gdb: &mut Gdb, board: &Board, number: u8, value: u32) -> Result {
    // MSR number, r0: the mask selects the flags' byte, which also writes CONTROL and the masks.
    execute(gdb, board, [0xf380, 0x8800 | u16::from(number)], [value, 0]).map(|_| ())
}

/// Executes one instruction with `arguments` in r0 and r1, returns r0, and restores registers and
/// memory.
fn execute(gdb: &mut Gdb, board: &Board, code: [u16; 2], arguments: [u32; 2]) -> Result<u32> {
    let (pc, xpsr) = (gdb.register(PC)?, gdb.register(XPSR)?);
    let saved = [gdb.register(0)?, gdb.register(1)?];
    // The instruction is placed at the program counter if that is in memory.
    let here = pc as u32 & !1;
    let place = if board.code.contains(here) || board.ram.contains(here) { here } else { board.code.start };
    let mut covered = [0; 4];
    gdb.read(place, &mut covered)?;
    let [[a, b], [c, d]] = code.map(u16::to_le_bytes);

    let mut executed = || {
        gdb.write(place, &[a, b, c, d])?;
        gdb.set_register(XPSR, xpsr & !CONDITIONS | 1 << 24, false)?;
        gdb.set_register(PC, u64::from(place), false)?;
        gdb.set_register(0, u64::from(arguments[0]), false)?;
        gdb.set_register(1, u64::from(arguments[1]), false)?;
        gdb.step()?;
        Ok(gdb.register(0)? as u32)
    };
    let result = executed();

    // Every step, even if one before has failed.
    let restored = [
        gdb.write(place, &covered),
        gdb.set_register(0, saved[0], false),
        gdb.set_register(1, saved[1], false),
        gdb.set_register(PC, pc, false),
        gdb.set_register(XPSR, xpsr, false),
    ];
    let result = result?;
    restored.into_iter().collect::<Result<(), _>>().map(|()| result)
}
