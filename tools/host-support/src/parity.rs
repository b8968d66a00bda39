//! The result of comparing a device with the host, as the parity program writes it and others read
//! it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of machine that runs a device's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// On a thread of the host.
    Host,
    /// In a browser, compiled to WebAssembly.
    Browser,
    /// In QEMU. Its answers are those of the core; its time is not.
    Emulator,
    /// On a hardware board.
    Hardware,
}

impl Target {
    /// Returns the words for tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Browser => "browser",
            Self::Emulator => "emulator",
            Self::Hardware => "hardware",
        }
    }

    /// Lists what a comparison there does not measure.
    #[must_use]
    pub fn not_measured(self) -> &'static [&'static str] {
        match self {
            Self::Host => &["core", "flash", "RAM", "time", "energy"],
            Self::Browser | Self::Emulator | Self::Hardware => &["time", "energy"],
        }
    }
}

/// Returns the words for a target that may be unknown, because an older program recorded it.
#[must_use]
pub fn target_name(target: Option<Target>) -> &'static str {
    target.map_or("unknown", Target::name)
}

/// The comparison of one device with the host, over all images of an answers file.
///
/// The JSON keys are stable: other programs read them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParityRecord {
    /// Name of the device.
    pub device: String,
    /// Its processor core.
    #[serde(default)]
    pub core: String,
    /// Images that the device classified.
    #[serde(rename = "pictures")]
    pub images: u64,
    /// Logits compared.
    pub logits_compared: u64,
    /// Logits that differ from the host's.
    pub logits_different: u64,
    /// Probabilities that differ from the host's.
    pub probabilities_different: u64,
    /// Classes that differ from the host's.
    pub classes_different: u64,
    /// Images that another network of a cascade answered than on the host.
    #[serde(default)]
    pub networks_different: u64,
    /// Images that each network of a cascade answered on the device; empty for other models.
    #[serde(default)]
    pub answered_by: Vec<u64>,
    /// Share of images classified correctly, 0 to 1.
    pub accuracy: f64,
    /// Flash in bytes that the firmware takes, without the model; `None` on the host.
    pub flash_bytes: Option<u64>,
    /// RAM in bytes, statics plus the deepest stack seen; `None` on the host.
    pub ram_bytes: Option<u64>,
    /// Requests sent again because the link damaged or lost a frame.
    #[serde(default)]
    pub resent: u64,
    /// Duration of the comparison in seconds.
    #[serde(default)]
    pub seconds: f64,
    /// The target that ran the device's code; `None` in older records.
    #[serde(default)]
    pub target: Option<Target>,
    /// Quantities that the comparison did not measure: [`Target::not_measured`].
    #[serde(default)]
    pub not_measured: Vec<String>,
}

impl ParityRecord {
    /// Notes where the device's code runs, and what is thus not measured.
    pub fn set_target(&mut self, target: Target) {
        self.target = Some(target);
        self.not_measured = target.not_measured().iter().map(|&name| name.into()).collect();
    }

    /// Returns whether host and device agree: at least one image was compared and no value differs.
    ///
    /// This is the only definition of "host and device agree".
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.images > 0 && self.logits_compared > 0 && self.different() == 0
    }

    /// Returns the number of logits, probabilities, classes and networks that differ.
    #[must_use]
    pub fn different(&self) -> u64 {
        let values = self.logits_different.saturating_add(self.probabilities_different);
        values.saturating_add(self.classes_different).saturating_add(self.networks_different)
    }

    /// Describes the networks that answered on a device; `None` unless the model is a cascade.
    #[must_use]
    pub fn networks_text(&self) -> Option<String> {
        let counts =
            self.answered_by.iter().enumerate().map(|(network, count)| format!("{count} by network {network}"));
        let text = format!("answered: {}", counts.collect::<Vec<_>>().join(", "));
        match self.networks_different {
            _ if self.answered_by.is_empty() => None,
            0 => Some(text),
            count => Some(format!("{text}; {count} by another network than on the host")),
        }
    }
}

/// The content of `parity-DEVICE.json` in a run's folder: a comparison, and the model it is about.
///
/// Read through [`Value`], because reading through `flatten` fails on every float if a dependency
/// turns on serde_json's `arbitrary_precision`, as one does here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct ModelParity {
    /// Id of the model that the device ran.
    pub model_id: String,
    /// The comparison.
    #[serde(flatten)]
    pub record: ParityRecord,
}

impl TryFrom<Value> for ModelParity {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        #[derive(Deserialize)]
        struct Key {
            model_id: String,
        }
        let Key { model_id } = Key::deserialize(&value)?;
        Ok(Self { model_id, record: ParityRecord::deserialize(value)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> ParityRecord {
        ParityRecord { device: "loopback".into(), images: 10, logits_compared: 100, ..ParityRecord::default() }
    }

    #[test]
    fn agreement_needs_images_and_no_difference() {
        assert!(record().agrees());
        assert!(!ParityRecord { logits_different: 1, ..record() }.agrees());
        assert!(!ParityRecord { probabilities_different: 1, ..record() }.agrees());
        assert!(!ParityRecord { classes_different: 1, ..record() }.agrees());
        assert!(!ParityRecord { networks_different: 1, ..record() }.agrees());
        assert!(!ParityRecord { probabilities_different: u64::MAX, classes_different: 1, ..record() }.agrees());
        assert!(!ParityRecord { images: 0, logits_compared: 0, ..record() }.agrees());
        assert!(!ParityRecord { images: 0, ..record() }.agrees());
        assert!(!ParityRecord { logits_compared: 0, ..record() }.agrees());
    }

    #[test]
    fn json_keys_are_stable() {
        let stored = ModelParity { model_id: "0000001a".into(), record: record() };
        let json = serde_json::to_string(&stored).unwrap();
        let keys = "{\"model_id\":\"0000001a\",\"device\":\"loopback\",\"core\":\"\",\"pictures\":10,\
                    \"logits_compared\":100,\"logits_different\":0,\"probabilities_different\":0,\
                    \"classes_different\":0,\"networks_different\":0,\"answered_by\":[],\
                    \"accuracy\":0.0,\"flash_bytes\":null,\"ram_bytes\":null,\
                    \"resent\":0,\"seconds\":0.0,\"target\":null,\"not_measured\":[]}";
        assert_eq!(json, keys);
        assert_eq!(serde_json::from_str::<ModelParity>(&json).unwrap(), stored);
        let older = keys.replace(",\"target\":null,\"not_measured\":[]", "");
        let older = older.replace("\"networks_different\":0,\"answered_by\":[],", "");
        assert_eq!(serde_json::from_str::<ModelParity>(&older).unwrap(), stored);
    }

    #[test]
    fn another_network_is_a_difference_with_its_own_text() {
        let cascade = ParityRecord { answered_by: vec![7, 3], ..record() };
        assert_eq!(record().networks_text(), None);
        assert_eq!(cascade.networks_text().unwrap(), "answered: 7 by network 0, 3 by network 1");
        let text = ParityRecord { networks_different: 2, ..cascade }.networks_text().unwrap();
        assert!(text.ends_with("by network 1; 2 by another network than on the host"), "{text}");
    }

    #[test]
    fn a_record_says_where_it_is_from() {
        let mut emulated = record();
        emulated.set_target(Target::Emulator);
        let json = serde_json::to_value(&emulated).unwrap();
        assert_eq!(json["target"], "emulator");
        assert_eq!(json["not_measured"], serde_json::json!(["time", "energy"]));
    }
}
