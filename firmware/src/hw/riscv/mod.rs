//! Code for all RISC-V boards. `arm` has the same names.

mod clint;
pub mod counting;
mod fault;
mod plic;
pub mod stack;
mod stack_edge;

pub use clint::Clint;
pub use plic::Plic;
pub use riscv::interrupt::machine::disable as mask_interrupts;
pub use riscv_rt::entry;
pub use stack::STACK_PAINT_VALUE;
pub use stack_edge::push_above_stack_end;

/// Executes an undefined instruction, which faults.
#[inline(always)]
pub fn undefined_instruction() -> ! {
    // SAFETY: the trap that this causes ends the run, so nothing follows it.
    unsafe { core::arch::asm!("unimp", options(noreturn, nomem, nostack)) }
}
