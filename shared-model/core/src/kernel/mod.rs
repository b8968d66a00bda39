//! The kernels, one file each, in portable Rust. `core/` has the loops that each core does
//! differently.

mod activate;
mod argmax;
mod convolution;
#[cfg_attr(kernel_assembly, allow(unsafe_code, reason = "this module calls the kernels in assembly"))]
mod core;
mod dense;
mod depthwise;
mod lead;
mod pair_list;
mod pool;
mod softmax;
mod window;

pub use self::core::KERNEL;
pub use activate::{activate, activate_in};
pub use argmax::argmax;
pub use convolution::{Rejected, Scratch, convolve, convolve_in};
pub use dense::{DensePart, dense, dense_in};
pub use depthwise::depthwise;
pub use lead::lead;
pub use pair_list::PairList;
pub use pool::pool;
pub use softmax::softmax;
