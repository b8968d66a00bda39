//! Thumb instructions of 32 bits: Arm DDI 0403, A5.3, and DDI 0553 for Armv8-M.

use super::float;
use crate::instruction::{Class, Instruction, LR, PC, Place, Registers, bit};

/// Decodes an instruction; `None` if it is not known.
pub fn decode(first: u16, second: u16) -> Option<Instruction> {
    if first & 0xEC00 == 0xEC00 {
        return float::decode(first, second);
    }
    match first >> 9 {
        0b111_0100 if (first, second) == (0xE97F, 0xE97F) => Some(new(Class::Simple)), // SG
        0b111_0100 if first & 0x40 == 0 => many(first, second),
        0b111_0100 => dual(first, second),
        0b111_0101 => Some(shifted_register(first, second)),
        0b111_1000..=0b111_1011 if second & 0x8000 != 0 => branch_or_system(first, second),
        0b111_1000 | 0b111_1010 => Some(constant(first, second)),
        0b111_1001 | 0b111_1011 => plain_constant(first, second),
        0b111_1100 => single(first, second),
        0b111_1101 if first & 0x100 == 0 => registers(first, second),
        0b111_1101 => multiply(first, second),
        _ => None,
    }
}

fn new(class: Class) -> Instruction {
    Instruction::new(4, class)
}

/// Returns the fields Rn, Rd or RdLo or Rt, Rd or RdHi, Rm.
fn fields(first: u16, second: u16) -> [u8; 4] {
    [first & 15, second >> 12, (second >> 8) & 15, second & 15].map(|field| field as u8)
}

/// `LDM`, `STM` and their descending forms.
fn many(first: u16, second: u16) -> Option<Instruction> {
    let base = (first & 15) as u8;
    let list = Registers::from(second);
    let count = list.count_ones() as u8;
    let offset = match (first >> 7) & 3 {
        1 => 0,
        2 => -4 * i32::from(count),
        _ => return None,
    };
    let place = Place { base, offset, index: None, size: 4, count };
    let writes_back = first & 0x20 != 0;
    Some(match first & 0x10 {
        0 => new(Class::StoreMany).at(place).reads(list).back(writes_back),
        _ => new(Class::LoadMany).at(place).writes(list).back(writes_back),
    })
}

/// `LDRD`, `STRD`, exclusive access, table branches.
fn dual(first: u16, second: u16) -> Option<Instruction> {
    let [n, t, t2, m] = fields(first, second);
    let (before, up, back, load) = (first & 0x100 != 0, first & 0x80 != 0, first & 0x20 != 0, first & 0x10 != 0);
    let bytes = i32::from(second & 255) * 4;
    if before || back {
        let offset = if up { bytes } else { -bytes };
        let place = Place { base: n, offset: if before { offset } else { 0 }, index: None, size: 4, count: 2 };
        let data = bit(t) | bit(t2);
        return Some(match load {
            true => new(Class::LoadMany).at(place).writes(data).back(back),
            false => new(Class::StoreMany).at(place).reads(data).back(back),
        });
    }
    let one = |offset, size| Place { base: n, offset, index: None, size, count: 1 };
    if !up {
        return Some(match load {
            true => new(Class::Load).at(one(bytes, 4)).writes(bit(t)),
            // Rd receives the result.
            false => new(Class::Store).at(one(bytes, 4)).reads(bit(t)).writes(bit(t2)),
        });
    }
    let size = 1 << ((second >> 4) & 3);
    match ((second >> 4) & 15, load) {
        (0 | 1, true) => {
            let shift = ((second >> 4) & 1) as u8;
            let place = Place { base: n, offset: 0, index: Some((m, shift)), size: 1 << shift, count: 1 };
            Some(new(Class::TableBranch).at(place).writes(bit(PC)))
        }
        (4..=6 | 8..=10 | 12..=14, true) => Some(new(Class::Load).at(one(0, size)).writes(bit(t))),
        (4..=6 | 12..=14, false) => Some(new(Class::Store).at(one(0, size)).reads(bit(t)).writes(bit(m))),
        (8..=10, false) => Some(new(Class::Store).at(one(0, size)).reads(bit(t))),
        _ => None,
    }
}

/// Returns arithmetic on Rn and `other`: without Rd it compares, without Rn it moves.
fn arithmetic(class: Class, operation: u16, sets: bool, [n, d]: [u8; 2], other: Registers) -> Instruction {
    let compares = d == PC && sets && matches!(operation, 0 | 4 | 8 | 13);
    let moves = n == PC && matches!(operation, 2 | 3);
    let read = if moves { other } else { bit(n) | other };
    match compares {
        true => new(if class == Class::Shifted { class } else { Class::Compare }).reads(read).flags(true),
        false => new(class).reads(read).writes(bit(d)).flags(sets),
    }
}

fn shifted_register(first: u16, second: u16) -> Instruction {
    let [n, _, d, m] = fields(first, second);
    let (operation, sets) = ((first >> 5) & 15, first & 0x10 != 0);
    let shift = second & 0x70F0;
    // A move with a shift is a shift, which takes one stage.
    let is_shift = operation == 2 && n == PC;
    let class = if shift == 0 || is_shift { Class::Simple } else { Class::Shifted };
    arithmetic(class, operation, sets && operation != 6, [n, d], bit(m))
}

