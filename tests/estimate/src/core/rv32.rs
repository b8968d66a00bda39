//! RV32IMC cores with a short pipeline, such as that of the ESP32-C3.
//!
//! No manual has their cycles. Loads, stores and branches are those that J measured on a CH32V003;
//! multiplication and division are assumed.

use crate::instruction::Class;
use crate::trace::Step;

/// Assumed: a divider of one bit a cycle.
const DIVIDE: u32 = 33;

#[derive(Debug)]
pub struct Pipeline;

impl Pipeline {
    pub fn new() -> Self {
        Self
    }
}

impl super::Pipeline for Pipeline {
    fn cycles(&mut self, step: &Step<'_>) -> u32 {
        let one = step.instruction;
        let cycles = match one.class {
            Class::Load | Class::Store => 2,
            Class::Divide => DIVIDE,
            _ if one.is_branch() && step.is_taken() => 3,
            _ => 1,
        };
        let is_split = step.is_taken() && step.next.size == 4 && step.next_address & 2 != 0;
        cycles + u32::from(is_split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::program::cycles_riscv;

    #[test]
    fn cycles_are_those_measured_on_a_ch32v003() {
        let cycles = |code: &[u32]| cycles_riscv(&mut Pipeline::new(), code);
        assert_eq!(cycles(&[0x00B5_0533]), 1); // add a0, a0, a1
        assert_eq!(cycles(&[0x0005_2503, 0x00A5_2023]), 4); // lw a0, 0(a0); sw a0, 0(a0)
        assert_eq!(cycles(&[0x0000_006F]), 3); // j .
        assert_eq!(cycles(&[0x00B5_1463, 0x0000_0013]), 2); // bne a0, a1, 8, not taken; nop
    }
}
