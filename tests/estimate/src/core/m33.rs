//! Cortex-M33, as J measured it on an RP2350. Assumed: `BL` 2, `BX` 3, `POP` with the program
//! counter N + 3, division 7, floating point other than multiplication with addition 1.

use crate::instruction::{Class, Instruction, PC, Registers, bit};
use crate::trace::Step;

const DIVIDE: u64 = 7;

/// The times at which a register's value can be used.
#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    /// By most instructions.
    any: u64,
    /// By a multiplication that adds to it.
    sum: u64,
    /// The value comes from memory.
    is_loaded: bool,
    /// By a store of it.
    store: u64,
}

#[derive(Debug)]
pub struct Pipeline {
    now: u64,
    ready: [Ready; 64],
    float: u64,
    /// The instruction before can share its last cycle with the next one.
    is_open: bool,
    sets_flags: bool,
}

impl Pipeline {
    pub fn new() -> Self {
        Self { now: 0, ready: [Ready::default(); 64], float: 0, is_open: false, sets_flags: false }
    }

    /// Returns the time at which all sources can be used.
    fn sources(&self, one: &Instruction) -> u64 {
        let data = if one.is_store() { one.sources & !one.address() } else { 0 };
        let time = |register: usize, ready: &Ready| {
            let bit: Registers = 1 << register;
            let is_sum = one.accumulator & bit != 0 && !(one.class == Class::Dsp && ready.is_loaded);
            match () {
                () if one.sources & bit == 0 => 0,
                () if is_sum => ready.sum,
                () if data & bit != 0 => ready.store,
                () => ready.any,
            }
        };
        self.ready.iter().enumerate().map(|(register, ready)| time(register, ready)).max().unwrap_or(0)
    }

    fn is_float(one: &Instruction) -> bool {
        matches!(one.class, Class::Float | Class::FloatMultiplyAdd | Class::FloatDivide)
    }

    /// Returns the cycles without stalls.
    fn alone(&self, step: &Step<'_>) -> u64 {
        let one = step.instruction;
        let is_narrow = one.size == 2;
        let pairs = self.is_open && is_narrow;
        match one.class {
            Class::Nop | Class::IfThen if pairs => 0,
            Class::BranchIf if !step.is_taken() => u64::from(!pairs),
            Class::Branch | Class::BranchIf if pairs && !self.sets_flags => 1,
            Class::Branch | Class::BranchIf | Class::Call => 2,
            Class::Jump | Class::CallRegister => 3,
            Class::TableBranch => 4,
            Class::LoadMany if one.targets & bit(PC) != 0 => u64::from(one.words()) + 3,
            Class::Load if one.targets & bit(PC) != 0 => 4,
            Class::LoadMany | Class::StoreMany => u64::from(one.words()),
            Class::Multiply | Class::Shifted if one.sets_flags && (is_narrow || !Self::shifts_register(one)) => 2,
            Class::Divide => DIVIDE,
            Class::FloatDivide => 14,
            _ => 1,
        }
    }

    /// Returns true if the second operand is a shifted register, not a constant.
    fn shifts_register(one: &Instruction) -> bool {
        one.sources.count_ones() > 1
    }
}

impl super::Pipeline for Pipeline {
    fn cycles(&mut self, step: &Step<'_>) -> u32 {
        let one = step.instruction;
        if step.is_skipped() {
            self.is_open = false;
            self.now += 1;
            return 1;
        }
        let mut start = self.now.max(self.sources(one));
        if Self::is_float(one) {
            start = start.max(self.float);
        }
        let stall = start - self.now;
        let cycles = self.alone(step);
        let mut loaded = start;
        for register in (0..64).filter(|register| one.targets >> register & 1 != 0) {
            let next = start + cycles.max(1);
            self.ready[register] = match one.class {
                _ if one.loaded() >> register & 1 != 0 => {
                    loaded += 1;
                    Ready { any: loaded + 1, sum: loaded, is_loaded: true, store: loaded }
                }
                Class::FloatMultiplyAdd => Ready { any: next + 2, sum: next + 2, is_loaded: false, store: next + 2 },
                Class::Shifted
                | Class::Dsp
                | Class::Multiply
                | Class::MultiplyAdd
                | Class::MultiplyLong
                | Class::MultiplyAddLong => Ready { any: start + 2, sum: next, is_loaded: false, store: next },
                _ => Ready { any: next, sum: next, is_loaded: false, store: next },
            };
        }
        if one.class == Class::FloatMultiplyAdd {
            self.float = start + 3;
        }
        self.now = start + cycles;
        let is_single = !one.is_branch() && !matches!(one.class, Class::Nop | Class::IfThen);
        self.is_open = one.size == 2 && cycles > 0 && is_single;
        self.sets_flags = one.sets_flags;
        u32::try_from(stall + cycles).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::program::cycles;

    fn of(halves: &[u16]) -> u32 {
        cycles(&mut Pipeline::new(), halves)
    }

    #[test]
    fn a_loaded_value_is_there_after_two_cycles() {
        assert_eq!(of(&[0x6808, 0x680A]), 2); // ldr r0, [r1]; ldr r2, [r1]
        assert_eq!(of(&[0x6808, 0x1C42]), 3); // ldr r0, [r1]; adds r2, r0, #1
        assert_eq!(of(&[0x6808, 0x6050]), 2); // ldr r0, [r1]; str r0, [r2, #4]
        assert_eq!(of(&[0x6808, 0xFB02, 0x0303]), 2); // ldr r0, [r1]; mla r3, r2, r3, r0
        assert_eq!(of(&[0xC90D]), 3); // ldmia r1!, {r0, r2, r3}
    }

    #[test]
    fn multiplications_follow_each_other_and_others_wait_for_them() {
        assert_eq!(of(&[0xFB21, 0x0002, 0xFB21, 0x0002]), 2); // smlad r0, r1, r2, r0, twice
        assert_eq!(of(&[0xFB21, 0x0002, 0x3001]), 3); // smlad r0, r1, r2, r0; adds r0, #1
        assert_eq!(of(&[0x4351]), 2); // muls r1, r2
        assert_eq!(of(&[0xEA80, 0x2001, 0x3001]), 3); // eor.w r0, r0, r1, lsl #8; adds r0, #1
    }

    #[test]
    fn narrow_branches_share_a_cycle_with_the_instruction_before() {
        assert_eq!(of(&[0x3F01, 0xD1FD]), 3); // subs r7, #1; bne, taken
        assert_eq!(of(&[0x3F01, 0x4408, 0xD1FC]), 3); // subs r7, #1; add r0, r1; bne, taken
        assert_eq!(of(&[0x3F01, 0xD100, 0xBF00]), 2); // subs r7, #1; bne, not taken; nop
        assert_eq!(of(&[0x4408, 0xBF00]), 1); // add r0, r1; nop
    }
}
