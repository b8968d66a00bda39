//! What a sweep found, as people and programs read it.

use serde::Serialize;

/// What one device's sweep found. The names are stable: programs read them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// The device.
    pub device: String,
    /// Its processor core.
    pub core: String,
    /// Pictures that it classified.
    pub pictures: u64,
    /// Logits compared.
    pub logits_compared: u64,
    /// Logits that differ from the host's.
    pub logits_different: u64,
    /// Probabilities that differ from the host's.
    pub probabilities_different: u64,
    /// Classes that differ from the host's.
    pub classes_different: u64,
    /// Share of pictures classified rightly, 0 to 1.
    pub accuracy: f64,
    /// Flash that the firmware takes, without the model; nothing for the host.
    pub flash_bytes: Option<u32>,
    /// Statics and the deepest stack that was seen; nothing for the host.
    pub ram_bytes: Option<u32>,
    /// Seconds that the sweep took.
    pub seconds: f64,
}

impl Outcome {
    /// Whether the device computes what the host computes, and has computed something.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        let different = self.logits_different + self.probabilities_different + self.classes_different;
        self.logits_compared > 0 && different == 0
    }
}

/// One picture with its probabilities, in units of 1/32768, on the host and on the last device swept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Index in the answers file.
    pub picture: usize,
    /// The true class.
    pub label: u8,
    /// Names of all classes.
    pub class_names: Vec<String>,
    /// Raw pixels, row-major.
    pub pixels: Vec<u8>,
    /// Columns of the picture.
    pub columns: usize,
    /// The host's probabilities.
    pub host: Vec<u16>,
    /// The device's probabilities.
    pub device: Vec<u16>,
    /// The device.
    pub device_name: String,
}

/// All devices of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// One outcome for each device.
    pub devices: Vec<Outcome>,
    /// The first picture.
    pub sample: Option<Sample>,
}
