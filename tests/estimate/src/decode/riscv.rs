//! RISC-V instructions of RV32IMAC with Zicsr: the unprivileged specification, chapters 34 and 26.

use crate::instruction::{Class, Instruction, Place, Registers, bit};

/// Decodes an instruction; `None` if it is not known.
pub fn decode(code: u32) -> Option<Instruction> {
    if code & 3 == 3 { wide(code) } else { compressed(code & 0xFFFF) }
}

/// Returns the set of one register. Register 0 never changes.
fn register(number: u32) -> Registers {
    bit((number & 31) as u8) & !1
}

fn new(size: u8, class: Class, target: u32, sources: [u32; 2]) -> Instruction {
    Instruction::new(size, class).writes(register(target)).reads(register(sources[0]) | register(sources[1]))
}

fn place(base: u32, offset: i32, size: u8) -> Place {
    Place { base: (base & 31) as u8, offset, index: None, size, count: 1 }
}

fn wide(code: u32) -> Option<Instruction> {
    let [d, first, second] = [7, 15, 20].map(|low| (code >> low) & 31);
    let function = (code >> 12) & 7;
    let width = 1_u8 << (function & 3);
    Some(match code & 0x7F {
        0x37 | 0x17 => new(4, Class::Simple, d, [0, 0]),
        0x13 => new(4, Class::Simple, d, [first, 0]),
        0x33 if code >> 25 == 1 => {
            let class = match function {
                0 => Class::Multiply,
                1..4 => Class::MultiplyLong,
                _ => Class::Divide,
            };
            new(4, class, d, [first, second])
        }
        0x33 if code >> 25 & 0x5F == 0 => new(4, Class::Simple, d, [first, second]),
        0x6F if d == 0 => new(4, Class::Branch, d, [0, 0]),
        0x6F => new(4, Class::Call, d, [0, 0]),
        0x67 if d == 0 => new(4, Class::Jump, d, [first, 0]),
        0x67 => new(4, Class::CallRegister, d, [first, 0]),
        0x63 => new(4, Class::BranchIf, 0, [first, second]),
        0x03 if function != 3 && function < 6 => {
            new(4, Class::Load, d, [0, 0]).at(place(first, code as i32 >> 20, width))
        }
        0x23 if function < 3 => {
            let offset = (code as i32 >> 25 << 5) | ((code >> 7) & 31) as i32;
            new(4, Class::Store, 0, [second, 0]).at(place(first, offset, width))
        }
        // Atomic instructions.
        0x2F if function == 2 => new(4, Class::Load, d, [second, 0]).at(place(first, 0, 4)),
        0x0F => new(4, Class::System, 0, [0, 0]),
        0x73 => new(4, Class::System, d, [if function > 4 { 0 } else { first }, 0]),
        _ => return None,
    })
}

fn compressed(code: u32) -> Option<Instruction> {
    let (full, other) = ((code >> 7) & 31, (code >> 2) & 31);
    let [high, low] = [7, 2].map(|at| 8 + ((code >> at) & 7));
    let simple = |target, sources| new(2, Class::Simple, target, sources);
    let word = |high_bits: u32| (code >> 4 & 4 | high_bits | code << 1 & 64) as i32;
    Some(match (code & 3, code >> 13) {
        (0, 0) if code != 0 => simple(low, [2, 0]),
        (0, 2) => new(2, Class::Load, low, [0, 0]).at(place(high, word(code >> 7 & 0x38), 4)),
        (0, 6) => new(2, Class::Store, 0, [low, 0]).at(place(high, word(code >> 7 & 0x38), 4)),
        (1, 0) if full == 0 => new(2, Class::Nop, 0, [0, 0]),
        (1, 0) => simple(full, [full, 0]),
        (1, 1) => new(2, Class::Call, 1, [0, 0]),
        (1, 2) => simple(full, [0, 0]),
        (1, 3) if full == 2 => simple(2, [2, 0]),
        (1, 3) => simple(full, [0, 0]),
        (1, 4) if code >> 10 & 3 == 3 && code & 0x1000 == 0 => simple(high, [high, low]),
        (1, 4) if code >> 10 & 3 != 3 => simple(high, [high, 0]),
        (1, 5) => new(2, Class::Branch, 0, [0, 0]),
        (1, 6 | 7) => new(2, Class::BranchIf, 0, [high, 0]),
        (2, 0) => simple(full, [full, 0]),
        (2, 2) => {
            let offset = code >> 7 & 32 | code >> 2 & 28 | code << 4 & 192;
            new(2, Class::Load, full, [0, 0]).at(place(2, offset as i32, 4))
        }
        (2, 6) => {
            let offset = code >> 7 & 60 | code >> 1 & 192;
            new(2, Class::Store, 0, [other, 0]).at(place(2, offset as i32, 4))
        }
        (2, 4) => match (code & 0x1000 != 0, full, other) {
            (false, 0, _) => return None,
            (false, _, 0) => new(2, Class::Jump, 0, [full, 0]),
            (false, ..) => simple(full, [other, 0]),
            (true, 0, 0) => new(2, Class::System, 0, [0, 0]),
            (true, _, 0) => new(2, Class::CallRegister, 1, [full, 0]),
            (true, ..) => simple(full, [full, other]),
        },
        _ => return None,
    })
}
