use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::cascades::FoundCascade;
use super::figure::Figure;
use super::list::{FLOAT_BITS, ListedCascade, ListedMember, ListedNetwork, Precision};
use super::measured::Measured;
use super::runs::Found;
use crate::run::{CascadeRecord, Outcome};
use crate::text::count;
use crate::train::TAUGHT_EPOCHS;

/// A row of the frontier's table. Names and order are stable: programs read them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontierRow {
    /// Pixels, neurons of each hidden layer, classes: `784-128-10`; or a title.
    pub network: String,
    /// Bits of a weight of all layers except the last, which has 8; 32 is the float network. Of a
    /// cascade, the most of its networks, here and in the next one.
    pub weight_bits: u8,
    /// Share of these layers' weights that are zero and not stored.
    pub sparsity: f64,
    /// The training of a network, or the shares that a cascade was to defer.
    pub recipe: String,
    pub seeds: Vec<u64>,
    /// Mean over the seeds of the accuracy on test images, 0..=1, in fixed point except for float
    /// networks.
    pub test_accuracy_mean: f64,
    /// Its standard deviation, estimated from the sample; `None` for one seed.
    pub test_accuracy_sd: Option<f64>,
    /// Instructions for an image on a Cortex-M4, the mean.
    pub instructions_m4: Option<u64>,
    /// Instructions for an image on a Cortex-M0, the mean.
    pub instructions_m0: Option<u64>,
    /// Bytes of the first seed's model; for a float network, four for each parameter.
    pub model_bytes: usize,
    /// RAM for inference on a Cortex-M4, stack included.
    pub ram_bytes: Option<u64>,
    #[serde(default)]
    pub layers: LayerSet,
    #[serde(default)]
    pub cascade: bool,
    /// Instructions for an image on a Cortex-M4, the largest.
    pub instructions_m4_max: Option<u64>,
    /// Instructions for an image on a Cortex-M3, the mean.
    pub instructions_m3: Option<u64>,
    /// Instructions for an image on a Cortex-M55, the mean, with weights in vectors.
    pub instructions_m55: Option<u64>,
    /// Estimated cycles for an image on a Cortex-M4 without wait states, the mean; `None` if they
    /// were not estimated.
    #[serde(default)]
    pub cycles_m4: Option<u64>,
    /// True if the instructions leave softmax out: the answer is the class alone.
    #[serde(default)]
    pub class_only: bool,
}

/// The layers that a row's networks have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerSet {
    /// Dense layers alone.
    #[default]
    Dense,
    /// Also convolutions or pools.
    Conv,
}

/// The columns of a row that come from the list, and identify it.
#[derive(Clone, Debug, PartialEq)]
pub struct RowName {
    network: String,
    weight_bits: u8,
    sparsity: f64,
    recipe: String,
    layers: LayerSet,
    is_cascade: bool,
    is_class_only: bool,
}

/// The results of all seeds, and the first seed's model.
struct Results<'a> {
    seeds: Vec<u64>,
    accuracy: Figure,
    model_id: &'a str,
    model_bytes: usize,
}

impl FrontierRow {
    /// Returns the row called `name`, or `None` if `found` has no run.
    pub fn new(name: RowName, found: &[&Found], measured: &HashMap<String, Measured>) -> Option<Self> {
        let first = found.first()?;
        let is_float = name.weight_bits == FLOAT_BITS;
        let accuracy = |found: &&Found| {
            if is_float { found.outcome.test_accuracy_float } else { found.outcome.test_accuracy_fixed }
        };
        let Outcome { model_id, model_bytes, parameters, .. } = &first.outcome;
        let results = Results {
            seeds: found.iter().map(|found| found.seed).collect(),
            accuracy: Figure::of(found.iter().map(accuracy)),
            // Devices run no float network.
            model_id: if is_float { "" } else { model_id },
            model_bytes: if is_float { parameters.saturating_mul(4) } else { *model_bytes },
        };
        Some(results.row(name, measured))
    }

    /// Returns the row of a cascade called `name`, or `None` if it was made for no seed.
    pub fn of_cascade(name: RowName, found: &[FoundCascade], measured: &HashMap<String, Measured>) -> Option<Self> {
        let CascadeRecord { model_id, model_bytes, .. } = &found.first()?.record;
        let results = Results {
            seeds: found.iter().map(|found| found.seed).collect(),
            accuracy: Figure::of(found.iter().map(|found| found.record.test_accuracy_fixed)),
            model_id,
            model_bytes: *model_bytes,
        };
        Some(results.row(name, measured))
    }

    /// Returns true if this row is called `name`.
    pub fn has(&self, name: &RowName) -> bool {
        let RowName { network, weight_bits, sparsity, recipe, layers, is_cascade, is_class_only } = name;
        (&self.network, &self.recipe) == (network, recipe)
            && (self.weight_bits, self.layers, self.cascade) == (*weight_bits, *layers, *is_cascade)
            && (self.sparsity, self.class_only) == (*sparsity, *is_class_only)
    }

