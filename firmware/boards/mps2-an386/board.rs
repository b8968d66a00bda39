//! Arm MPS2 with FPGA image AN386 (Arm DAI 0386): a Cortex-M4, the default emulated board.

use prenda_serve::Identity;

use crate::hw::memory::memory_use;
use crate::hw::mps2::armv7m::COUNTER;
pub use crate::hw::mps2::armv7m::take;

/// Frames up to 2 KB, 8,448 bytes for layers, 32 classes.
pub type Buffers = prenda_serve::Buffers<2048>;
pub type Workspace = prenda::Workspace<8448, 32>;

pub const IDENTITY: Identity = Identity { board: "mps2-an386", core: "cortex-m4", memory_use, counter: Some(COUNTER) };
