//! Random networks whose predicted price is within limits.

use std::path::Path;

use prenda::Model;
use rand::rngs::Xoshiro256PlusPlus;
use thiserror::Error;

use super::budget::{Budgets, Price};
use super::candidate::{Candidate, Training};
use crate::data::Dataset;
use crate::network::backend::Backend;
use crate::run::pipeline::complete;
use crate::support::interrupt;
use crate::sweep;
use crate::train::{Material, TrainConfig, train};

/// Most random networks drawn for one candidate.
const DRAWS: usize = 200;

/// Most of these whose price is predicted.
const PREDICTIONS: usize = 8;

/// Share of a budget from which a network is accepted at once.
const SUFFICIENT: f64 = 0.5;

/// A signal interrupted the drawing.
#[derive(Clone, Copy, Debug, Error)]
#[error("interrupted before the first run")]
pub struct Interrupted;

/// A source of random networks within limits.
#[derive(Debug)]
pub struct Drawing<'a> {
    /// Few images, for a short training.
    pub data: &'a Dataset,
    pub backend: Backend,
    pub seed: u64,
    /// Limits of a predicted price.
    pub admitted: Budgets,
    pub random: Xoshiro256PlusPlus,
    /// The nearest of the prices above the limits, after its share of them.
    pub cheapest: Option<(f64, Price)>,
}

impl Drawing<'_> {
    /// Returns a network that none of `others` equals and whose predicted price is admitted: the
    /// first that takes a sufficient share, otherwise the largest of all drawn; `None` if none is
    /// admitted.
    ///
    /// # Errors
    ///
    /// Returns [`Interrupted`] if a signal asked for the end of the program.
    pub fn draw(&mut self, is_dense: bool, others: &[Candidate]) -> Result<Option<Candidate>, Interrupted> {
        let (shape, classes) = (self.data.shape, self.data.class_names.len());
        let (mut largest, mut predictions): (Option<(f64, Candidate)>, _) = (None, 0);
        for _ in 0..DRAWS {
            if predictions == PREDICTIONS || largest.as_ref().is_some_and(|(most, _)| *most >= SUFFICIENT) {
                break;
            }
            if interrupt::code().is_some() {
                return Err(Interrupted);
            }
            let drawn = Candidate::random(shape, classes, is_dense, &mut self.random);
            let Some(candidate) = drawn.filter(|candidate| !others.contains(candidate)) else { continue };
            let mut price = candidate.least_price(shape, classes);
            if price.share_of(&self.admitted) <= 1.0 {
                predictions += 1;
                let Some(predicted) = predict(&candidate, self.data, self.backend, self.seed) else { continue };
                price = predicted;
            }
            let share = price.share_of(&self.admitted);
            if share > 1.0 {
                if self.cheapest.is_none_or(|(least, _)| share < least) {
                    self.cheapest = Some((share, price));
                }
            } else if largest.as_ref().is_none_or(|(most, _)| share > *most) {
                largest = Some((share, candidate));
            }
        }
        Ok(largest.map(|(_, candidate)| candidate))
    }
}

/// Predicts the price of `candidate` from a training for one epoch on `few` images; `None` if it
/// fails, as for a layer that is too large.
fn predict(candidate: &Candidate, few: &Dataset, backend: Backend, seed: u64) -> Option<Price> {
    let training = Training { epochs: 1, validation: 0, is_taught: false, is_of_features: !few.features.is_empty() };
    let list = sweep::parse(&candidate.listed(&training), Path::new("search")).ok()?;
    let network = list.networks.first()?;
    let base = network.config(backend, seed, None);
    let weight_bits = candidate.weight_bits.try_into().ok()?;
    let config = TrainConfig { weight_bits, ..base };
    let material = Material {
        train: &few.train,
        validation: None,
        soft_labels: None,
        image: few.shape,
        classes: few.class_names.len(),
        start: None,
    };
    let trained = train(&config, material, |_, _| ()).ok()?;
    let completed = complete(&config, few, None, None, &trained).ok()?;
    let model = Model::parse(completed.model()).ok()?;
    Price::of(&model, &few.test)
}
