//! Settings, data and versions.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::data::ValidationOrder;
use crate::network::backend::Backend;
use crate::report::run::Run;
use crate::report::sections::{absent, names};
use crate::report::table::Comparison;
use crate::run::{Configuration, RunFile};
use crate::text::{count, percent, printable};
use crate::train::TrainConfig;

pub fn content(runs: &[Run]) -> Markup {
    if runs.iter().all(|run| run.configuration.is_none()) {
        return absent(RunFile::Configuration);
    }
    let (settings, versions) = (settings(runs), versions(runs));
    html! {
        @if runs.len() > 1 {
            p.note {
                @if settings.has_marks() || versions.has_marks() {
                    "Rows marked " span.mark { "differs" } " are not the same in all runs."
                } @else {
                    "All runs have the same configuration and the same versions."
                }
            }
        }
        div class=[(runs.len() == 1).then_some("beside")] { div { (settings) } div { (versions) } }
    }
}

fn settings(runs: &[Run]) -> Comparison {
    let mut table = Comparison::new("Configuration", "Setting", names(runs)).marking_differences();
    let mut row = |name: &str, value: &dyn Fn(&Configuration) -> String| {
        table.row(name, runs.iter().map(|run| run.configuration.as_ref().map(value)));
    };
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    row("Backend", &|configuration| configuration.train.backend.name().to_owned());
    row("Network", &|configuration| {
        let Configuration { train, rows, columns, classes, .. } = configuration;
        train.network_name(usize::from(*rows) * usize::from(*columns), classes.len())
    });
    let mut trained = |name: &str, value: &dyn Fn(&TrainConfig) -> String| {
        row(name, &|configuration| match configuration.train.backend {
            Backend::Imported => "unknown".to_owned(),
            _ => value(&configuration.train),
        });
    };
    trained("Starts from model", &|train| or_none(train.from.as_deref().map(printable)));
    trained("Maximum epochs", &|train| count(train.epochs.into()));
    trained("Batch size", &|train| count(train.batch_size as u64));
    trained("Recipe", &|train| train.recipe.name().to_owned());
    trained("Largest learning rate (Adam)", &|train| train.learning_rate.to_string());
    trained("Learning rate schedule", &|train| train.schedule.name().to_owned());
    trained("Warm-up, share of all steps", &|train| percent(train.warm_up));
    trained("Beta2 (Adam)", &|train| train.beta_2.to_string());
    trained("Epochs averaged", &|train| train.average_epochs.to_string());
    trained("Weight decay", &|train| train.weight_decay.to_string());
    trained("Penalty on activations", &|train| train.activation_penalty.to_string());
    trained("Augmented images (shifted or mirrored)", &|train| percent(train.augment));
    trained("Pixel scale in training", &|train| train.pixels.name().to_owned());
    trained("Teacher\u{2019}s share of the loss", &|train| {
        train.teacher.as_ref().map_or_else(|| "no teacher".to_owned(), |teaching| percent(teaching.share))
    });
    trained("Sparsity", &|train| percent(train.sparsity));
    trained("Bits per weight", &|train| u8::from(train.weight_bits).to_string());
    trained("Epochs of quantization-aware training", &|train| count(train.qat_epochs.into()));
    trained("Seed", &|train| train.seed.to_string());
    row("Stop above training accuracy", &|configuration| {
        or_none(configuration.train.stop_at_train_accuracy.map(percent))
    });
    row("Patience, in epochs", &|configuration| {
        or_none(configuration.train.patience.map(|epochs| count(epochs.into())))
    });
    row("Images held out for validation", &|configuration| match configuration.validation_order {
        _ if configuration.validation == 0 => "none".to_owned(),
        ValidationOrder::Class => format!("{}, some of each class", count(configuration.validation as u64)),
        ValidationOrder::Last => format!("{}, the last ones", count(configuration.validation as u64)),
    });
    row("Image size, rows × columns", &|configuration| {
        let Configuration { rows, columns, channels, .. } = configuration;
        if *channels == 1 {
            format!("{rows} × {columns}")
        } else {
            format!("{rows} × {columns}, {channels} channels")
        }
    });
    row("Classes", &|configuration| {
        let names: Vec<String> = configuration.classes.iter().map(|name| printable(name)).collect();
        format!("{}: {}", names.len(), names.join(", "))
    });
    row("SHA-256 of the training data", &|configuration| printable(&configuration.data_sha256));
    row("SHA-256 of the test data", &|configuration| printable(&configuration.test_sha256));
    table
}

fn versions(runs: &[Run]) -> Comparison {
    let mut table = Comparison::new("Versions", "Part", names(runs)).marking_differences();
    let recorded = || runs.iter().map(|run| run.configuration.as_ref().map(|configuration| &configuration.versions));
    let parts: BTreeSet<&String> = recorded().flatten().flat_map(|versions| versions.keys()).collect();
    for part in parts {
        let version = |versions: &BTreeMap<String, String>| {
            versions.get(part).map_or_else(|| "not used".to_owned(), |version| printable(version))
        };
        table.row(printable(part), recorded().map(|versions| versions.map(version)));
    }
    table
}
