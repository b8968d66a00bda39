//! The innermost loops, for the core of this build.
//!
//! ```text
//!  Armv7E-M; Armv8-M with the DSP extension   dsp.rs               Cortex-M4, M7, M33
//!  Armv7-M; Armv8-M without                   armv7m.rs            Cortex-M3
//!  Armv6-M, Armv8-M Baseline                  armv6m.rs            Cortex-M0; M0+ and M23 untested
//!  Armv8.1-M with Helium                      helium.rs, dsp.rs    Cortex-M55
//!  x86-64, AArch64                            simd.rs              hosts
//!  all others, and vectors without Helium     portable.rs
//!  inputs that a core's kernel rejects        any.rs
//! ```
//!
//! On Armv7-M and Armv8-M Mainline, unaligned loads must be allowed: `CCR.UNALIGN_TRP` is 0 after
//! reset.
//!
//! The build script selects the core. All cores compute the same bits: the sums are exact, so their
//! order does not matter.

mod any;
#[cfg(kernel_armv6m)]
mod armv6m;
#[cfg(kernel_armv7m)]
mod armv7m;
#[cfg(kernel_assembly)]
mod assembly;
#[cfg(kernel_assembly)]
mod convolve;
mod current;
#[cfg(kernel_dsp)]
mod dsp;
#[cfg(any(kernel_dsp, kernel_armv7m))]
mod frame;
#[cfg(kernel_helium)]
mod helium;
mod interface;
mod lists;
mod outputs;
#[cfg(any(test, not(kernel_assembly)))]
mod portable;
#[cfg(kernel_simd)]
mod simd;
mod sources;
#[cfg(kernel_armv6m)]
mod thumb1;
#[cfg(any(kernel_dsp, kernel_armv7m))]
mod thumb2;
#[cfg(any(kernel_dsp, kernel_armv7m))]
mod walk;

pub use any::add_weights;
pub use current::{Current, KERNEL};
pub use interface::Core;
pub use lists::{DensePart, add_lists};
pub use outputs::Outputs;
pub use sources::{Sources, Windows, start_from};

#[cfg(test)]
mod tests;
