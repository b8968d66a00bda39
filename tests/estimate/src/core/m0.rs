//! Cortex-M0 and M0+: the tables of the manuals (T: DDI 0432, table 3-1; DDI 0484, table 3-1).
//! Loads have no stall before their use (J).

use crate::instruction::{Class, PC, bit};
use crate::trace::Step;

/// Cycles that differ between the two cores.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    taken: u32,
    call: u32,
    /// `BX`, `BLX`, and arithmetic that writes the program counter.
    jump: u32,
    /// More than `POP` without the program counter.
    pop: u32,
    /// `MRS`, `MSR`, barriers.
    system: u32,
}

pub const M0: Times = Times { taken: 3, call: 4, jump: 3, pop: 3, system: 4 };

/// `BL` takes 3, and `POP` with the program counter 3 + N.
pub const M0PLUS: Times = Times { taken: 2, call: 3, jump: 2, pop: 2, system: 3 };

#[derive(Debug)]
pub struct Pipeline {
    times: Times,
    multiply: u32,
}

impl Pipeline {
    /// Returns a pipeline; a multiplication takes 1 or 32 cycles, by part.
    pub fn new(times: Times, multiply: u32) -> Self {
        Self { times, multiply }
    }
}

impl super::Pipeline for Pipeline {
    fn cycles(&mut self, step: &Step<'_>) -> u32 {
        let instruction = step.instruction;
        match instruction.class {
            Class::Load | Class::Store => 2,
            Class::LoadMany if instruction.targets & bit(PC) != 0 => 1 + instruction.words() + self.times.pop,
            Class::LoadMany | Class::StoreMany => 1 + instruction.words(),
            Class::Multiply => self.multiply,
            Class::Branch => self.times.taken,
            Class::BranchIf if step.is_taken() => self.times.taken,
            Class::Call => self.times.call,
            Class::Jump | Class::CallRegister => self.times.jump,
            // `CPS` has 16 bits.
            Class::System if instruction.size == 4 => self.times.system,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Core;
    use crate::trace::program::cycles;

    /// Returns the cycles of a program on both cores; a multiplication takes 32 on the M0+.
    fn both(halves: &[u16]) -> [u32; 2] {
        ["cortex-m0", "cortex-m0plus"].map(|name| {
            let core = Core::named(name).unwrap();
            cycles(core.pipeline(if name == "cortex-m0" { 1 } else { 32 }).unwrap().as_mut(), halves)
        })
    }

    #[test]
    fn cycles_are_those_of_the_manuals() {
        assert_eq!(both(&[0x1889]), [1, 1]); // adds r1, r1, r2
        assert_eq!(both(&[0x4351]), [1, 32]); // muls r1, r2
        assert_eq!(both(&[0x6808, 0x6008]), [4, 4]); // ldr r0, [r1]; str r0, [r1]
        assert_eq!(both(&[0x6808, 0x3001]), [3, 3]); // ldr r0, [r1]; adds r0, #1
        assert_eq!(both(&[0xB430, 0xBC30]), [6, 6]); // push {r4, r5}; pop {r4, r5}
        assert_eq!(both(&[0xE7FE]), [3, 2]); // b .
        assert_eq!(both(&[0xD1FE]), [3, 2]); // bne ., taken
        assert_eq!(both(&[0xD100, 0xBF00]), [2, 2]); // bne, not taken; nop
        assert_eq!(both(&[0xF3BF, 0x8F4F]), [4, 3]); // dsb
    }

    #[test]
    fn returns_take_what_the_manuals_say() {
        let [m0, m0plus] = [M0, M0PLUS].map(|times| {
            let pop = crate::decode::Set::Thumb.decode([0x10, 0xBD, 0, 0]).unwrap(); // pop {r4, pc}
            super::super::Pipeline::cycles(&mut Pipeline::new(times, 1), &Step::alone(&pop))
        });
        assert_eq!((m0, m0plus), (4 + 2, 3 + 2));
    }
}
