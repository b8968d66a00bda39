//! Arm MPS2 with FPGA image AN385 (Arm DAI 0385): a Cortex-M3.

use super::mps2_armv7m::COUNTER;
pub use super::mps2_armv7m::take;
use crate::Identity;
use crate::hw::memory::memory_use;

/// Who this board says it is.
pub const IDENTITY: Identity = Identity { board: "mps2-an385", core: "cortex-m3", memory_use, counter: Some(COUNTER) };
