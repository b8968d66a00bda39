//! The results of sweeps as JSON files.

use std::fs;
use std::path::{Path, PathBuf};

use host_support::files;
use host_support::parity::{ModelParity, ParityRecord, Target};
use prenda::ModelId;
use serde::Serialize;
use serde_json::Value;

/// Writes `parity-DEVICE.json` to the `folder` of a run, for `host-trainer report`, and returns
/// its path.
///
/// # Errors
///
/// Returns an error if it cannot be written; an old file then stays as it was.
pub fn write_record(record: &ParityRecord, device: &str, model: ModelId, folder: &Path) -> anyhow::Result<PathBuf> {
    let path = record_path(folder, device);
    write_json(&path, &ModelParity { model_id: model.to_string(), record: record.clone() })?;
    Ok(path)
}

/// Returns the path of a device's record in the `folder` of a run.
#[must_use]
pub fn record_path(folder: &Path, device: &str) -> PathBuf {
    folder.join(format!("parity-{device}.json"))
}

/// One image with its probabilities, in units of 1/32768, on the host and on the last device of a
/// sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParitySample {
    /// Index in the answers file.
    #[serde(rename = "picture")]
    pub image: usize,
    /// The correct class.
    pub label: u8,
    /// Names of all classes.
    pub class_names: Vec<String>,
    /// Raw pixels, row-major.
    pub pixels: Vec<u8>,
    /// Columns of the image.
    pub columns: usize,
    /// The host's probabilities.
    pub host: Vec<u16>,
    /// The device's probabilities.
    pub device: Vec<u16>,
    /// Name of the device.
    pub device_name: String,
    /// The target that runs its code.
    pub target: Target,
}

/// The results of all devices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParityReport {
    /// Id of the model.
    pub model_id: String,
    /// One record for each device.
    pub devices: Vec<ParityRecord>,
    /// Names of devices that failed, so that the report is not complete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// The first image.
    pub sample: Option<ParitySample>,
}

impl ParityReport {
    /// Writes the report to `path`, unless a device failed and the report there has more devices
    /// for the same model. Returns true if it was written.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<bool> {
        if !self.failed.is_empty() && self.is_less_than(path).unwrap_or(false) {
            return Ok(false);
        }
        write_json(path, self)?;
        Ok(true)
    }

    /// Returns true if the report at `path` has more devices for the same model.
    fn is_less_than(&self, path: &Path) -> anyhow::Result<bool> {
        let other: Value = serde_json::from_slice(&fs::read(path)?)?;
        let devices = other["devices"].as_array().map_or(0, Vec::len);
        Ok(other["model_id"] == self.model_id && devices > self.devices.len())
    }
}

/// Writes `value` whole or not at all.
fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    Ok(files::write(path, &serde_json::to_vec_pretty(value)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_report_replaces_no_report_of_more_devices() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parity.json");
        let report = |devices: usize, failed: &[&str], model_id: &str| ParityReport {
            model_id: model_id.into(),
            devices: vec![ParityRecord::default(); devices],
            failed: failed.iter().copied().map(Into::into).collect(),
            sample: None,
        };
        let stored = || serde_json::from_slice::<Value>(&fs::read(&path).unwrap()).unwrap();
        assert!(report(2, &[], "a").write(&path).unwrap());
        assert_eq!(stored().get("failed"), None);
        assert!(!report(1, &["board"], "a").write(&path).unwrap());
        assert_eq!(stored()["devices"].as_array().unwrap().len(), 2);
        for (devices, failed, model) in [(2, &["board"][..], "a"), (1, &["board"], "b"), (1, &[], "b")] {
            assert!(report(devices, failed, model).write(&path).unwrap(), "{devices} {failed:?} {model}");
            assert_eq!(stored()["failed"].as_array().map_or(0, Vec::len), failed.len());
        }
    }

    #[test]
    fn a_record_names_device_and_model() {
        let folder = tempfile::tempdir().unwrap();
        let compared = ParityRecord { device: "loopback".into(), images: 3, accuracy: 0.5, ..ParityRecord::default() };
        let path = write_record(&compared, "loopback", ModelId(0x1a), folder.path()).unwrap();
        assert_eq!(path, folder.path().join("parity-loopback.json"));
        let record: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!((&record["model_id"], &record["device"]), (&"0000001a".into(), &"loopback".into()));
        assert_eq!((&record["pictures"], &record["flash_bytes"]), (&3.into(), &serde_json::Value::Null));
        assert!(write_record(&compared, "loopback", ModelId(0), &folder.path().join("absent")).is_err());
    }
}
