//! Converts a decoded photo to an image like those of a data set.
//!
//! ```text
//!  convert ------> subject found, cropped, scaled and placed --> grey image
//!     ^     Form: background, place, contrast of a data set
//!  photo
//!     v
//!  convert_whole_* --> middle cropped and scaled -------------> grey or colour image
//! ```
//!
//! `host-trainer predict --image` and the playground's page both call it, so both see the same
//! pixels if their decoders agree. Nothing here decodes files, or needs `std`: the page is small.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod background;
mod convert;
mod form;
mod raster;
mod scale;
mod whole;

pub use convert::{Conversion, convert};
pub use form::{Centre, Form, Polarity, Span};
pub use raster::Raster;
pub use whole::{convert_whole_colour, convert_whole_grey};
