//! What a sweep found, as people and programs read it.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use shared_model::ModelId;
use tempfile::NamedTempFile;

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
    /// Requests that were sent again, since the link damaged or lost something.
    pub resent: u64,
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

    /// Writes `parity-DEVICE.json`, which says what `device` made of `model`, to the `folder` of a run: `host-trainer
    /// report` reads it.
    ///
    /// # Errors
    ///
    /// Where it cannot be written; then what was there before still is.
    pub fn record(&self, device: &str, model: ModelId, folder: &Path) -> io::Result<PathBuf> {
        let path = record_path(folder, device);
        write_json(&path, &Record { model_id: model.to_string(), outcome: self })?;
        Ok(path)
    }
}

/// Where the `folder` of a run keeps what `device` made of its model.
#[must_use]
pub fn record_path(folder: &Path, device: &str) -> PathBuf {
    folder.join(format!("parity-{device}.json"))
}

/// What a run's folder keeps of an outcome.
#[derive(Serialize)]
struct Record<'a> {
    model_id: String,
    #[serde(flatten)]
    outcome: &'a Outcome,
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

/// Writes `value` whole or not at all.
///
/// # Errors
///
/// Where it cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut file = new_file(path)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.flush()?;
    // Else a power cut could leave the new name on old, empty blocks.
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// An empty file beside `path`, which is removed unless it is given that name.
///
/// # Errors
///
/// Where there can be none.
pub fn new_file(path: &Path) -> io::Result<NamedTempFile> {
    // A device, say: renaming a file onto /dev/null would replace it.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) || is_the_systems(path) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is there, and no file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // As any other new file: a temporary file's own default is that nobody else may read it.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".prenda-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
}

/// Whether a name is the system's, or leads there: /dev/stdout is a link to what may be a file.
fn is_the_systems(path: &Path) -> bool {
    let is_its = |path: &Path| path.starts_with("/proc") || path.starts_with("/dev") && !path.starts_with("/dev/shm");
    is_its(path) || fs::read_link(path).is_ok_and(|target| is_its(&target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(new_file(&socket).is_err() && new_file(folder.path()).is_err());
        assert!(new_file(&folder.path().join("new")).is_ok());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/proc/self/fd/1", &link).unwrap();
        assert!(new_file(&link).is_err() && new_file("/dev/stdout".as_ref()).is_err());
    }

    #[test]
    fn a_record_names_device_and_model() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = Outcome { device: "loopback".into(), pictures: 3, accuracy: 0.5, ..Outcome::default() };
        let path = outcome.record("loopback", ModelId(0x1a), folder.path()).unwrap();
        assert_eq!(path, folder.path().join("parity-loopback.json"));
        let record: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!((&record["model_id"], &record["device"]), (&"0000001a".into(), &"loopback".into()));
        assert_eq!((&record["pictures"], &record["flash_bytes"]), (&3.into(), &serde_json::Value::Null));
        assert!(outcome.record("loopback", ModelId(0), &folder.path().join("absent")).is_err());
    }
}
