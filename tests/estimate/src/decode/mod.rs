//! Decodes instructions by their bit patterns into [`Instruction`]. What is not known is refused.

mod float;
mod riscv;
mod thumb16;
mod thumb32;

use crate::instruction::{Class, Instruction};

/// The instruction set of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Thumb, with the extensions for DSP and floating point.
    Thumb,
    /// RISC-V with 32 bits, M and C.
    Riscv,
    /// Thumb of which only the lengths matter.
    Lengths,
}

impl Set {
    /// Returns the register that a call writes its return address to.
    pub fn link_register(self) -> usize {
        if self == Self::Riscv { 1 } else { 14 }
    }

    /// Decodes the instruction at the start of `bytes`; `None` if it is not known.
    pub fn decode(self, bytes: [u8; 4]) -> Option<Instruction> {
        let [a, b, c, d] = bytes;
        let (first, second) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        match self {
            Self::Thumb if first >> 11 < 0b11101 => thumb16::decode(first),
            Self::Thumb => thumb32::decode(first, second),
            Self::Lengths => Some(Instruction::new(if first >> 11 < 0b11101 { 2 } else { 4 }, Class::Nop)),
            Self::Riscv => riscv::decode(u32::from_le_bytes(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruction::Class::*;
    use crate::instruction::{LR, PC, bit};

    fn thumb(first: u16, second: u16) -> Option<Instruction> {
        let ([a, b], [c, d]) = (first.to_le_bytes(), second.to_le_bytes());
        Set::Thumb.decode([a, b, c, d])
    }

    #[test]
    fn classes_follow_the_manuals() {
        for (first, second, class) in [
            (0x1889, 0, Simple),                // adds r1, r1, r2
            (0x4351, 0, Multiply),              // muls r1, r2
            (0x4770, 0, Jump),                  // bx lr
            (0xBF00, 0, Nop),                   // nop
            (0xBF08, 0, IfThen),                // it eq
            (0xB140, 0, BranchIf),              // cbz r0
            (0xFB21, 0x3002, MultiplyAdd),      // smlad r0, r1, r2, r3
            (0xFBA1, 0x2303, MultiplyLong),     // umull r2, r3, r1, r3
            (0xFBB1, 0xF0F2, Divide),           // udiv r0, r1, r2
            (0xEA80, 0x2001, Shifted),          // eor.w r0, r0, r1, lsl #8
            (0xEA4F, 0x2001, Simple),           // lsl.w r0, r1, #8
            (0xF481, 0x50FE, Shifted),          // eor.w r0, r1, #0x1fc0
            (0xE8DF, 0xF001, TableBranch),      // tbb [pc, r1]
            (0xF000, 0xF800, Call),             // bl
            (0xF000, 0x8000, BranchIf),         // beq.w
            (0xF3BF, 0x8F5F, System),           // dmb
            (0xEE30, 0x0A81, Float),            // vadd.f32 s0, s1, s2
            (0xEE00, 0x0A81, FloatMultiplyAdd), // vmla.f32 s0, s1, s2
            (0xEE80, 0x0A81, FloatDivide),      // vdiv.f32 s0, s1, s2
        ] {
            assert_eq!(thumb(first, second).map(|one| one.class), Some(class), "{first:04x} {second:04x}");
        }
    }

    #[test]
    fn registers_of_addresses_and_results_are_known() {
        let load = thumb(0xF853, 0x2B04).unwrap(); // ldr r2, [r3], #4
        assert_eq!((load.address(), load.loaded(), load.targets), (bit(3), bit(2), bit(2) | bit(3)));
        let pair = thumb(0xE9D1, 0x2302).unwrap(); // ldrd r2, r3, [r1, #8]
        assert_eq!((pair.words(), pair.address(), pair.loaded()), (2, bit(1), bit(2) | bit(3)));
        let pop = thumb(0xBD10, 0).unwrap(); // pop {r4, pc}
        assert_eq!((pop.words(), pop.loaded()), (2, bit(4) | bit(PC)));
        let many = thumb(0xE92D, 0x4FF0).unwrap(); // push.w {r4-r11, lr}
        assert_eq!((many.words(), many.sources & bit(LR)), (9, bit(LR)));
        let indexed = thumb(0xF851, 0x0022).unwrap(); // ldr.w r0, [r1, r2, lsl #2]
        assert_eq!(indexed.place.and_then(|place| place.index), Some((2, 2)));
    }

    #[test]
    fn undefined_instructions_are_not_known() {
        assert_eq!([thumb(0xDE00, 0), thumb(0xF7F0, 0xA000), thumb(0xFFFF, 0xFFFF)], [None; 3]);
        assert_eq!([0_u32, 0xFFFF_FFFF, 0x0000_3003].map(|code| Set::Riscv.decode(code.to_le_bytes())), [None; 3]);
    }

    #[test]
    fn compressed_and_wide_riscv_instructions_have_their_lengths() {
        for (code, size, class) in [
            (0x00B5_0533_u32, 4, Simple), // add a0, a0, a1
            (0x02B5_0533, 4, Multiply),   // mul a0, a0, a1
            (0x02B5_5533, 4, Divide),     // divu a0, a0, a1
            (0x4501, 2, Simple),          // c.li a0, 0
            (0x4108, 2, Load),            // c.lw a0, 0(a0)
            (0xC108, 2, Store),           // c.sw a0, 0(a0)
            (0x8082, 2, Jump),            // ret
            (0x9582, 2, CallRegister),    // c.jalr a1
            (0xE101, 2, BranchIf),        // c.bnez a0
        ] {
            let one = Set::Riscv.decode(code.to_le_bytes()).unwrap();
            assert_eq!((one.size, one.class), (size, class), "{code:08x}");
        }
        let load = Set::Riscv.decode(0x5532_u32.to_le_bytes()).unwrap(); // c.lwsp a0, 44(sp)
        assert_eq!(load.place.map(|place| (place.base, place.offset)), Some((2, 44)));
    }
}
