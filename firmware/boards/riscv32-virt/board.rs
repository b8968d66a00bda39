//! QEMU's RISC-V machine `virt` with one 32-bit hart.

use core::num::NonZero;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use embedded_io::ReadReady;
use prenda_serve::{Counter, Identity};
use uart_16550::spec::registers::{FifoTriggerLevel, IER};
use uart_16550::{BaudRate, Config, Uart16550};

use crate::NoLed;
use crate::hw::board::Board;
use crate::hw::memory::memory_use;
use crate::hw::riscv::{Clint, Plic, counting, mask_interrupts, stack};
use crate::hw::virt_uart::Registers;

/// Frames up to 2 KB, 8,448 bytes for layers, 32 classes.
pub type Buffers = prenda_serve::Buffers<2048>;
pub type Workspace = prenda::Workspace<8448, 32>;

pub const IDENTITY: Identity = Identity { board: "riscv32-virt", core: "rv32imac", memory_use, counter: Some(COUNTER) };

const UART: usize = 0x1000_0000;
/// The UART's clock, from the machine's device tree.
const UART_HZ: u32 = 3_686_400;
const UART_LINE: usize = 10;
const CLINT: usize = 0x0200_0000;
/// Lower half of the CLINT's time.
const TIME: NonZero<usize> = NonZero::new(CLINT + 0xBFF8).unwrap();
const TIMER_HZ: u32 = 10_000_000;

/// The CLINT's timer: the unit of the hart's own counter depends on the release of QEMU.
const COUNTER: Counter = Counter { ticks, hertz: TIMER_HZ, let_interrupt: |_| (), spin: counting::spin };

fn ticks() -> u32 {
    // SAFETY: the machine's memory map, and reading the time has no effect.
    unsafe { NonNull::<u32>::without_provenance(TIME).read_volatile() }
}

const PLIC: usize = 0x0C00_0000;

/// Free memory below the stack in `memory.x`: 64 KB.
const GUARD_LOG2: u32 = 16;

type Uart = Uart16550<Registers>;

/// Starts the peripherals. Returns `None` at the second call.
///
/// Sleep lasts at most a millisecond. A byte between check and sleep is pending and ends the sleep.
pub fn take() -> Option<Board<Uart, NoLed, impl FnMut(&mut Uart)>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // Permanently: see `Clint::new` and `Plic::new`.
    mask_interrupts();
    stack::paint();
    stack::forbid_below(GUARD_LOG2);

    let line = Config {
        interrupts: IER::DATA_READY,
        frequency: UART_HZ,
        baud_rate: BaudRate::Baud115200,
        fifo_trigger_level: Some(FifoTriggerLevel::One),
        ..Config::DEFAULT
    };
    // SAFETY: the machine's memory map, and this runs once.
    let mut uart = unsafe { Uart16550::new_with_backend(Registers(NonNull::new(UART as *mut u8)?)) };
    uart.init(line).ok()?;
    let (plic, clint) = (NonNull::new(PLIC as *mut u32)?, NonNull::new(CLINT as *mut u32)?);
    // SAFETY: the machine's memory map, and interrupts are masked permanently.
    let (mut plic, mut clint) = unsafe { (Plic::new(plic, UART_LINE), Clint::new(clint)) };
    let sleep = move |uart: &mut Uart| {
        clint.wake_in(TIMER_HZ / 1000);
        plic.acknowledge();
        let Ok(is_ready) = uart.read_ready();
        if !is_ready {
            riscv::asm::wfi();
        }
    };
    Some(Board { uart, led: NoLed, sleep })
}
