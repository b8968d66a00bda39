//! Thumb instructions for floating point: Arm DDI 0403, A6.

use crate::instruction::{Class, Instruction, Place, Registers, bit};

/// Decodes an instruction; `None` if it is not known.
pub fn decode(first: u16, second: u16) -> Option<Instruction> {
    let double = match (second >> 8) & 15 {
        10 => false,
        11 => true,
        _ => return None,
    };
    match first >> 8 {
        0xEC | 0xED if first & 0x1E0 == 0x40 => Some(move_pair(first, second, double)),
        0xEC | 0xED => access(first, second, double),
        0xEE if second & 0x10 != 0 => Some(move_one(first, second)),
        0xEE => Some(compute(first, second, double)),
        0xFE if second & 0x10 == 0 => Some(compute(first, second, double)),
        _ => None,
    }
}

/// Returns `count` words of floating-point registers from the one with these bits.
fn registers(high: u16, low: u16, double: bool, count: u16) -> Registers {
    let number = if double { (low << 4 | high) * 2 } else { high << 1 | low };
    let words = (1_u64 << count.min(32)) - 1;
    words.checked_shl(32 + u32::from(number & 31)).unwrap_or(0)
}

fn operands(first: u16, second: u16, double: bool) -> [Registers; 3] {
    let count = if double { 2 } else { 1 };
    [
        registers((second >> 12) & 15, (first >> 6) & 1, double, count),
        registers(first & 15, (second >> 7) & 1, double, count),
        registers(second & 15, (second >> 5) & 1, double, count),
    ]
}

/// `VMOV` between two registers of the core and a pair.
fn move_pair(first: u16, second: u16, double: bool) -> Instruction {
    let pair = registers(second & 15, (second >> 5) & 1, double, 2);
    let core = bit((first & 15) as u8) | bit((second >> 12) as u8);
    let (read, written) = if first & 0x10 == 0 { (core, pair) } else { (pair, core) };
    Instruction::new(4, Class::Float).reads(read).writes(written)
}

/// `VMOV` between a register of the core and one of floating point, `VMRS`, `VMSR`.
fn move_one(first: u16, second: u16) -> Instruction {
    let single = registers(first & 15, (second >> 7) & 1, false, 1);
    let core = bit((second >> 12) as u8);
    let (read, written) = if first & 0x10 == 0 { (core, single) } else { (single, core) };
    Instruction::new(4, Class::Float).reads(read).writes(written)
}

/// `VLDR`, `VSTR`, `VLDM`, `VSTM`.
fn access(first: u16, second: u16, double: bool) -> Option<Instruction> {
    let (before, up, back) = (first & 0x100 != 0, first & 0x80 != 0, first & 0x20 != 0);
    let is_single = before && !back;
    let words = match (is_single, double) {
        (true, false) => 1,
        (true, true) => 2,
        (false, false) => second & 255,
        (false, true) => second & 254,
    };
    if words == 0 || words > 32 {
        return None;
    }
    let data = registers((second >> 12) & 15, (first >> 6) & 1, double, words);
    let bytes = i32::from(second & 255) * 4;
    let offset = match (up, is_single) {
        (true, true) => bytes,
        (true, false) => 0,
        (false, true) => -bytes,
        (false, false) => -4 * i32::from(words),
    };
    let place = Place { base: (first & 15) as u8, offset, index: None, size: 4, count: words as u8 };
    // They never pair with the next access, like those of several registers.
    Some(match first & 0x10 {
        0 => Instruction::new(4, Class::StoreMany).at(place).reads(data).back(back),
        _ => Instruction::new(4, Class::LoadMany).at(place).writes(data).back(back),
    })
}

fn compute(first: u16, second: u16, double: bool) -> Instruction {
    let [d, n, m] = operands(first, second, double);
    let operation = (first >> 4) & 0b1011;
    let is_root = operation == 0b1011 && first & 15 == 1 && second & 0xC0 == 0xC0;
    match operation {
        _ if first >> 8 == 0xFE => Instruction::new(4, Class::Float).reads(n | m).writes(d),
        0 | 1 | 9 | 10 => Instruction::new(4, Class::FloatMultiplyAdd).reads(n | m).adds_to(d).writes(d),
        8 => Instruction::new(4, Class::FloatDivide).reads(n | m).writes(d),
        _ if is_root => Instruction::new(4, Class::FloatDivide).reads(m).writes(d),
        11 => Instruction::new(4, Class::Float).reads(m).writes(d),
        _ => Instruction::new(4, Class::Float).reads(n | m).writes(d),
    }
}
