//! HardFault: the core's faults, told with where they happened.

use core::arch::naked_asm;

#[cfg(not(armv6m))]
use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::hw::end::end;
use crate::hw::fault::{FAILURE, is_second};
use crate::hw::memory::is_stack;

/// The vector of every fault that has no vector of its own.
///
/// Where less than 512 bytes of stack are left to report with, it starts over with an empty stack:
/// nobody will return to the old one. Else the old one stays, and the exception frame on it with
/// it.
///
/// # Safety
///
/// Only the processor calls this, as the HardFault exception.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn HardFault() -> ! {
    naked_asm!(
        "mov r0, sp",
        "ldr r1, =_stack_end + 512",
        "cmp r0, r1",
        "bhs 1f",
        "ldr r1, =_stack_start",
        "mov sp, r1",
        "1:",
        "bl {report}",
        report = sym report_fault,
    )
}

/// An interrupt that nobody has asked for.
///
/// # Safety
///
/// Only the processor calls this, as an exception.
#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    if !is_second() {
        defmt::error!("interrupt {=i16} has no handler", number);
    }
    end(FAILURE)
}

/// Tells what is known of a fault whose exception frame was stacked at `frame`, if there was room
/// for it.
extern "C" fn report_fault(frame: *const ExceptionFrame) -> ! {
    if is_second() {
        end(FAILURE);
    }
    let status = FaultStatus::read();
    if status.is_stack_overflow || !is_stack(frame.addr()) || !is_stack(frame.wrapping_add(1).addr().wrapping_sub(1)) {
        defmt::error!("stack overflow: the stack pointer is at {=usize:#010x} ({})", frame.addr(), status);
        end(FAILURE);
    }
    // SAFETY: the whole frame lies in the stack's region, where the processor has just put it, and
    // this function's own stack is below it or, after a start over, kilobytes above it.
    let frame = unsafe { &*frame };
    defmt::error!("HardFault at {=u32:#010x}, called from {=u32:#010x} ({})", frame.pc(), frame.lr(), status);
    end(FAILURE)
}

/// What the core knows of a fault; ARMv6-M knows nothing.
#[derive(defmt::Format)]
struct FaultStatus {
    #[cfg(not(armv6m))]
    cfsr: u32,
    #[cfg(not(armv6m))]
    bfar: u32,
    /// The stack pointer met its limit, and nothing was stacked (ARMv8-M: UFSR.STKOF).
    is_stack_overflow: bool,
}

impl FaultStatus {
    #[cfg(not(armv6m))]
    fn read() -> Self {
        // SAFETY: these registers are only read, and reading them has no effect.
        let (cfsr, bfar) = unsafe { ((*SCB::PTR).cfsr.read(), (*SCB::PTR).bfar.read()) };
        Self { cfsr, bfar, is_stack_overflow: cfg!(armv8m) && cfsr & 1 << 20 != 0 }
    }

    #[cfg(armv6m)]
    fn read() -> Self {
        Self { is_stack_overflow: false }
    }
}
