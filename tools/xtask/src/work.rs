//! The models that `bench` and `estimate` run on devices, with the host's answers.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::Job;
use crate::run_folder;
use crate::trainer::{self, TestData};
use crate::workspace::Workspace;

/// The fixture, relative to the workspace.
pub const FIXTURE_MODEL: &str = "tests/fixtures/model.bin";
pub const FIXTURE_ANSWERS: &str = "tests/fixtures/answers.bin";

/// Each model of tests/fixtures with its answers: weights in pairs, then in vectors.
pub const FIXTURES: [(&str, &str); 2] =
    [(FIXTURE_MODEL, FIXTURE_ANSWERS), ("tests/fixtures/vectors.bin", "tests/fixtures/vectors-answers.bin")];

/// A model and the host's answers, for each weight order.
pub struct Work {
    pub pairs: (PathBuf, PathBuf),
    pub vectors: (PathBuf, PathBuf),
}

impl Work {
    /// Adds the options that name the files to a call of `bench` or `estimate`.
    pub fn add_to(&self, job: Job) -> Job {
        let Self { pairs, vectors } = self;
        let job = job.arg("--model").arg(&pairs.0).arg("--answers").arg(&pairs.1);
        job.arg("--vector-model").arg(&vectors.0).arg("--vector-answers").arg(&vectors.1)
    }
}

/// Returns the model and answers that budgets and tables are for.
pub fn fixture(workspace: &Workspace) -> Work {
    let [pairs, vectors] = FIXTURES.map(|(model, answers)| (workspace.root.join(model), workspace.root.join(answers)));
    Work { pairs, vectors }
}

/// Writes the answers and the reordered model for `model` into `folder`.
pub fn answered(workspace: &Workspace, model: PathBuf, folder: &Path, data: Option<&Path>) -> Result<Work> {
    let pairs = (model, folder.join("answers.bin"));
    let vectors = (folder.join("vectors.bin"), folder.join("vectors-answers.bin"));
    // The reordered model leaves its run, which records the data set.
    let recorded = run_folder::data_of(&pairs.0);
    let data = TestData { folder: data.or(recorded.as_deref()), ..TestData::default() };
    trainer::reorder(workspace, &pairs.0, &vectors.0)?;
    for (model, answers) in [&pairs, &vectors] {
        trainer::evaluate(workspace, model, answers, data)?;
    }
    Ok(Work { pairs, vectors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_fixture_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!(
            FIXTURES.into_iter().flat_map(|(model, answers)| [model, answers]).all(|path| root.join(path).is_file())
        );
    }
}