fn constant(first: u16, second: u16) -> Instruction {
    let [n, _, d, _] = fields(first, second);
    // i:imm3: below 4 the constant is a pattern of bytes, otherwise a byte that is shifted.
    let is_shifted = first & 0x400 != 0 || second & 0x4000 != 0;
    let class = if is_shifted { Class::Shifted } else { Class::Simple };
    arithmetic(class, (first >> 5) & 15, first & 0x10 != 0, [n, d], 0)
}

fn plain_constant(first: u16, second: u16) -> Option<Instruction> {
    let [n, _, d, _] = fields(first, second);
    let class = Class::Simple;
    match (first >> 4) & 31 {
        4 => Some(new(class).writes(bit(d))),
        12 | 22 => Some(new(class).reads(bit(d) | if n == PC { 0 } else { bit(n) }).writes(bit(d))),
        // The saturations shift.
        16 | 18 | 24 | 26 => Some(new(Class::Dsp).reads(bit(n)).writes(bit(d))),
        0 | 10 | 20 | 28 => Some(new(class).reads(bit(n) & !bit(PC)).writes(bit(d))),
        _ => None,
    }
}

fn branch_or_system(first: u16, second: u16) -> Option<Instruction> {
    let [_, _, d, _] = fields(first, second);
    match second & 0x5000 {
        0x1000 => Some(new(Class::Branch)),
        0x5000 => Some(new(Class::Call).writes(bit(LR))),
        0 if (first >> 7) & 7 != 7 => Some(new(Class::BranchIf)),
        0 => match first & 0xFFF0 {
            0xF380 | 0xF390 => Some(new(Class::System).reads(bit((first & 15) as u8))),
            0xF3A0 if second & 0x7FF == 0 => Some(new(Class::Nop)),
            0xF3A0 | 0xF3B0 => Some(new(Class::System)),
            0xF3E0 | 0xF3F0 => Some(new(Class::System).writes(bit(d))),
            _ => None,
        },
        _ => None,
    }
}

/// Loads and stores of one register.
fn single(first: u16, second: u16) -> Option<Instruction> {
    let [n, t, _, m] = fields(first, second);
    let (load, up) = (first & 0x10 != 0, first & 0x80 != 0);
    let size = match (first >> 5) & 3 {
        3 => return None,
        power => 1_u8 << power,
    };
    let (wide, narrow) = (i32::from(second & 0xFFF), i32::from(second & 255));
    let mut back = false;
    let (offset, index) = if load && n == PC {
        (if up { wide } else { -wide }, None)
    } else if up {
        (wide, None)
    } else if second & 0x800 != 0 {
        back = second & 0x100 != 0;
        let offset = if second & 0x200 != 0 { narrow } else { -narrow };
        (if second & 0x400 != 0 { offset } else { 0 }, None)
    } else if second & 0x7C0 == 0 {
        (0, Some((m, ((second >> 4) & 3) as u8)))
    } else {
        return None;
    };
    let place = Place { base: n, offset, index, size, count: 1 };
    Some(match load {
        false => new(Class::Store).at(place).reads(bit(t)).back(back),
        // A preload hint does nothing on these cores.
        true if t == PC && size != 4 => new(Class::Nop),
        true => new(Class::Load).at(place).writes(bit(t)).back(back),
    })
}

fn registers(first: u16, second: u16) -> Option<Instruction> {
    let [n, _, d, m] = fields(first, second);
    let read = bit(n) | bit(m);
    if second & 0xF000 != 0xF000 {
        return None;
    }
    match (first & 0x80 != 0, (second >> 4) & 15) {
        (false, 0) => Some(new(Class::Simple).reads(read).writes(bit(d)).flags(first & 0x10 != 0)),
        (false, 8..) if (first >> 4) & 7 < 6 => Some(match n {
            PC => new(Class::Simple).reads(bit(m)).writes(bit(d)),
            _ => new(Class::Dsp).reads(bit(m)).adds_to(bit(n)).writes(bit(d)),
        }),
        (true, 0..8) => Some(new(Class::Dsp).reads(read).writes(bit(d))),
        (true, 8..12) => match (first >> 4) & 7 {
            0 => Some(new(Class::Dsp).reads(read).writes(bit(d))),
            1 | 3 => Some(new(Class::Simple).reads(bit(m)).writes(bit(d))),
            2 => Some(new(Class::Simple).reads(read).writes(bit(d))),
            _ => None,
        },
        _ => None,
    }
}

fn multiply(first: u16, second: u16) -> Option<Instruction> {
    let [n, a, d, m] = fields(first, second);
    let read = bit(n) | bit(m);
    let (operation, kind) = ((first >> 4) & 7, (second >> 4) & 15);
    if first & 0x80 == 0 {
        return Some(match a {
            PC => new(Class::Multiply).reads(read).writes(bit(d)),
            _ => new(Class::MultiplyAdd).reads(read).adds_to(bit(a)).writes(bit(d)),
        });
    }
    let long = |class| new(class).reads(read).writes(bit(a) | bit(d));
    match (operation, kind) {
        (0 | 2, 0) => Some(long(Class::MultiplyLong)),
        (1 | 3, 15) => Some(new(Class::Divide).reads(read).writes(bit(d))),
        (4 | 5, 0 | 8..) | (6, 0 | 6) => Some(long(Class::MultiplyAddLong).adds_to(bit(a) | bit(d))),
        _ => None,
    }
}
