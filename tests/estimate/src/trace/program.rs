//! Short programs for tests.

use super::{Access, Step};
use crate::core::Pipeline;
use crate::decode::Set;
use crate::instruction::Instruction;

/// Decodes code at address 0.
fn decode(set: Set, code: &[u8]) -> Vec<(u32, Instruction)> {
    let (mut program, mut at) = (Vec::new(), 0);
    while at < code.len() {
        let bytes = std::array::from_fn(|index| code.get(at + index).copied().unwrap_or(0));
        let instruction = set.decode(bytes).unwrap_or_else(|| panic!("unknown instruction {bytes:02x?}"));
        program.push((at as u32, instruction));
        at += usize::from(instruction.size);
    }
    program
}

/// Calls `take` for each instruction. Memory accesses are to RAM; a branch is taken, to the start,
/// if it is the last instruction.
pub fn steps(program: &[(u32, Instruction)], mut take: impl FnMut(&Step<'_>)) {
    for (index, (address, instruction)) in program.iter().enumerate() {
        let after = address + u32::from(instruction.size);
        let last = instruction;
        let (next_address, next) = match program.get(index + 1) {
            Some((address, next)) => (*address, next),
            None if instruction.is_branch() => (!3, &program[0].1),
            None => (after, last),
        };
        let access = |place: crate::instruction::Place| Access {
            address: 0x2000_0000,
            bytes: place.size,
            is_store: instruction.is_store(),
        };
        let accesses: Vec<_> = instruction.place.map(access).into_iter().collect();
        take(&Step { address: *address, instruction, next_address, next, accesses: &accesses });
    }
}

/// Calls `take` for each instruction of Thumb code.
pub fn run(halves: &[u16], take: impl FnMut(&Step<'_>)) {
    let bytes: Vec<_> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
    steps(&decode(Set::Thumb, &bytes), take);
}

/// Returns the cycles of Thumb code.
pub fn cycles(pipeline: &mut dyn Pipeline, halves: &[u16]) -> u32 {
    let mut sum = 0;
    run(halves, |step| sum += pipeline.cycles(step));
    sum
}

/// Returns the cycles of RISC-V code.
pub fn cycles_riscv(pipeline: &mut dyn Pipeline, words: &[u32]) -> u32 {
    let bytes: Vec<_> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut sum = 0;
    steps(&decode(Set::Riscv, &bytes), |step| sum += pipeline.cycles(step));
    sum
}