    /// Returns the cells, with the numbers last.
    pub fn cells(&self) -> [String; 14] {
        let known = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), count);
        let bits = match self.weight_bits {
            FLOAT_BITS => "float".to_owned(),
            2 => "ternary".to_owned(),
            bits => format!("{bits} bits"),
        };
        let pruned = if self.sparsity > 0.0 { self.pruned() } else { "-".to_owned() };
        let spread = self.test_accuracy_sd.map(|sd| format!(" \u{b1} {:.2}", 100.0 * sd)).unwrap_or_default();
        [
            self.network.clone(),
            bits,
            if self.class_only { format!("{}, class only", self.recipe) } else { self.recipe.clone() },
            pruned,
            self.seeds.len().to_string(),
            format!("{:.2}{spread}", 100.0 * self.test_accuracy_mean),
            known(self.instructions_m4),
            known(self.instructions_m4_max),
            known(self.instructions_m3),
            known(self.instructions_m0),
            known(self.instructions_m55),
            known(self.cycles_m4),
            count(self.model_bytes as u64),
            known(self.ram_bytes),
        ]
    }

    /// Returns the pruned share in percent, to a tenth.
    pub fn pruned(&self) -> String {
        in_percent(self.sparsity)
    }

    /// Names of the cells. The first three contain words.
    pub const HEADER: [&'static str; 14] = [
        "network",
        "weights",
        "recipe",
        "pruned",
        "seeds",
        "test, %",
        "instructions, M4",
        "largest, M4",
        "instructions, M3",
        "instructions, M0",
        "instructions, M55",
        "cycles, M4, estimated",
        "model, bytes",
        "RAM, bytes",
    ];
}

impl RowName {
    /// Returns the name of the row of `network` with the weights of `precision`.
    pub fn new(network: &ListedNetwork, precision: &Precision, is_taught: bool, [pixels, classes]: [usize; 2]) -> Self {
        let recipe = match (is_taught, network.epochs()) {
            (false, _) => network.recipe.name().to_owned(),
            (true, TAUGHT_EPOCHS) => "taught".to_owned(),
            (true, epochs) => format!("taught, {epochs} epochs"),
        };
        let suffix = if precision.is_fine_tuned() { ", QAT" } else { "" };
        Self {
            network: network.layers(pixels, classes),
            weight_bits: precision.weight_bits(),
            sparsity: network.sparsity,
            recipe: format!("{recipe}{suffix}"),
            layers: LayerSet::of(network),
            is_cascade: false,
            is_class_only: false,
        }
    }

    /// Returns the name of the row of `cascade` of `members`.
    pub fn of_cascade(cascade: &ListedCascade, members: &[ListedMember<'_>], [pixels, classes]: [usize; 2]) -> Self {
        let shares: Vec<_> = cascade.shares().into_iter().map(in_percent).collect();
        let is_conv = members.iter().any(|member| LayerSet::of(member.network) == LayerSet::Conv);
        Self {
            network: cascade.title(members, pixels, classes),
            weight_bits: members.iter().map(|member| member.row.map_or(8, Precision::weight_bits)).max().unwrap_or(8),
            sparsity: members.iter().map(|member| member.network.sparsity).fold(0.0, f64::max),
            recipe: format!("defers {}", shares.join(", ")),
            layers: if is_conv { LayerSet::Conv } else { LayerSet::Dense },
            is_cascade: true,
            is_class_only: false,
        }
    }

    /// Returns the name of the row of the class alone.
    pub fn class_only(self) -> Self {
        Self { is_class_only: true, ..self }
    }
}

impl LayerSet {
    fn of(network: &ListedNetwork) -> Self {
        if network.is_convolutional() { Self::Conv } else { Self::Dense }
    }
}

impl Results<'_> {
    /// Returns the row called `name` with the results, and the cost in `measured`.
    fn row(self, name: RowName, measured: &HashMap<String, Measured>) -> FrontierRow {
        let Self { seeds, accuracy, model_id, model_bytes } = self;
        let RowName { network, weight_bits, sparsity, recipe, layers, is_cascade, is_class_only } = name;
        let measured = measured.get(model_id).copied().unwrap_or_default();
        let measured = if is_class_only { measured.without_softmax() } else { measured };
        FrontierRow {
            network,
            weight_bits,
            sparsity,
            recipe,
            seeds,
            test_accuracy_mean: accuracy.mean,
            test_accuracy_sd: accuracy.standard_deviation,
            instructions_m4: measured.instructions_m4,
            instructions_m0: measured.instructions_m0,
            model_bytes,
            ram_bytes: measured.ram_bytes,
            layers,
            cascade: is_cascade,
            instructions_m4_max: measured.instructions_m4_max,
            instructions_m3: measured.instructions_m3,
            instructions_m55: measured.instructions_m55,
            cycles_m4: measured.cycles_m4,
            class_only: is_class_only,
        }
    }
}

/// Formats a share in percent, to a tenth.
pub fn in_percent(share: f64) -> String {
    format!("{} %", (1000.0 * share).round() / 10.0)
}

#[cfg(test)]
pub mod tests {
    use std::path::{Path, PathBuf};

    use super::super::list::parse;
    use super::super::measured::ClassOnly;
    use super::*;
    use crate::run::RunFolder;

