//! Folders in which `host-trainer train` records its runs.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What came of a run, as far as it matters here.
#[derive(Deserialize)]
struct Outcome {
    model_id: String,
}

/// The model that a person means by `path`: a file, or the folder of the run that it came of.
pub fn model_of(path: PathBuf) -> PathBuf {
    if path.is_dir() { path.join("model.bin") } else { path }
}

/// The folder of the run that the model came of, if the model lies there.
pub fn of_model(model: &Path, model_id: &str) -> Option<PathBuf> {
    let folder = model.parent()?;
    let text = std::fs::read(folder.join("result.json")).ok()?;
    let outcome: Outcome = serde_json::from_slice(&text).ok()?;
    // A model without a folder lies in the current one.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    (outcome.model_id == model_id).then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_belongs_to_the_run_that_it_lies_with_if_that_is_its_own() {
        let folder = std::env::temp_dir().join(format!("xtask-run-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let model = folder.join("model.bin");
        assert_eq!(model_of(folder.clone()), model);
        assert_eq!(model_of(model.clone()), model);
        assert_eq!(of_model(&model, "1234abcd"), None);
        std::fs::write(folder.join("result.json"), r#"{"model_id": "1234abcd", "epochs": 5}"#).unwrap();
        assert_eq!(of_model(&model, "1234abcd"), Some(folder.clone()));
        assert_eq!(of_model(&model, "00000000"), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
