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
    let commands: Vec<(&Run, String)> = runs.iter().filter_map(|run| Some((run, run.command()?))).collect();
    html! {
        @for (run, command) in &commands {
            p { "The command that made " bdi { (run.name) } ":" }
            pre { code { (printable(command)) } }
        }
        @if runs.iter().all(|run| run.is_cascade) {
            p.note { "A cascade has no settings of its own; the reports of its networks show theirs." }
        } @else if runs.iter().all(|run| run.configuration.is_none()) {
            (absent(RunFile::Configuration))
        } @else {
            (shown_and_folded("Settings", settings(runs), runs))
            (shown_and_folded("Versions", versions(runs), runs))
        }
    }
}

/// A row of a table of settings or versions.
struct Row {
    name: String,
    /// The value of each run, if it is known.
    values: Vec<Option<String>>,
    usual: Usual,
}

/// The values that are not worth a row of their own.
enum Usual {
    /// The value that the recipe gives.
    Default(Option<String>),
    /// None: a reader looks for this setting.
    Never,
    /// All: of one run, the value says little.
    Always,
}

impl Row {
    /// Returns true if the runs differ, or if one run alone has an unusual value.
    fn is_shown(&self) -> bool {
        match self.values.as_slice() {
            [only] => match &self.usual {
                Usual::Default(usual) => only != usual,
                Usual::Never => true,
                Usual::Always => false,
            },
            several => several.windows(2).any(|pair| pair[0] != pair[1]),
        }
    }
}

/// Returns a table of the rows that are shown, and a folded one of the others.
fn shown_and_folded(name: &'static str, rows: Vec<Row>, runs: &[Run]) -> Markup {
    let (shown, folded): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(Row::is_shown);
    let (one, several) = (runs.len() == 1, runs.len() > 1);
    let is_equal = several && shown.is_empty();
    let table = |rows: Vec<Row>| {
        let mut table = Comparison::new(name, "Name", names(runs));
        rows.into_iter().for_each(|row| table.row(row.name, row.values));
        table
    };
    let folded_count = folded.len();
    html! {
        @if is_equal { p { "All runs have the same " (name.to_lowercase()) "." } }
        @if !shown.is_empty() { (table(shown)) }
        @if folded_count > 0 {
            details {
                summary {
                    @if one && name == "Settings" { (folded_count) " more settings, with the recipe's values" }
                    @else if one { "All " (folded_count) " " (name.to_lowercase()) }
                    @else { (folded_count) " equal " (name.to_lowercase()) }
                }
                (table(folded))
            }
        }
    }
}

/// Returns a run's configuration as its recipe gives it.
fn usual(configuration: &Configuration) -> Configuration {
    let TrainConfig { recipe, backend, hidden, seed, .. } = &configuration.train;
    Configuration { train: recipe.config(*backend, hidden.clone(), *seed), validation: 0, ..configuration.clone() }
}

fn settings(runs: &[Run]) -> Vec<Row> {
    let mut rows = Vec::new();
    let usual = runs.first().and_then(|run| run.configuration.as_ref()).map(usual);
    let mut row = |name: &str, value: &dyn Fn(&Configuration) -> String| {
        let values = runs.iter().map(|run| run.configuration.as_ref().map(value)).collect();
        let usual = match name {
            "Network" | "Recipe" | "Maximum epochs" | "Seed" => Usual::Never,
            "Backend" | "Classes" | "SHA-256 of the training data" | "SHA-256 of the test data" => Usual::Always,
            _ => Usual::Default(usual.as_ref().map(value)),
        };
        rows.push(Row { name: name.to_owned(), values, usual });
    };
    row("Made on", &|configuration| configuration.date.as_deref().map_or_else(|| "unknown".to_owned(), printable));
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    row("Backend", &|configuration| configuration.train.backend.name().to_owned());
    row("Network", &Configuration::network_name);
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
    rows
}

fn versions(runs: &[Run]) -> Vec<Row> {
    let recorded = || runs.iter().map(|run| run.configuration.as_ref().map(|configuration| &configuration.versions));
    let parts: BTreeSet<&String> = recorded().flatten().flat_map(|versions| versions.keys()).collect();
    let row = |part: &String| {
        let version = |versions: &BTreeMap<String, String>| {
            versions.get(part).map_or_else(|| "not used".to_owned(), |version| printable(version))
        };
        let values = recorded().map(|versions| versions.map(version)).collect();
        let is_main = ["prenda", "rustc", "system"].contains(&part.as_str());
        Row { name: printable(part), values, usual: if is_main { Usual::Never } else { Usual::Always } }
    };
    parts.into_iter().map(row).collect()
}
