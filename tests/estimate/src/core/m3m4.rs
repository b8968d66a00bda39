//! Cortex-M3 and M4: rules 1 to 9 of docs/latency.md.

use crate::instruction::{Class, Instruction, PC, Registers, bit};
use crate::trace::Step;

/// Data in which the two cores differ.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// `MLA` and `MLS`.
    multiply_add: u32,
    multiply_long: u32,
    multiply_add_long: u32,
    /// An access that writes its base back can follow a load without a stall.
    pairs_write_back: bool,
}

/// Long multiplications end early for small values: 3 to 5 and 4 to 7 (T). The largest is assumed,
/// because values are not known.
pub const M3: Times = Times { multiply_add: 2, multiply_long: 5, multiply_add_long: 7, pairs_write_back: false };

/// Every multiplication takes one cycle (T, H).
pub const M4: Times = Times { multiply_add: 1, multiply_long: 1, multiply_add_long: 1, pairs_write_back: true };

/// 2 to 12, by the value (T): the middle is assumed.
const DIVIDE: u32 = 7;

#[derive(Debug)]
pub struct Pipeline {
    times: Times,
    previous: Previous,
    /// 32-bit opcodes at half-word addresses since the last instruction of several cycles.
    run: Option<u32>,
}

/// The instruction directly before.
#[derive(Clone, Copy, Debug, Default)]
struct Previous {
    /// It was a load, whose memory the next access can overlap with.
    load: Option<Region>,
    is_any_load: bool,
    is_store: bool,
    targets: Registers,
    size: u8,
}

/// A block of memory: rule 2 holds only within one.
type Region = u32;

impl Pipeline {
    pub fn new(times: Times) -> Self {
        Self { times, previous: Previous::default(), run: None }
    }

    /// Returns true if this access saves the cycle that follows a load (rule 2).
    fn pairs(&self, step: &Step<'_>) -> bool {
        let one = step.instruction;
        let is_same_memory = self.previous.load.is_some_and(|region| step.region() == Some(region));
        let is_split = one.size == 4 && step.address & 2 != 0;
        let moves = one.writes_back && !self.times.pairs_write_back;
        is_same_memory && !is_split && !moves && one.address() & self.previous.targets == 0
    }

    /// Returns the cycles without those that other instructions and branches add.
    fn alone(&self, step: &Step<'_>) -> u32 {
        let one = step.instruction;
        match one.class {
            Class::Nop if self.previous.load.is_some() => 0, // rule 3
            Class::IfThen if self.previous.size == 2 => 0,   // rule 8
            Class::Load if self.pairs(step) => 1,
            Class::Load => 2,
            Class::Store if one.has_index() && !self.pairs(step) => 2,
            // Rule 4; on the M3 a store that writes back does not overlap with a load (J).
            Class::Store => 1 + u32::from(self.waits_to_store(one)),
            Class::LoadMany | Class::StoreMany => 1 + one.words(),
            Class::MultiplyAdd => self.times.multiply_add,
            Class::MultiplyLong => self.times.multiply_long,
            Class::MultiplyAddLong => self.times.multiply_add_long,
            Class::Divide => DIVIDE,
            Class::FloatMultiplyAdd => 3,
            Class::FloatDivide => 14,
            Class::System => 2,
            Class::TableBranch => 2,
            _ => 1,
        }
    }

    fn waits_to_store(&self, one: &Instruction) -> bool {
        one.writes_back && !self.times.pairs_write_back && self.previous.load.is_some()
    }
}

impl super::Pipeline for Pipeline {
    fn cycles(&mut self, step: &Step<'_>) -> u32 {
        let one = step.instruction;
        if step.is_skipped() {
            self.previous = Previous { size: one.size, ..Previous::default() };
            self.run = None;
            return 1;
        }
        let mut cycles = self.alone(step);
        if one.is_load() && self.previous.is_store {
            cycles += 1; // rule 4
        }
        if one.address() & self.previous.targets != 0 && !self.previous.is_any_load {
            cycles += 1; // rule 5
        }
        let is_direct = matches!(one.class, Class::Branch | Class::BranchIf | Class::Call);
        let jumps = one.targets & bit(PC) != 0 || one.is_branch();
        if step.is_taken() && jumps {
            cycles += if is_direct { 1 } else { 2 };
            cycles += u32::from(step.next.size == 4 && step.next_address & 2 != 0); // rule 6
        }
        cycles += step.accesses.iter().map(|access| unaligned(access.address, access.bytes)).sum::<u32>();

        // Rule 7. An instruction that only waits is not a slow one.
        let is_slow = cycles > 1 && !jumps;
        self.run = match self.run {
            Some(count) if one.size == 4 && step.address & 2 != 0 => Some(count + 1),
            _ => None,
        };
        cycles += u32::from(self.run == Some(3));
        if is_slow || self.run == Some(3) {
            self.run = is_slow.then_some(0);
        }
        self.previous = Previous {
            load: if one.class == Class::Load { step.region() } else { None },
            is_any_load: one.is_load(),
            is_store: one.class == Class::Store,
            targets: one.targets,
            size: one.size,
        };
        cycles
    }
}

