//! A folder to run the program in, and checks of its output.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::Value;
use tempfile::TempDir;

use crate::files::{host_trainer, write_data};

/// A folder with a data set and, from [`Project::with_model`], a model trained on it.
pub struct Project {
    folder: TempDir,
}

impl Project {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_data(&folder.path().join("data"));
        Self { folder }
    }

    pub fn with_model() -> Self {
        let project = Self::new();
        project.train(&["--export", "model.bin"]).success();
        project
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = host_trainer(self.path());
        command.args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Assert {
        self.command(arguments).assert()
    }

    pub fn train(&self, arguments: &[&str]) -> Assert {
        let first = ["train", "--data", "data", "--epochs", "8", "--hidden", "8", "--learning-rate", "0.01"];
        self.command(&first).args(arguments).assert()
    }

    pub fn model(&self) -> PathBuf {
        self.path().join("model.bin")
    }
}

pub fn json(assert: Assert) -> Value {
    let output = assert.success().get_output().clone();
    serde_json::from_slice(&output.stdout).expect("one JSON object on standard output")
}

/// Checks for one error that contains each of `parts`, and an empty standard output.
pub fn failure(assert: Assert, code: i32, parts: &[&str]) {
    let mut assert = assert.code(code).stdout(is_empty()).stderr(contains("error: ").count(1));
    assert = assert.stderr(contains("panicked").not());
    for part in parts {
        assert = assert.stderr(contains(*part));
    }
}
