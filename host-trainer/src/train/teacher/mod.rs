//! A teacher: a convolutional network, too large for any device. A small network learns from its
//! answers.
//!
//! ```text
//!  images --learn--> Convolutional --answer--> SoftLabels, one file --> train --teacher FILE
//! ```

mod course;
mod network;

pub use course::{TaughtEpoch, TeachConfig, Teacher};