/// Returns the cycles that an unaligned access adds (rule 9).
fn unaligned(address: u32, bytes: u8) -> u32 {
    match (bytes, address & 3) {
        (4, 1 | 3) => 2,
        (4, 2) | (2, 1 | 3) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::program::cycles;

    /// Returns the cycles of a program on both cores.
    fn both(halves: &[u16]) -> [u32; 2] {
        [M3, M4].map(|times| cycles(&mut Pipeline::new(times), halves))
    }

    /// Returns the cycles if they are the same on both cores.
    fn of(halves: &[u16]) -> u32 {
        let [m3, m4] = both(halves);
        assert_eq!(m3, m4, "{halves:04x?}");
        m4
    }

    #[test]
    fn multiplications_take_one_cycle_on_the_m4_and_more_on_the_m3() {
        assert_eq!(of(&[0x1889]), 1); // adds r1, r1, r2 (T)
        assert_eq!(of(&[0xFB00, 0xF001]), 1); // mul r0, r0, r1 (T)
        assert_eq!(both(&[0xFB00, 0x0001]), [2, 1]); // mla r0, r0, r1, r0 (T)
        assert_eq!(both(&[0xFBA0, 0x2301]), [5, 1]); // umull r2, r3, r0, r1 (T)
        assert_eq!(both(&[0xFBE0, 0x2301]), [7, 1]); // umlal r2, r3, r0, r1 (T)
        assert_eq!(cycles(&mut Pipeline::new(M4), &[0xFB20, 0x3001, 0xFB20, 0x3001]), 2); // smlad, twice (H)
    }

    #[test]
    fn consecutive_loads_overlap() {
        let load = 0x6808; // ldr r0, [r1]
        assert_eq!([1, 2, 3, 7].map(|count| of(&vec![load; count])), [2, 3, 4, 8]); // N + 1 (T)
        assert_eq!(of(&[0x6809, 0x6808]), 4); // ldr r1, [r1]; ldr r0, [r1]: the loaded value is the address (T)
        assert_eq!(of(&[load, 0x6050]), 3); // ldr r0, [r1]; str r0, [r2, #4] (T)
        assert_eq!(of(&[load, 0x5050]), 3); // ldr r0, [r1]; str r0, [r2, r1] (T)
        assert_eq!(of(&[load, 0xBF00, 0xF8D1, 0x2000]), 4); // the NOP is between them
    }

    #[test]
    fn wide_loads_overlap_only_at_word_addresses() {
        let wide = [0xF8D1, 0x2000]; // ldr.w r2, [r1]
        assert_eq!(of(&[[0x6808, 0x6808].as_slice(), &wide].concat()), 4); // at 4 (J)
        assert_eq!(of(&[[0x6808].as_slice(), &wide].concat()), 4); // at 2 (J)
    }

    #[test]
    fn a_load_that_moves_its_base_overlaps_on_the_m4() {
        // ldr r0, [r1]; nop.w; ldr r2, [r3], #4 at a word address.
        assert_eq!(both(&[0xF8D1, 0x0000, 0xF853, 0x2B04]), [4, 3]); // (J)
        // The same base twice.
        assert_eq!(both(&[0xF853, 0x2B04, 0xF853, 0x2B04]), [4, 4]); // (J)
    }

    #[test]
    fn a_nop_after_a_load_is_free() {
        assert_eq!(of(&[0x6808, 0xBF00]), 2); // ldr; nop (J)
        assert_eq!(of(&[0x6808, 0x4282]), 3); // ldr; cmp r2, r0 (J)
    }

    #[test]
    fn stores_take_one_cycle_and_the_next_load_one_more() {
        assert_eq!(of(&[0x6008]), 1); // str r0, [r1] (J)
        assert_eq!(of(&[0x5088]), 2); // str r0, [r1, r2] (J)
        assert_eq!(of(&[0x6008, 0x680A]), 4); // str r0, [r1]; ldr r2, [r1] (J)
        assert_eq!(of(&[0xB430]), 3); // push {r4, r5}: 1 + N (T)
        assert_eq!(of(&[0xC90D]), 4); // ldmia r1!, {r0, r2, r3}: 1 + N (T)
        assert_eq!(of(&[0xE9D1, 0x2300]), 3); // ldrd r2, r3, [r1] (T)
        assert_eq!(of(&[0x6808, 0xC90D]), 6); // ldr; ldm never overlap (T)
    }

    #[test]
    fn an_address_that_was_just_calculated_waits() {
        assert_eq!(of(&[0x3104, 0x6808]), 4); // adds r1, #4; ldr r0, [r1] (T, J)
        assert_eq!(of(&[0x3104, 0xBF00, 0x6808]), 4); // with an instruction between them
        assert_eq!(of(&[0x3104, 0xE9D1, 0x2300]), 5); // adds r1, #4; ldrd (H)
        assert_eq!(of(&[0x3104, 0x6008]), 3); // adds r1, #4; str r0, [r1] (J)
    }

    #[test]
    fn taken_branches_refill_the_pipeline() {
        assert_eq!(of(&[0xE7FE]), 2); // b . (C)
        assert_eq!(of(&[0xD100, 0xBF00]), 2); // bne, not taken; nop (T)
        let target = crate::decode::Set::Thumb.decode([0x10, 0xF1, 1, 0]).unwrap(); // adds.w
        let branch = crate::decode::Set::Thumb.decode([0xFE, 0xE7, 0, 0]).unwrap();
        let to = |next_address| {
            let step = Step { next_address, next: &target, ..Step::alone(&branch) };
            super::super::Pipeline::cycles(&mut Pipeline::new(M4), &step)
        };
        assert_eq!((to(0x100), to(0x102)), (2, 3)); // (C, J)
        let bx = crate::decode::Set::Thumb.decode([0x70, 0x47, 0, 0]).unwrap();
        assert_eq!(super::super::Pipeline::cycles(&mut Pipeline::new(M4), &Step::alone(&bx)), 3); // (H)
    }

    #[test]
    fn three_wide_opcodes_at_half_word_addresses_wait_after_a_slow_instruction() {
        let wide = [0xF100, 0x0001]; // add.w r0, r0, #1
        let code = |count: usize, first: u16| [vec![first], wide.repeat(count)].concat();
        assert_eq!(of(&code(2, 0x6809)), 2 + 2); // ldr r1, [r1] (E)
        assert_eq!(of(&code(3, 0x6809)), 2 + 3 + 1); // (E)
        assert_eq!(of(&code(7, 0x6809)), 2 + 7 + 1); // once (E)
        assert_eq!(of(&code(3, 0x3101)), 1 + 3); // adds r1, #1: not always (H)
        assert_eq!(of(&[vec![0x6809, 0xBF00], wide.repeat(3)].concat()), 2 + 3); // at word addresses
    }

    #[test]
    fn it_is_free_after_a_narrow_opcode() {
        assert_eq!(of(&[0x1889, 0xBF08, 0x1889]), 2); // adds; it eq; addeq (T)
        assert_eq!(of(&[0xF101, 0x0101, 0xBF08, 0x1889]), 3); // add.w; it eq; addeq (T)
    }

    #[test]
    fn unaligned_data_is_read_in_parts() {
        assert_eq!([0, 1, 2, 3].map(|address| unaligned(address, 4)), [0, 2, 1, 2]); // (T)
        assert_eq!([0, 1, 2, 3].map(|address| unaligned(address, 2)), [0, 1, 0, 1]); // (T)
    }

    #[test]
    fn loads_from_different_memories_do_not_overlap() {
        let load = crate::decode::Set::Thumb.decode([0x08, 0x68, 0, 0]).unwrap();
        let mut pipeline = Pipeline::new(M4);
        let mut from = |address| {
            let access = [crate::trace::Access { address, bytes: 4, is_store: false }];
            let step = Step { next_address: 2, accesses: &access, ..Step::alone(&load) };
            super::super::Pipeline::cycles(&mut pipeline, &step)
        };
        assert_eq!([from(0x2000_0000), from(0x1000), from(0x1004)], [2, 2, 1]); // (J)
    }
}