    fn found(seed: u64, accuracy: f64) -> Found {
        let outcome = serde_json::json!({
            "model_id": format!("0000000{seed}"), "model_bytes": 107_438, "parameters": 101_770, "epochs": 8,
            "kept_epoch": 8, "stop": "epochs", "train_accuracy_float": 1.0, "test_accuracy_float": accuracy + 0.01,
            "test_accuracy_fixed": accuracy, "predictions_changed": 0, "train_seconds": 1.0
        });
        let outcome = serde_json::from_value(outcome).unwrap();
        Found { seed, running_train_accuracy: None, folder: RunFolder::at(PathBuf::new()), outcome }
    }

    const LIST: &str = r#"
        [[network]]
        name = "a"
        hidden = [128]
        recipe = "best"
        epochs = 150
        teacher_share = 0.7
        rows = [{ weight_bits = 32 }, { weight_bits = 8 }]
    "#;

    fn network() -> ListedNetwork {
        parse(LIST, Path::new("list")).unwrap().networks.remove(0)
    }

    /// Returns the row at `index` of [`LIST`].
    fn row(index: usize, found: &[Found]) -> Option<FrontierRow> {
        let network = network();
        let measured = Measured {
            instructions_m4: Some(67_858),
            instructions_m0: None,
            ram_bytes: Some(4096),
            ..Measured::default()
        };
        let measured = HashMap::from([("00000002".to_owned(), measured)]);
        let found: Vec<&Found> = found.iter().collect();
        let precision = &network.rows[index];
        FrontierRow::new(RowName::new(&network, precision, true, [784, 10]), &found, &measured)
    }

    const FLOAT: usize = 0;
    const EIGHT_BITS: usize = 1;

    #[test]
    fn a_row_has_the_seeds_that_are_finished() {
        assert_eq!(row(EIGHT_BITS, &[]), None);
        let alone = row(EIGHT_BITS, &[found(2, 0.9)]).unwrap();
        assert_eq!((alone.test_accuracy_mean, alone.test_accuracy_sd), (0.9, None));
        assert_eq!((alone.instructions_m4, alone.ram_bytes), (Some(67_858), Some(4096)));
        let several = row(EIGHT_BITS, &[found(1, 0.89), found(2, 0.90), found(3, 0.91)]).unwrap();
        assert!((several.test_accuracy_mean - 0.9).abs() < 1e-12);
        assert!((several.test_accuracy_sd.unwrap() - 0.01).abs() < 1e-12);
        // Devices measured the second seed's model only; the row shows the first seed's.
        assert_eq!((several.instructions_m4, several.seeds), (None, vec![1, 2, 3]));
    }

    #[test]
    fn a_float_row_has_four_bytes_a_parameter_and_no_instructions() {
        let float = row(FLOAT, &[found(2, 0.9)]).unwrap();
        assert!((float.test_accuracy_mean - 0.91).abs() < 1e-12);
        assert_eq!((float.weight_bits, float.model_bytes, float.instructions_m4), (32, 407_080, None));
        assert_eq!(float.cells()[5..], ["91.00", "-", "-", "-", "-", "-", "-", "407,080", "-"]);
    }

    #[test]
    fn a_row_of_the_class_alone_leaves_softmax_out() {
        let network = network();
        let name = RowName::new(&network, &network.rows[EIGHT_BITS], true, [784, 10]);
        let class_only = ClassOnly { instructions_m4: Some(66_900), ..ClassOnly::default() };
        let measured = Measured {
            instructions_m4: Some(67_858),
            instructions_m4_max: Some(70_000),
            ram_bytes: Some(4096),
            class_only,
            ..Measured::default()
        };
        let measured = HashMap::from([("00000001".to_owned(), measured)]);
        let row = |name: &RowName| FrontierRow::new(name.clone(), &[&found(1, 0.9)], &measured).unwrap();
        let (with, without) = (row(&name), row(&name.clone().class_only()));
        assert_eq!((with.instructions_m4, without.instructions_m4), (Some(67_858), Some(66_900)));
        assert_eq!((without.instructions_m4_max, without.ram_bytes), (None, Some(4096)));
        assert!(with.has(&name) && !without.has(&name) && without.has(&name.class_only()));
        assert!(without.cells()[2].ends_with(", class only"), "{:?}", without.cells());
    }

    #[test]
    fn keys_are_stable() {
        let text = serde_json::to_string(&row(FLOAT, &[found(1, 0.5)]).unwrap()).unwrap();
        let expected = concat!(
            r#"{"network":"784-128-10","weight_bits":32,"sparsity":0.0,"recipe":"taught","seeds":[1],"#,
            r#""test_accuracy_mean":0.51,"test_accuracy_sd":null,"instructions_m4":null,"instructions_m0":null,"#,
            r#""model_bytes":407080,"ram_bytes":null,"layers":"dense","cascade":false,"instructions_m4_max":null,"#,
            r#""instructions_m3":null,"instructions_m55":null,"cycles_m4":null,"class_only":false}"#
        );
        assert_eq!(text, expected);
    }
}
