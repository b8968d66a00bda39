//! Arm MPS2 with FPGA image AN500 (Arm DAI 0500): a Cortex-M7.

use super::mps2_armv7m::COUNTER;
pub use super::mps2_armv7m::take;
use crate::Identity;
use crate::hw::memory::memory_use;

/// Who this board says it is.
pub const IDENTITY: Identity = Identity { board: "mps2-an500", core: "cortex-m7", memory_use, counter: Some(COUNTER) };
