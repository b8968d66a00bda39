//! The default folder of a run.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Configuration;
use crate::data::{Dataset, ValidationOrder, hex};
use crate::network::{Architecture, join_widths};
use crate::train::{QAT_LEARNING_RATE, Recipe, TEACHER_SHARE, TrainConfig};

/// Hexadecimal digits of a hash in a name.
const DIGITS: usize = 8;

/// Longest name of a network's layers.
const MAX_NAME_BYTES: usize = 100;

/// Returns the default folder for a run of `configuration` on `data`. Its name has every setting
/// that differs from the recipe's, so that only equal settings have the same folder.
pub fn default_path(configuration: &Configuration, data: &Dataset) -> PathBuf {
    let config = &configuration.train;
    let hidden = config.network.as_ref().map_or_else(|| join_widths(&config.hidden, "-"), short_name);
    let mut name = match (&config.from, config.recipe) {
        (Some(model), _) => format!("{hidden}-from-{model}-"),
        (None, Recipe::Lecture) => format!("{hidden}-{}-epochs-", config.epochs),
        (None, Recipe::Best) => format!("{hidden}-{}-epochs-best-", config.epochs),
    };
    if let Some(teaching) = &config.teacher {
        let teacher = teaching.sha256.get(..DIGITS).unwrap_or_default();
        name += &format!("taught-{teacher}-");
        if teaching.share != TEACHER_SHARE {
            name += &format!("share-{}-", teaching.share);
        }
    }
    name.extend(unusual(config));
    if configuration.validation > 0 && config.from.is_none() {
        name += &format!("validation-{}-", configuration.validation);
        if configuration.validation_order != ValidationOrder::Class {
            name += "last-";
        }
    }
    if let Some(hash) = data.unusual_hash() {
        name += &format!("data-{}-", hash.get(..DIGITS).unwrap_or_default());
    }
    Path::new("runs").join(format!("{name}{}-seed-{}", config.backend.name(), config.seed))
}

/// Returns the layers of `network`, shortened with a hash if they are too long for a file name with
/// settings.
fn short_name(network: &Architecture) -> String {
    let name = network.file_name();
    if name.len() <= MAX_NAME_BYTES {
        return name;
    }
    let hash = hex(&Sha256::digest(&name).into());
    let start = name.get(..MAX_NAME_BYTES - DIGITS - 1).unwrap_or_default();
    format!("{start}-{}", hash.get(..DIGITS).unwrap_or_default())
}

/// Returns name and value of each setting that differs from the recipe's, or with `from` from those
/// of the run that training starts from.
fn unusual(config: &TrainConfig) -> Vec<String> {
    let recipe = config.recipe.config(config.backend, config.hidden.clone(), config.seed);
    let qat_learning_rate = if config.qat_epochs > 0 { QAT_LEARNING_RATE } else { 0.0 };
    let mut usual = TrainConfig { epochs: config.epochs, qat_learning_rate, ..recipe };
    if config.from.is_some() {
        let TrainConfig { weight_bits, qat_epochs, batch_size, beta_2, augment, activation_penalty, .. } = usual;
        usual = TrainConfig {
            weight_bits,
            qat_epochs,
            qat_learning_rate,
            batch_size,
            beta_2,
            augment,
            activation_penalty,
            ..config.clone()
        };
    }
    let usual = TrainConfig {
        network: config.network.clone(),
        from: config.from.clone(),
        teacher: config.teacher.clone(),
        ..usual
    };
    let [usual, found] = [&usual, config].map(|config| serde_json::to_value(config).unwrap_or_default());
    let settings = found.as_object().into_iter().flatten();
    let unusual = settings.filter(|(name, value)| usual.get(name.as_str()) != Some(*value));
    unusual
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{}-{value}-", name.replace('_', "-"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::backend::Backend;

    fn name(config: &TrainConfig) -> String {
        let unusual = unusual(config).concat();
        unusual.trim_end_matches('-').to_owned()
    }

    #[test]
    fn settings_of_a_recipe_are_not_in_the_name() {
        for recipe in [Recipe::Lecture, Recipe::Best] {
            assert_eq!(name(&TrainConfig { epochs: 50, ..recipe.config(Backend::Flex, vec![128], 7) }), "");
        }
    }

    #[test]
    fn long_networks_have_short_names() {
        let short: Architecture = "conv 8 3x3 stride 2; maxpool 2x2; dense 10".parse().unwrap();
        assert_eq!(short_name(&short), "conv-8-3x3-stride-2_maxpool-2x2_dense-10");
        let long =
            |last: &str| short_name(&format!("{}dense {last}", "conv 8 3x3 stride 2; ".repeat(8)).parse().unwrap());
        assert_eq!(long("10").len(), MAX_NAME_BYTES);
        assert_ne!(long("10"), long("11"));
    }

    #[test]
    fn every_other_setting_is_in_the_name() {
        let lecture = Recipe::Lecture.config(Backend::Flex, vec![128], 1);
        for (config, expected) in [
            (TrainConfig { stop_at_train_accuracy: Some(0.9), ..lecture.clone() }, "stop-at-train-accuracy-0.9"),
            (
                TrainConfig { learning_rate: 0.01, batch_size: 64, ..lecture.clone() },
                "batch-size-64-learning-rate-0.01",
            ),
            (TrainConfig { patience: Some(3), ..lecture.clone() }, "patience-3"),
            (TrainConfig { average_epochs: 2, ..lecture.clone() }, "average-epochs-2"),
            (TrainConfig { qat_epochs: 5, qat_learning_rate: QAT_LEARNING_RATE, ..lecture.clone() }, "qat-epochs-5"),
            (TrainConfig { sparsity: 0.8, ..lecture.clone() }, "sparsity-0.8"),
            (TrainConfig { activation_penalty: 0.1, ..lecture.clone() }, "activation-penalty-0.1"),
            (TrainConfig { augment: 0.0, ..Recipe::Best.config(Backend::Flex, vec![8], 1) }, "augment-0.0"),
            (TrainConfig { from: Some("a".to_owned()), learning_rate: 0.3, augment: 0.5, ..lecture }, "augment-0.5"),
        ] {
            assert_eq!(name(&config), expected);
        }
    }
}
