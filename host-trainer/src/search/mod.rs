//! Searches for a network within budgets of model size and instructions.
//!
//! ```text
//!  random networks --Price--> those within the Budgets --Rounds--> train all for few epochs,
//!                                                                  the best third for more, ...
//! ```
//!
//! Successive halving: Jamieson and Talwalkar, "Non-stochastic best arm identification and
//! hyperparameter optimization", 2016, with a third instead of a half.

mod budget;
mod candidate;
mod drawing;
mod round;

pub use budget::{Budgets, Price};
pub use candidate::{Candidate, Training};
pub use drawing::Drawing;
pub use round::rounds;
