//! An estimate of the time left, from the runs so far.

use std::collections::HashMap;

use crate::train::TrainConfig;

/// Epochs of one kind of network, and the seconds they took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Taken {
    epochs: f64,
    seconds: f64,
}

/// Seconds per epoch, by kind of network.
#[derive(Debug, Default)]
pub struct Pace {
    by_kind: HashMap<String, Taken>,
    /// The same for all kinds together: each epoch counts once for each neuron.
    of_neurons: Taken,
}

impl Pace {
    /// Adds a run of `config` that took `seconds`.
    pub fn add(&mut self, config: &TrainConfig, seconds: f64) {
        let epochs = f64::from(config.all_epochs());
        // Rounding alone has no epochs.
        if epochs > 0.0 {
            self.by_kind.entry(kind(config)).or_default().add(epochs, seconds);
            self.of_neurons.add(epochs * neurons(config), seconds);
        }
    }

    /// Estimates the seconds of a run of `config`; `None` before the first run.
    pub fn of(&self, config: &TrainConfig) -> Option<f64> {
        let epochs = f64::from(config.all_epochs());
        match self.by_kind.get(&kind(config)) {
            _ if epochs == 0.0 => Some(0.0),
            Some(taken) => Some(epochs * taken.seconds / taken.epochs),
            None if self.of_neurons.epochs == 0.0 => None,
            None => Some(epochs * neurons(config) * self.of_neurons.seconds / self.of_neurons.epochs),
        }
    }

    /// Returns the time for all of `configs`, in words.
    pub fn left<'a>(&self, configs: impl IntoIterator<Item = &'a TrainConfig>) -> String {
        let seconds: Option<f64> = configs.into_iter().map(|config| self.of(config)).sum();
        match seconds.map(|seconds| seconds / 60.0) {
            None => "time left is known after the first run".to_owned(),
            Some(minutes) if minutes < 1.0 => "less than a minute left".to_owned(),
            Some(minutes) if minutes < 120.0 => format!("about {minutes:.0} minutes left"),
            Some(minutes) => format!("about {:.1} hours left", minutes / 60.0),
        }
    }
}

impl Taken {
    fn add(&mut self, epochs: f64, seconds: f64) {
        self.epochs += epochs;
        self.seconds += seconds;
    }
}

/// Returns a key that networks with equally long epochs share.
fn kind(config: &TrainConfig) -> String {
    let (is_pruned, in_integers) = (config.sparsity > 0.0, config.qat_epochs > 0);
    format!("{} {} {is_pruned} {in_integers}", config.network_name(0, 0), config.batch_size)
}

fn neurons(config: &TrainConfig) -> f64 {
    config.architecture(0).prunable_widths().iter().sum::<usize>() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::backend::Backend;
    use crate::train::Recipe;

    #[test]
    fn time_left_follows_from_earlier_runs() {
        let config =
            |width: usize, epochs| TrainConfig { epochs, ..Recipe::Best.config(Backend::Flex, vec![width], 1) };
        let mut pace = Pace::default();
        assert!(pace.left(&[config(128, 10)]).contains("after the first run"));
        pace.add(&config(128, 10), 60.0);
        assert_eq!(pace.of(&config(128, 100)), Some(600.0));
        // There was no run of that size yet: the estimate goes by neurons.
        assert_eq!(pace.of(&config(256, 10)), Some(120.0));
        pace.add(&config(256, 10), 240.0);
        assert_eq!(pace.of(&config(256, 20)), Some(480.0));
        assert_eq!(pace.left(&[config(128, 100), config(256, 20)]), "about 18 minutes left");
        assert_eq!(pace.left(&[config(256, 600)]), "about 4.0 hours left");
        let rounded = TrainConfig { epochs: 0, ..config(64, 0) };
        assert_eq!(pace.left(&[rounded]), "less than a minute left");
    }
}
