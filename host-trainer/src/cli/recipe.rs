//! How to train: a recipe, and the options that override parts of it.

use clap::Args;

use super::number::{beta, learning_rate, share_of_one};
use crate::backend::Backend;
use crate::pixels::Pixels;
use crate::train::{Recipe, Schedule, TrainConfig};

#[derive(Debug, Args)]
pub struct RecipeArguments {
    /// Where all settings come from that no option gives
    #[arg(long, value_enum, default_value_t)]
    recipe: Recipe,
    /// How often every training picture is seen, 1..=100000 [default: 5; best: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    epochs: Option<u32>,
    /// Pictures in a step of the optimizer, 1..=65536 [default: 32; best: 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch_size: Option<u32>,
    /// Step size of the optimizer (Adam) at its largest, above 0 and at most 1 [default: 0.001; best: 0.002]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// How the step size goes on after the warm-up [default: constant; best: cosine]
    #[arg(long, value_enum)]
    schedule: Option<Schedule>,
    /// Share of all steps in which the step size rises from zero in a straight line, 0..=1 [default: 0; best: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    warm_up: Option<f64>,
    /// How much of its mean of squared gradients the optimizer keeps at each step, 0.5..=0.9999 [default: 0.999; best: 0.99]
    #[arg(long, value_name = "SHARE", value_parser = beta, allow_negative_numbers = true)]
    beta_2: Option<f64>,
    /// What weights lose at each step, as a share of themselves for each unit of the step size, 0..=1; biases lose
    /// nothing (decoupled, as in AdamW) [default: 0; best: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    weight_decay: Option<f64>,
    /// Share of pictures, 0..=1, that are shown in one of ten versions, chosen anew each time: mirrored left to right or
    /// not, and left in place or shifted by one pixel right, left, down or up, with black coming in
    /// [default: 0; best: 0.5]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, allow_negative_numbers = true)]
    augment: Option<f64>,
    /// The form in which the network sees pixels while it is trained; the model takes raw ones in any case
    /// [default: unit; best: standard]
    #[arg(long, value_enum)]
    pixels: Option<Pixels>,
}

impl RecipeArguments {
    /// How to train a network with layers of `hidden` neurons.
    pub fn config(&self, backend: Backend, hidden: Vec<usize>, seed: u64) -> TrainConfig {
        let recipe = self.recipe.config(backend, hidden, seed);
        TrainConfig {
            epochs: self.epochs.unwrap_or(recipe.epochs),
            batch_size: self.batch_size.map_or(recipe.batch_size, |pictures| pictures as usize),
            learning_rate: self.learning_rate.unwrap_or(recipe.learning_rate),
            schedule: self.schedule.unwrap_or(recipe.schedule),
            warm_up: self.warm_up.unwrap_or(recipe.warm_up),
            beta_2: self.beta_2.unwrap_or(recipe.beta_2),
            weight_decay: self.weight_decay.unwrap_or(recipe.weight_decay),
            augment: self.augment.unwrap_or(recipe.augment),
            pixels: self.pixels.unwrap_or(recipe.pixels),
            ..recipe
        }
    }
}
