//! `cargo xtask demo`: from raw images to the answers of a running microcontroller.

use anyhow::Result;
use comfy_table::Table;
use host_support::parity::{ParityRecord, Target, target_name};
use serde::Serialize;

use crate::board;
use crate::output::print;
use crate::parity::{self, Sample};
use crate::setup::{self, Purpose};
use crate::sizes::{self, Sizes};
use crate::stages::Stages;
use crate::table::{self, percent, share};
use crate::trainer::{self, Evaluated, TestData, Trained};
use crate::workspace::Workspace;
use crate::{DEFAULT_BOARD, image};

/// The object that `--json` prints. The keys are stable; accuracies are from 0 to 1.
#[derive(Serialize)]
struct Summary {
    board: String,
    #[serde(rename = "pictures")]
    images: u64,
    logits_compared: u64,
    logits_different: u64,
    train_accuracy_float: f64,
    test_accuracy_float: f64,
    test_accuracy_fixed: f64,
    test_accuracy_device: f64,
    model_bytes: u64,
    flash_bytes: u64,
    ram_bytes: u64,
    core: String,
    /// The target that ran the board's program.
    target: Option<Target>,
    not_measured: Vec<String>,
}

impl Summary {
    fn new(trained: &Trained, evaluated: &Evaluated, device: &ParityRecord, sizes: Sizes) -> Self {
        Self {
            board: device.device.clone(),
            images: device.images,
            logits_compared: device.logits_compared,
            logits_different: device.logits_different,
            train_accuracy_float: trained.train_accuracy_float,
            test_accuracy_float: trained.test_accuracy_float,
            test_accuracy_fixed: evaluated.accuracy,
            test_accuracy_device: device.accuracy,
            model_bytes: trained.model_bytes,
            // The parity report includes the stack, the ELF file does not.
            flash_bytes: device.flash_bytes.unwrap_or(sizes.flash),
            ram_bytes: device.ram_bytes.unwrap_or(sizes.ram),
            core: device.core.clone(),
            target: device.target,
            not_measured: device.not_measured.clone(),
        }
    }

    fn table(&self) -> Table {
        let on_board = format!("test accuracy, fixed point on the {}", target_name(self.target));
        table::facts([
            ("board", self.board.clone()),
            ("runs on", target_name(self.target).to_owned()),
            ("core", self.core.clone()),
            ("training accuracy, float", percent(self.train_accuracy_float)),
            ("test accuracy, float", percent(self.test_accuracy_float)),
            ("test accuracy, fixed point on the host", percent(self.test_accuracy_fixed)),
            (on_board.as_str(), percent(self.test_accuracy_device)),
            ("images compared", self.images.to_string()),
            ("logits compared", self.logits_compared.to_string()),
            ("logits that differ", self.logits_different.to_string()),
            ("model.bin", sizes::bytes(self.model_bytes)),
            ("firmware, flash", sizes::bytes(self.flash_bytes)),
            ("firmware, RAM (variables and stack)", sizes::bytes(self.ram_bytes)),
            ("not measured", self.not_measured.join(", ")),
        ])
    }
}

pub fn command(workspace: &Workspace, json: bool) -> Result<()> {
    let folder = workspace.folder("demo")?;
    let (model, answers) = (folder.join("model.bin"), folder.join("answers.bin"));
    let board = board::named(DEFAULT_BOARD)?;

    let mut stages = Stages::new(6);
    stages.run("Setting up what is missing", || setup::ensure(Purpose::Demo))?;
    stages.run("Building the trainer and the parity tool", || workspace.build_demo_programs())?;
    let trained = stages.run("Training, quantizing and exporting", || trainer::train(workspace, &folder, &[]))?;
    let evaluated = stages.run("Answering the test images on the host", || {
        trainer::evaluate(workspace, &model, &answers, TestData::default())
    })?;
    let firmware =
        stages.run(&format!("Building the firmware for {}", board.name), || image::build(workspace, &board))?;
    let (device, one) =
        stages.run(&format!("Comparing with {}", board.name), || parity::compare(workspace, &board.name, &folder))?;

    let summary = Summary::new(&trained, &evaluated, &device, firmware.sizes());
    let printed = if json {
        print(serde_json::to_string(&summary)?)
    } else {
        let sample = one.as_ref().map_or_else(String::new, |image| format!("\n\n{}", sample(image)));
        print(format_args!("\n{}{sample}", summary.table()))
    };
    parity::verify(&device, &evaluated)?;
    printed
}

/// Returns a table of one image's probabilities, side by side.
fn sample(sample: &Sample) -> String {
    let name = |class: usize| sample.class_names.get(class).map_or("?", String::as_str);
    let device = format!("{} ({})", sample.device_name, target_name(sample.target));
    let mut table = table::with_header(["class", "host", device.as_str()], 1..3);
    for (class, (host, device)) in sample.host.iter().zip(&sample.device).enumerate() {
        let mark = if host == device { "" } else { "  differs" };
        let right = format!("{}{mark}", share(*device, &sample.device));
        table.add_row([name(class).to_owned(), share(*host, &sample.host), right]);
    }
    format!("test image {}, label: {}\n{table}", sample.image, name(sample.label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_has_the_stable_keys_in_order() {
        let device = ParityRecord {
            device: "mps2-an386".into(),
            images: 10_000,
            logits_compared: 100_000,
            accuracy: 0.838,
            ram_bytes: Some(9_500),
            core: "cortex-m4".into(),
            target: Some(Target::Emulator),
            not_measured: vec!["time".into(), "energy".into()],
            ..ParityRecord::default()
        };
        let (trained, evaluated) = trainer::example();
        let summary = Summary::new(&trained, &evaluated, &device, Sizes { flash: 20_000, ram: 9_000 });
        let expected = concat!(
            r#"{"board":"mps2-an386","pictures":10000,"logits_compared":100000,"logits_different":0,"#,
            r#""train_accuracy_float":0.85,"test_accuracy_float":0.84,"test_accuracy_fixed":0.839,"#,
            r#""test_accuracy_device":0.838,"model_bytes":104000,"flash_bytes":20000,"ram_bytes":9500,"#,
            r#""core":"cortex-m4","target":"emulator","not_measured":["time","energy"]}"#
        );
        assert_eq!(serde_json::to_string(&summary).unwrap(), expected);
        let table = summary.table().to_string();
        for part in ["runs on", "cortex-m4", "on the emulator", "time, energy"] {
            assert!(table.contains(part), "{table}");
        }
    }

    #[test]
    fn a_differing_probability_is_marked_and_an_equal_one_is_not() {
        let both = Sample {
            image: 3,
            label: 1,
            class_names: vec!["coat".into(), "bag".into()],
            host: vec![32_767, 1],
            device: vec![32_767, 0],
            device_name: "mps2-an386".into(),
            target: Some(Target::Emulator),
        };
        let text = sample(&both);
        assert!(text.contains("test image 3, label: bag"), "{text}");
        assert_eq!(text.matches("differs").count(), 1, "{text}");
        assert_eq!(text.matches("100.00 %").count(), 2, "{text}");
    }
}
