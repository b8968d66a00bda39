//! Thumb instructions of 16 bits: Arm DDI 0403, A5.2.

use crate::instruction::{Class, Instruction, LR, PC, Place, Registers, SP, bit};

/// Decodes an instruction; `None` if it is not known.
pub fn decode(code: u16) -> Option<Instruction> {
    let field = |low: u32| ((code >> low) & 7) as u8;
    let [d, m, n] = [0, 3, 6].map(field);
    let simple = || Instruction::new(2, Class::Simple);
    Some(match code >> 11 {
        0..3 => simple().reads(bit(m)).writes(bit(d)).flags(true),
        3 => {
            let other = if code & 0x400 == 0 { bit(n) } else { 0 };
            simple().reads(bit(m) | other).writes(bit(d)).flags(true)
        }
        4 => simple().writes(bit(field(8))).flags(true),
        5 => Instruction::new(2, Class::Compare).reads(bit(field(8))).flags(true),
        6 | 7 => simple().reads(bit(field(8))).writes(bit(field(8))).flags(true),
        8 if code & 0x400 == 0 => low_registers((code >> 6) & 15, d, m),
        8 => high_registers(code),
        9 => {
            let offset = i32::from(code & 255) * 4;
            load(Place { base: PC, offset, index: None, size: 4, count: 1 }, bit(field(8)))
        }
        10 | 11 => {
            let operation = (code >> 9) & 7;
            let size = [4, 2, 1, 1, 4, 2, 1, 2][usize::from(operation)];
            let place = Place { base: m, offset: 0, index: Some((n, 0)), size, count: 1 };
            if operation < 3 { store(place, bit(d)) } else { load(place, bit(d)) }
        }
        12..18 => {
            let size = [4, 4, 1, 1, 2, 2][usize::from((code >> 11) - 12)];
            let offset = i32::from((code >> 6) & 31) * i32::from(size);
            let place = Place { base: m, offset, index: None, size, count: 1 };
            if code & 0x800 == 0 { store(place, bit(d)) } else { load(place, bit(d)) }
        }
        18 | 19 => {
            let offset = i32::from(code & 255) * 4;
            let place = Place { base: SP, offset, index: None, size: 4, count: 1 };
            if code & 0x800 == 0 { store(place, bit(field(8))) } else { load(place, bit(field(8))) }
        }
        20 => simple().writes(bit(field(8))),
        21 => simple().reads(bit(SP)).writes(bit(field(8))),
        22 | 23 => return miscellaneous(code),
        24 | 25 => {
            let list = Registers::from(code & 255);
            let base = field(8);
            let place = Place { base, offset: 0, index: None, size: 4, count: list.count_ones() as u8 };
            if code & 0x800 == 0 {
                Instruction::new(2, Class::StoreMany).at(place).reads(list).back(true)
            } else {
                Instruction::new(2, Class::LoadMany).at(place).writes(list).back(list & bit(base) == 0)
            }
        }
        26 | 27 => match (code >> 8) & 15 {
            14 => return None,
            15 => Instruction::new(2, Class::System),
            _ => Instruction::new(2, Class::BranchIf),
        },
        28 => Instruction::new(2, Class::Branch),
        _ => return None,
    })
}

/// Returns a load of one register.
pub fn load(place: Place, target: Registers) -> Instruction {
    Instruction::new(2, Class::Load).at(place).writes(target)
}

/// Returns a store of one register.
pub fn store(place: Place, source: Registers) -> Instruction {
    Instruction::new(2, Class::Store).at(place).reads(source)
}

fn low_registers(operation: u16, d: u8, m: u8) -> Instruction {
    let both = bit(d) | bit(m);
    match operation {
        8 | 10 | 11 => Instruction::new(2, Class::Compare).reads(both).flags(true),
        9 | 15 => Instruction::new(2, Class::Simple).reads(bit(m)).writes(bit(d)).flags(true),
        13 => Instruction::new(2, Class::Multiply).reads(both).writes(bit(d)).flags(true),
        _ => Instruction::new(2, Class::Simple).reads(both).writes(bit(d)).flags(true),
    }
}

fn high_registers(code: u16) -> Instruction {
    let d = (code & 7) as u8 | ((code >> 4) & 8) as u8;
    let m = ((code >> 3) & 15) as u8;
    match (code >> 8) & 3 {
        1 => Instruction::new(2, Class::Compare).reads(bit(d) | bit(m)).flags(true),
        3 if code & 0x80 == 0 => Instruction::new(2, Class::Jump).reads(bit(m)).writes(bit(PC)),
        3 => Instruction::new(2, Class::CallRegister).reads(bit(m)).writes(bit(PC) | bit(LR)),
        kind => {
            let class = if d == PC { Class::Jump } else { Class::Simple };
            let added = if kind == 0 { bit(d) } else { 0 };
            Instruction::new(2, class).reads(bit(m) | added).writes(bit(d))
        }
    }
}

fn miscellaneous(code: u16) -> Option<Instruction> {
    let list = Registers::from(code & 255);
    let [d, m] = [code & 7, (code >> 3) & 7].map(|register| bit(register as u8));
    let stack = |offset, count| Place { base: SP, offset, index: None, size: 4, count };
    Some(match code >> 8 {
        0xB0 => Instruction::new(2, Class::Simple).reads(bit(SP)).writes(bit(SP)),
        0xB1 | 0xB3 | 0xB9 | 0xBB => Instruction::new(2, Class::BranchIf).reads(d),
        0xB2 => Instruction::new(2, Class::Simple).reads(m).writes(d),
        0xB4 | 0xB5 => {
            let list = list | if code & 0x100 == 0 { 0 } else { bit(LR) };
            let count = list.count_ones() as u8;
            let place = stack(-4 * i32::from(count), count);
            Instruction::new(2, Class::StoreMany).at(place).reads(list).back(true)
        }
        0xBC | 0xBD => {
            let list = list | if code & 0x100 == 0 { 0 } else { bit(PC) };
            let place = stack(0, list.count_ones() as u8);
            Instruction::new(2, Class::LoadMany).at(place).writes(list).back(true)
        }
        0xB6 if code & 0xE0 == 0x60 => Instruction::new(2, Class::System),
        0xBA if (code >> 6) & 3 != 2 => Instruction::new(2, Class::Simple).reads(m).writes(d),
        0xBE => Instruction::new(2, Class::System),
        0xBF if code & 15 != 0 => Instruction::new(2, Class::IfThen),
        0xBF if code & 0xF0 == 0 => Instruction::new(2, Class::Nop),
        0xBF if code & 0xF0 <= 0x40 => Instruction::new(2, Class::System),
        _ => return None,
    })
}
