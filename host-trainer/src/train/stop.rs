//! The end of training: when it comes, and which network is kept.

use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use super::history::Epoch;
use crate::network::Network;

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// All epochs that were asked for are done.
    Epochs,
    /// The accuracy on training images passed a threshold.
    TrainAccuracy {
        /// The threshold, 0..=1.
        threshold: f64,
        /// The first accuracy above it, 0..=1.
        accuracy: f64,
    },
    /// The loss on held-out images no longer fell.
    Patience {
        /// Epochs without a lower loss.
        epochs: u32,
    },
}

/// When to stop before all epochs are done, and which network to keep.
pub struct StopRule<'a> {
    config: &'a TrainConfig,
    /// The network with the lowest loss on held-out images, and its epoch, where that decides.
    pub kept: Option<(Network, u32)>,
    lowest_loss: f64,
}

impl<'a> StopRule<'a> {
    /// Creates the rule that `config` asks for.
    pub fn new(config: &'a TrainConfig) -> Self {
        Self { config, kept: None, lowest_loss: f64::INFINITY }
    }

    /// Why training ends after `epoch`, if it does.
    pub fn after(&mut self, epoch: &Epoch, network: &Network) -> Option<Stop> {
        let accuracy = epoch.accuracy;
        if let (Some(patience), Some(loss)) = (self.config.patience, epoch.validation_loss) {
            if loss < self.lowest_loss {
                self.lowest_loss = loss;
                self.kept = Some((network.clone(), epoch.epoch));
            } else if let Some((_, kept_epoch)) = self.kept
                && epoch.epoch - kept_epoch >= patience
            {
                return Some(Stop::Patience { epochs: patience });
            }
        }
        let threshold = self.config.stop_at_train_accuracy.filter(|threshold| accuracy > *threshold)?;
        Some(Stop::TrainAccuracy { threshold, accuracy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_back_from_json() {
        let threshold = Stop::TrainAccuracy { threshold: 0.9, accuracy: 0.9021 };
        for stop in [Stop::Epochs, threshold, Stop::Patience { epochs: 3 }] {
            let text = serde_json::to_string(&stop).unwrap();
            assert_eq!(serde_json::from_str::<Stop>(&text).unwrap(), stop, "{text}");
        }
    }
}
