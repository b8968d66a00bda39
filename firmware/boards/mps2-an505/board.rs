//! Arm MPS2 with FPGA image AN505 (Arm DAI 0505): a Cortex-M33.

use core::num::NonZero;
use core::ptr::NonNull;

use prenda_serve::{Counter, Identity};

use crate::hw::arm::counting::spin;
use crate::hw::board::Board;
use crate::hw::cmsdk_timer;
use crate::hw::cmsdk_uart::CmsdkUart;
use crate::hw::memory::memory_use;
use crate::hw::mps2::{self, Map};
use crate::hw::mps2_led::Mps2Led;

/// Frames up to 2 KB, 8,448 bytes for layers, 32 classes.
pub type Buffers = prenda_serve::Buffers<2048>;
pub type Workspace = prenda::Workspace<8448, 32>;

pub const IDENTITY: Identity = Identity { board: "mps2-an505", core: "cortex-m33", memory_use, counter: Some(COUNTER) };

/// Secure addresses: the core starts in Secure state and stays there.
const MAP: Map = Map { uart: 0x5020_0000, uart_receive: 33, led: 0x5030_2000, clock_hz: CLOCK_HZ };

const CLOCK_HZ: u32 = 20_000_000;

const TIMER: NonNull<u32> = NonNull::without_provenance(NonZero::new(0x5000_0000).unwrap());

const COUNTER: Counter = Counter { ticks, hertz: CLOCK_HZ, let_interrupt: |_| (), spin };

fn ticks() -> u32 {
    // SAFETY: the board's memory map.
    unsafe { cmsdk_timer::ticks(TIMER) }
}

/// Starts the peripherals. Returns `None` at the second call.
pub fn take() -> Option<Board<CmsdkUart, Mps2Led>> {
    let core = cortex_m::Peripherals::take()?;
    // SAFETY: the board's memory map, and there is only one `core`.
    unsafe {
        cmsdk_timer::start(TIMER);
        mps2::start(core, &MAP)
    }
}
