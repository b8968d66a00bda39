//! Options that say how files other than IDX become a data set.

use serde::{Deserialize, Serialize};

/// The seed of [`Reading::test_share`] without another choice.
const DEFAULT_SEED: u64 = 1;

/// Options of reading a data set. A run records them, so that later commands read the same images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// Rows and columns of all images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<[u16; 2]>,
    /// True to make colours grey.
    #[serde(skip_serializing_if = "is_false")]
    pub grey: bool,
    /// Share of the images of each class that are for testing, above 0 and below 1, if the files do
    /// not say which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// The choice of these images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_seed: Option<u64>,
    /// Names of the arrays in an archive: images and labels for training, and for testing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Column of the label in a table: `first`, `last` or its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// True if each column of a table is a feature with a scaling of its own.
    #[serde(skip_serializing_if = "is_false")]
    pub features: bool,
    /// True to leave out images that cannot be read.
    #[serde(skip_serializing_if = "is_false")]
    pub skip_unreadable: bool,
}

impl Reading {
    /// Returns the options that are used, by their names on the command line.
    pub fn used(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.image_size.is_some(), "--image-size"),
            (self.grey, "--grey"),
            (self.test_share.is_some(), "--test-share"),
            (!self.keys.is_empty(), "--key"),
            (self.label_column.is_some(), "--label-column"),
            (self.features, "--features"),
            (self.skip_unreadable, "--skip-unreadable"),
        ];
        all.into_iter().filter_map(|(is_used, name)| is_used.then_some(name))
    }

    pub fn seed(&self) -> u64 {
        self.test_seed.unwrap_or(DEFAULT_SEED)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde requires")]
fn is_false(value: &bool) -> bool {
    !value
}
