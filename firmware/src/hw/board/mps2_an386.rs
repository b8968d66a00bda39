//! Arm MPS2 with FPGA image AN386 (Arm DAI 0386): a Cortex-M4, the board that QEMU emulates by
//! default.

use super::mps2_armv7m::COUNTER;
pub use super::mps2_armv7m::take;
use crate::Identity;
use crate::hw::memory::memory_use;

/// Who this board says it is.
pub const IDENTITY: Identity = Identity { board: "mps2-an386", core: "cortex-m4", memory_use, counter: Some(COUNTER) };
