//! The kernels, one file each, in portable Rust. `core/` has the loops that each core does
//! differently.

mod activate;
mod argmax;
#[cfg_attr(kernel_assembly, allow(unsafe_code, reason = "this module calls the kernels in assembly"))]
mod core;
mod dense;
mod pair_list;
mod softmax;

pub use self::core::KERNEL;
pub use activate::activate;
pub use argmax::argmax;
pub use dense::{DensePart, dense};
pub use pair_list::PairList;
pub use softmax::softmax;
