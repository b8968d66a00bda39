//! Code for all Cortex-M boards. `riscv` has the same names.

pub mod counting;
#[cfg(feature = "cycles")]
pub mod cycles;
mod fault;
#[cfg(target_abi = "eabihf")]
mod saved;
mod stack_edge;
#[cfg(all(feature = "mps2", armv7m))]
pub mod stack_guard;
#[cfg(feature = "tick")]
pub mod tick;

pub use cortex_m::asm::udf as undefined_instruction;
pub use cortex_m::interrupt::disable as mask_interrupts;
pub use cortex_m_rt::{STACK_PAINT_VALUE, entry};
#[cfg(target_abi = "eabihf")]
pub use saved::keeps_saved_registers;
pub use stack_edge::push_above_stack_end;
