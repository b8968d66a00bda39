//! Arm MPS3 with FPGA image AN547 (Arm DAI 0547): a Cortex-M55.

use core::num::NonZero;
use core::ptr::NonNull;

use prenda_serve::{Counter, Identity};

use crate::hw::arm::counting::spin;
use crate::hw::board::Board;
use crate::hw::cmsdk_uart::CmsdkUart;
use crate::hw::memory::memory_use;
use crate::hw::mps2::{self, Map};
use crate::hw::mps2_led::Mps2Led;
use crate::hw::sse_counter;

/// Frames up to 2 KB, 8,448 bytes for layers, 32 classes.
pub type Buffers = prenda_serve::Buffers<2048>;
pub type Workspace = prenda::Workspace<8448, 32>;

pub const IDENTITY: Identity = Identity { board: "mps3-an547", core: "cortex-m55", memory_use, counter: Some(COUNTER) };

/// Secure addresses: the core starts in Secure state and stays there.
const MAP: Map = Map { uart: 0x5930_3000, uart_receive: 34, led: 0x5930_2000, clock_hz: 25_000_000 };

/// Frames of the system counter, which counts the core's clock.
const COUNTER_CONTROL: NonNull<u32> = NonNull::without_provenance(NonZero::new(0x5810_0000).unwrap());
const COUNTER_READ: NonNull<u32> = NonNull::without_provenance(NonZero::new(0x5810_1000).unwrap());

const COUNTER: Counter = Counter { ticks, hertz: 32_000_000, let_interrupt: |_| (), spin };

fn ticks() -> u32 {
    // SAFETY: the board's memory map.
    unsafe { sse_counter::ticks(COUNTER_READ) }
}

/// Starts the peripherals. Returns `None` at the second call.
pub fn take() -> Option<Board<CmsdkUart, Mps2Led>> {
    let core = cortex_m::Peripherals::take()?;
    // SAFETY: the board's memory map, and there is only one `core`.
    unsafe {
        sse_counter::start(COUNTER_CONTROL);
        mps2::start(core, &MAP)
    }
}
