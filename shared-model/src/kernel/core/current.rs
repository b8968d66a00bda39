//! The core of this build.

use super::interface::Core;

/// The core of this build.
#[cfg(kernel_armv6m)]
pub type Current = super::armv6m::Armv6M;
/// The core of this build.
#[cfg(kernel_armv7m)]
pub type Current = super::armv7m::Armv7M;
/// The core of this build.
#[cfg(all(kernel_dsp, not(kernel_helium)))]
pub type Current = super::dsp::Dsp;
/// The core of this build.
#[cfg(kernel_helium)]
pub type Current = super::helium::Helium;
/// The core of this build.
#[cfg(kernel_simd)]
pub type Current = super::simd::Simd;
/// The core of this build.
#[cfg(not(any(kernel_assembly, kernel_simd)))]
pub type Current = super::portable::Portable;

/// Name of this build's kernels: the files they are in.
pub const KERNEL: &str = Current::NAME;
