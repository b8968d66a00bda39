//! The end of training, and the choice of the network to keep.

use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use super::history::Epoch;
use crate::network::Network;

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// All requested epochs are done.
    Epochs,
    /// The training accuracy passed a threshold.
    TrainAccuracy {
        threshold: f64,
        /// The first accuracy above the threshold, 0 to 1.
        accuracy: f64,
    },
    /// The loss on held-out images no longer fell.
    Patience {
        /// Epochs without a lower loss.
        epochs: u32,
    },
    /// A signal, such as Ctrl-C, asked for the end.
    Interrupted {
        /// Images of the unfinished epoch that the network has learned from.
        images: usize,
    },
}

impl Stop {
    /// Returns true if a signal ended the training.
    pub fn is_interruption(self) -> bool {
        matches!(self, Self::Interrupted { .. })
    }

    /// Names the end in a word.
    pub fn end(self) -> &'static str {
        if self.is_interruption() { "Interrupted" } else { "Finished" }
    }
}

/// Decides when to stop early and which network to keep.
pub struct StopRule<'a> {
    config: &'a TrainConfig,
    /// With `patience`, the network with the lowest loss on held-out images, and its epoch.
    pub kept: Option<(Network, u32)>,
    lowest_loss: f64,
}

impl<'a> StopRule<'a> {
    /// Creates the rule of `config`.
    pub fn new(config: &'a TrainConfig) -> Self {
        Self { config, kept: None, lowest_loss: f64::INFINITY }
    }

    /// Returns the reason if training ends after `epoch`.
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
    fn reasons_round_trip_through_json() {
        let threshold = Stop::TrainAccuracy { threshold: 0.9, accuracy: 0.9021 };
        for stop in [Stop::Epochs, threshold, Stop::Patience { epochs: 3 }, Stop::Interrupted { images: 32 }] {
            let text = serde_json::to_string(&stop).unwrap();
            assert_eq!(serde_json::from_str::<Stop>(&text).unwrap(), stop, "{text}");
        }
    }
}
