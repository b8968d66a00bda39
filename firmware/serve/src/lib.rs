//! Serves a model over a byte stream: the device's end of prenda's link.
//!
//! A firmware that serves its model can be compared with the host: `parity` sends it every image of
//! a data set, and compares every logit. The stream is RTT (`rtt_link!`) or anything else that
//! implements `embedded_io`.
//!
//! ```text
//!  flash region --load, self-test--> Classifier <--self-test-- compiled-in model
//!                                        |
//!  bytes --> FrameBuffer --> Request --> Server --> Response --> bytes
//! ```
//!
//! # Examples
//!
//! ```
//! use prenda::{Model, Workspace};
//! use prenda_serve::{Buffers, Identity, Server};
//!
//! # let blob = std::fs::read("shoes.bin").unwrap();
//! # let mut link = Link;
//! let model = Model::parse(&blob);
//! let mut workspace = Workspace::<1024, 10>::new();
//!
//! let mut buffers = Buffers::<1024>::new();
//! let identity = Identity::new("my-board", "cortex-m4");
//! let mut server = Server::with_model(identity, &model, &mut workspace, &mut buffers);
//! assert!(server.model().is_ok());
//! let _ = server.serve(&mut link); // in a firmware: again and again
//! # struct Link;
//! # impl embedded_io::ErrorType for Link { type Error = embedded_io::ErrorKind; }
//! # impl embedded_io::Read for Link {
//! #     fn read(&mut self, _: &mut [u8]) -> Result<usize, Self::Error> { Ok(0) }
//! # }
//! # impl embedded_io::Write for Link {
//! #     fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> { Ok(bytes.len()) }
//! #     fn flush(&mut self) -> Result<(), Self::Error> { Ok(()) }
//! # }
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod first_of;
mod load;
mod measure;
#[cfg(feature = "rtt")]
mod rtt;
mod serve;

pub use first_of::FirstOf;
pub use load::load_model;
pub use measure::Counter;
#[cfg(feature = "rtt")]
pub use rtt::RttLink;
pub use serve::{Buffers, Identity, Server};
