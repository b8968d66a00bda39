//! The core of this build.

use super::interface::Core;

#[cfg(kernel_armv6m)]
pub type Current = super::armv6m::Armv6M;
#[cfg(kernel_armv7m)]
pub type Current = super::armv7m::Armv7M;
#[cfg(all(kernel_dsp, not(kernel_helium)))]
pub type Current = super::dsp::Dsp;
#[cfg(kernel_helium)]
pub type Current = super::helium::Helium;
#[cfg(kernel_simd)]
pub type Current = super::simd::Simd;
#[cfg(not(any(kernel_assembly, kernel_simd)))]
pub type Current = super::portable::Portable;

/// Name of this build's kernels: `portable`, `simd`, `armv6m`, `armv7m`, `dsp` or `dsp+helium`.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// assert!(["portable", "simd"].contains(&prenda::KERNEL)); // on a host
/// ```
pub const KERNEL: &str = Current::NAME;
