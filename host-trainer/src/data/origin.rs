//! The origin of a data set: the reason for choosing its folder.

use serde::Serialize;

/// The origin of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Named with `--data`.
    Given,
    /// Recorded by the run of the model.
    Run,
    /// Named by `FASHION_MNIST_DIR`.
    Environment,
    /// In the user's cache, from an earlier download.
    Cache,
    /// Installed by the system's package.
    System,
    Downloaded,
}

impl Origin {
    /// Returns the reason for this folder in words.
    pub fn named_by(self) -> &'static str {
        match self {
            Self::Given => "named by --data",
            Self::Run => "recorded by the run",
            Self::Environment => "named by FASHION_MNIST_DIR",
            Self::Cache => "the cache",
            Self::System => "the system's package",
            Self::Downloaded => "just downloaded",
        }
    }
}
