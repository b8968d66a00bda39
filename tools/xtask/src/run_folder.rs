//! The folders in which `host-trainer train` and `cascade` record their runs.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::workspace::{Workspace, shown};

#[derive(Deserialize)]
struct RunResult {
    model_id: String,
}

/// The configuration of a run, as far as it is needed here.
#[derive(Deserialize)]
struct RunConfiguration {
    data: Option<RunData>,
}

#[derive(Deserialize)]
struct RunData {
    folder: Option<PathBuf>,
}

/// Returns the folder of the data set that the run of `model` records.
pub fn data_of(model: &Path) -> Option<PathBuf> {
    let run = model.parent()?;
    let text = std::fs::read(run.join("config.json")).ok()?;
    Some(run.join(serde_json::from_slice::<RunConfiguration>(&text).ok()?.data?.folder?))
}

/// Returns the model for `path`: the file itself, or the model in the folder of a run.
pub fn model_of(path: PathBuf) -> PathBuf {
    if path.is_dir() { path.join("model.bin") } else { path }
}

/// Returns the model for `path`, or the demo's.
///
/// # Errors
///
/// Returns an error if it does not exist.
pub fn existing(workspace: &Workspace, path: Option<PathBuf>) -> Result<PathBuf> {
    let model = path.map_or_else(|| workspace.demo_model(), model_of);
    if !model.is_file() {
        bail!("model {} does not exist; run `cargo xtask demo`, or name one with --model FILE", shown(&model));
    }
    Ok(model)
}

/// Returns the folder of the run or the cascade that produced the model, if the model is in it.
pub fn of_model(model: &Path, model_id: &str) -> Option<PathBuf> {
    let folder = model.parent()?;
    let text = ["result.json", "cascade.json"].into_iter().find_map(|name| std::fs::read(folder.join(name)).ok())?;
    let result: RunResult = serde_json::from_slice(&text).ok()?;
    // A bare file name is in the current folder.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    (result.model_id == model_id).then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_belongs_to_the_run_in_its_folder_if_the_ids_agree() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let model = folder.join("model.bin");
        assert_eq!(model_of(folder.to_owned()), model);
        assert_eq!(model_of(model.clone()), model);
        assert_eq!(of_model(&model, "1234abcd"), None);
        std::fs::write(folder.join("result.json"), r#"{"model_id": "1234abcd", "epochs": 5}"#).unwrap();
        assert_eq!(of_model(&model, "1234abcd"), Some(folder.to_owned()));
        assert_eq!(of_model(&model, "00000000"), None);
        std::fs::rename(folder.join("result.json"), folder.join("cascade.json")).unwrap();
        assert_eq!(of_model(&model, "1234abcd"), Some(folder.to_owned()));
        assert_eq!(data_of(&model), None);
        for (config, expected) in [
            (r#"{"validation": 0}"#, None),
            (r#"{"data": {"folder": null, "form": {}}}"#, None),
            (r#"{"data": {"folder": "/digits", "form": {}}}"#, Some(PathBuf::from("/digits"))),
            (r#"{"data": {"folder": "../digits"}}"#, Some(folder.join("../digits"))),
        ] {
            std::fs::write(folder.join("config.json"), config).unwrap();
            assert_eq!(data_of(&model), expected);
        }
    }
}
