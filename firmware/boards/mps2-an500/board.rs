//! Arm MPS2 with FPGA image AN500 (Arm DAI 0500): a Cortex-M7.

use prenda_serve::Identity;

use crate::hw::memory::memory_use;
use crate::hw::mps2::armv7m::COUNTER;
pub use crate::hw::mps2::armv7m::take;

/// Frames up to 2 KB, 8,448 bytes for layers, 32 classes.
pub type Buffers = prenda_serve::Buffers<2048>;
pub type Workspace = prenda::Workspace<8448, 32>;

pub const IDENTITY: Identity = Identity { board: "mps2-an500", core: "cortex-m7", memory_use, counter: Some(COUNTER) };
