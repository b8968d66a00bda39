//! The memory layout of the linker script.
//!
//! The stack is below the statics, at the start of RAM, so that an overflow faults instead of
//! changing statics.

use core::{ptr, slice};

use prenda::MemoryUse;

use super::architecture::STACK_PAINT_VALUE;

// SAFETY: the first four are from the board's `memory.x`, the others from cortex-m-rt or riscv-rt.
unsafe extern "C" {
    static _model_start: u8;
    static _model_end: u8;
    static _stack_start: u32;
    static _stack_end: u32;
    #[cfg_attr(target_arch = "arm", link_name = "__vector_table")]
    #[cfg_attr(target_arch = "riscv32", link_name = "_stext")]
    static flash_start: u8;
    #[cfg_attr(target_arch = "arm", link_name = "__sidata")]
    #[cfg_attr(target_arch = "riscv32", link_name = "_sidata")]
    static initial_values: u8;
    #[cfg_attr(target_arch = "arm", link_name = "__sdata")]
    #[cfg_attr(target_arch = "riscv32", link_name = "_sdata")]
    static statics_start: u8;
    #[cfg_attr(target_arch = "arm", link_name = "__edata")]
    #[cfg_attr(target_arch = "riscv32", link_name = "_edata")]
    static initialized_end: u8;
    #[cfg_attr(target_arch = "arm", link_name = "__euninit")]
    #[cfg_attr(target_arch = "riscv32", link_name = "_ebss")]
    static statics_end: u8;
}

/// Returns the flash region of the model.
pub fn model_region() -> &'static [u8] {
    let (start, end) = (&raw const _model_start, &raw const _model_end);
    // SAFETY: the symbols bound the MODEL region of `memory.x`, which is readable flash, never
    // written while the program runs and not used for anything else.
    unsafe { slice::from_raw_parts(start, end.addr().wrapping_sub(start.addr())) }
}

/// Returns true if `address` is in the stack's region.
pub fn is_stack(address: usize) -> bool {
    ((&raw const _stack_end).addr()..(&raw const _stack_start).addr()).contains(&address)
}

/// Returns the sizes of flash, statics and stack in bytes. The paint that is left from the start-up
/// code shows how deep the stack was.
pub fn memory_use() -> MemoryUse {
    let (deepest, top) = (&raw const _stack_end, &raw const _stack_start);
    let mut untouched = deepest;
    // SAFETY: `untouched` is aligned and stays within the STACK region of `memory.x`. The read is
    // volatile, since the stack above it changes.
    while untouched < top && unsafe { ptr::read_volatile(untouched) } == STACK_PAINT_VALUE {
        untouched = untouched.wrapping_add(1);
    }
    let distance = |from: *const u8, to: *const u8| to.addr().wrapping_sub(from.addr()) as u32;
    let initialized = distance(&raw const statics_start, &raw const initialized_end);
    MemoryUse {
        flash: distance(&raw const flash_start, &raw const initial_values).wrapping_add(initialized),
        statics: distance(&raw const statics_start, &raw const statics_end),
        stack_used: distance(untouched.cast(), top.cast()),
        stack_reserved: distance(deepest.cast(), top.cast()),
    }
}
