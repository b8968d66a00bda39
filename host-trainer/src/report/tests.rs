//! Reports on damaged runs.

use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::{load, page};
use crate::run::{self, RunFile, RunFolder};
use crate::support::damage::damaged;
use crate::train::tests::config;

/// Returns the records of a run, and a comparison with a device. Some names contain control
/// characters.
fn records() -> Vec<(&'static str, Vec<u8>)> {
    let configuration = json!({
        "train": config(), "validation": 1, "rows": 2, "columns": 3, "classes": ["a", "b"], "data_sha256": "",
        "test_sha256": "", "versions": {"prenda": "1"}
    });
    let history = json!([
        {"epoch": 1, "loss": 0.5, "accuracy": 0.7, "validation_loss": 0.6, "validation_accuracy": 0.5, "seconds": 1.0},
        {"epoch": 2, "loss": 0.4, "accuracy": 0.8, "validation_loss": 0.5, "validation_accuracy": 0.6, "seconds": 1.5}
    ]);
    let outcome = json!({
        "model_id": "01234567", "model_bytes": 1024, "parameters": 35, "epochs": 2, "kept_epoch": 1,
        "stop": {"patience": {"epochs": 1}}, "train_accuracy_float": 0.9, "test_accuracy_float": 0.8,
        "test_accuracy_fixed": 0.8, "predictions_changed": 1, "train_seconds": 2.5
    });
    let mut evaluation = crate::model::tests::evaluation(&["a\u{1b}[2J", "b"], 3);
    let pixels = crate::model::PixelBytes(vec![1, 2, 3, 4, 5, 6]);
    evaluation.mistakes =
        vec![crate::model::Mistake { index: 1, label: 0, class: 1, probability: 0.75, pixels: pixels.clone() }];
    evaluation.samples = vec![crate::model::Sample { index: 0, label: 1, probabilities: vec![0.25, 0.75], pixels }];
    let quantization = json!({"pictures": 10, "layers": [{
        "inputs": 6, "outputs": 2, "weights": [-0.5, 0.25], "weight_steps": [0.01, 0.02], "zero_weights": 0.1,
        "largest_activation": 3.5, "output_step": 0.1, "output_rms": 1.5, "error_rms": 0.01
    }]});
    let parity = json!({
        "device": "loop\u{7}back", "model_id": "01234567", "pictures": 8, "logits_compared": 16, "logits_different": 0,
        "probabilities_different": 0, "classes_different": 0, "accuracy": 0.75, "flash_bytes": 1000, "ram_bytes": null
    });
    let bench = json!([{
        "board": "mps2\u{7}", "core": "cortex-m4", "model": "01234567", "pictures": 8, "instructions_mean": 12.5,
        "stages": [{"stage": "gather", "layer": 1, "mean": 3.5}]
    }]);
    let bytes = |value: &Value| run::json(value).unwrap();
    vec![
        (RunFile::Configuration.name(), bytes(&configuration)),
        (RunFile::History.name(), bytes(&history)),
        (RunFile::Outcome.name(), bytes(&outcome)),
        (RunFile::Evaluation.name(), run::json(&evaluation).unwrap()),
        (RunFile::Quantization.name(), bytes(&quantization)),
        ("parity-loopback.json", bytes(&parity)),
        ("bench.json", bytes(&bench)),
    ]
}

/// Returns the records with one of them damaged.
fn damaged_records() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    any::<Index>().prop_flat_map(|which| {
        let records = records();
        let which = which.index(records.len());
        damaged(records[which].1.clone()).prop_map(move |bytes| {
            let mut records = records.clone();
            records[which].1 = bytes;
            records
        })
    })
}

#[test]
fn the_records_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    records().iter().for_each(|(name, bytes)| fs::write(folder.path().join(name), bytes).unwrap());
    let run = &load(&[folder.path().to_owned()]).unwrap()[0];
    assert_eq!(run.missing.len(), RunFile::ALL.len() - 5, "{:?}", run.missing);
    assert!(run.parity.len() == 1 && run.bench.len() == 1 && run.evaluation.is_some());
}

proptest! {
    #[test]
    fn damaged_runs_give_a_complete_page(one in damaged_records(), other in damaged_records()) {
        let folder = tempfile::tempdir().unwrap();
        let folders = [(one, "one"), (other, "other")].map(|(records, name)| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            records.iter().for_each(|(name, bytes)| fs::write(path.join(name), bytes).unwrap());
            path
        });
        let text = page(&load(&folders).unwrap(), None);
        let is_odd = |character: char| character.is_control() && character != '\n';
        prop_assert!(text.ends_with("</html>") && !text.chars().any(is_odd));
        let _ = RunFolder::at(folders[0].clone()).read_finished();
    }
}
