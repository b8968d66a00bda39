//! What a sweep found, as people and programs read it.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use host_support::parity::{ModelParity, ParityRecord};
use serde::Serialize;
use shared_model::ModelId;
use tempfile::NamedTempFile;

/// Writes `parity-DEVICE.json`, which holds what `device` made of `model`, to the `folder` of a
/// run. `host-trainer report` reads it.
///
/// # Errors
///
/// Returns an error if it cannot be written; the file that was there before is then unchanged.
pub fn write_record(record: &ParityRecord, device: &str, model: ModelId, folder: &Path) -> io::Result<PathBuf> {
    let path = record_path(folder, device);
    write_json(&path, &ModelParity { model_id: model.to_string(), record: record.clone() })?;
    Ok(path)
}

/// Where the `folder` of a run keeps what `device` made of its model.
#[must_use]
pub fn record_path(folder: &Path, device: &str) -> PathBuf {
    folder.join(format!("parity-{device}.json"))
}

/// One image with its probabilities, in units of 1/32768, on the host and on the last device
/// swept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Index in the answers file.
    #[serde(rename = "picture")]
    pub image: usize,
    /// The true class.
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
    /// The device.
    pub device_name: String,
}

/// All devices of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// One outcome for each device.
    pub devices: Vec<ParityRecord>,
    /// The first image.
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
        let compared = ParityRecord { device: "loopback".into(), images: 3, accuracy: 0.5, ..ParityRecord::default() };
        let path = write_record(&compared, "loopback", ModelId(0x1a), folder.path()).unwrap();
        assert_eq!(path, folder.path().join("parity-loopback.json"));
        let record: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!((&record["model_id"], &record["device"]), (&"0000001a".into(), &"loopback".into()));
        assert_eq!((&record["pictures"], &record["flash_bytes"]), (&3.into(), &serde_json::Value::Null));
        assert!(write_record(&compared, "loopback", ModelId(0), &folder.path().join("absent")).is_err());
    }
}
