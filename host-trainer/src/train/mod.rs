//! Training: a float network, then the same network in integers.

mod average;
mod config;
mod course;
mod error;
mod fixed;
mod float;
mod history;
mod material;
mod penalty;
mod prune;
mod schedule;
mod stop;
mod training;

pub mod teacher;

pub use config::{
    MAX_BATCH_SIZE, MAX_EPOCHS, QAT_LEARNING_RATE, Recipe, TAUGHT_EPOCHS, TEACHER_SHARE, Teaching, TrainConfig,
};
pub use error::TrainError;
pub use history::Epoch;
pub use material::Material;
pub use schedule::Schedule;
pub use stop::Stop;
pub use training::{Trained, train};

#[cfg(test)]
pub mod tests;
