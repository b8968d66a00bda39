//! The list of networks and cascades: a TOML file.

mod cascade;
mod network;
mod precision;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::run::MAX_RECORD_BYTES;
use crate::support::bounded;

pub use cascade::ListedCascade;
pub use network::{LectureFigures, ListedMember, ListedNetwork};
pub use precision::{FLOAT_BITS, Precision};

/// A list that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    path: &'static str,
    text: &'static str,
}

/// The lecture's five networks, in its order.
pub const LECTURE: Builtin =
    Builtin { path: "host-trainer/sweeps/lecture.toml", text: include_str!("../../../sweeps/lecture.toml") };

/// The networks of `docs/frontier.md`.
pub const FRONTIER: Builtin =
    Builtin { path: "host-trainer/sweeps/frontier.toml", text: include_str!("../../../sweeps/frontier.toml") };

/// One network of each kind, with few epochs.
pub const REDUCED: Builtin = Builtin {
    path: "host-trainer/sweeps/frontier-reduced.toml",
    text: include_str!("../../../sweeps/frontier-reduced.toml"),
};

/// An unusable list.
#[derive(Debug, Error)]
pub enum ListError {
    #[error("cannot read the list of networks {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a list of networks: {error}")]
    Toml { path: PathBuf, error: Box<toml::de::Error> },
    #[error("{path} has no [[network]]; add one")]
    Empty { path: PathBuf },
    #[error("{path}: {item}: {reason}")]
    Item {
        path: PathBuf,
        /// A network or a cascade, with its name, or its number if it has no name.
        item: String,
        /// The setting, the value found, and the values accepted.
        reason: String,
    },
    #[error(
        "{path}: two rows are named {name}; give each network and each cascade its own name, and each row of a network \
         its own weight_bits"
    )]
    Duplicate { path: PathBuf, name: String },
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    network: Vec<toml::Table>,
    #[serde(default)]
    cascade: Vec<toml::Table>,
}

/// The content of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    pub networks: Vec<ListedNetwork>,
    pub cascades: Vec<ListedCascade>,
}

/// Reads the list in the file at `path`, or the `builtin` one.
pub fn read(path: Option<&Path>, builtin: Builtin) -> Result<List, ListError> {
    let Some(path) = path else { return parse(builtin.text, Path::new(builtin.path)) };
    let read_error = |source| ListError::Read { path: path.to_owned(), source };
    let bytes = bounded::read(path, MAX_RECORD_BYTES).map_err(read_error)?;
    let text = String::from_utf8(bytes).map_err(|error| read_error(io::Error::other(error)))?;
    parse(&text, path)
}

/// Parses the list `text`. Errors name `path`.
pub fn parse(text: &str, path: &Path) -> Result<List, ListError> {
    let owned = || path.to_owned();
    let document: Document =
        toml::from_str(text).map_err(|error| ListError::Toml { path: owned(), error: Box::new(error) })?;
    let networks: Vec<ListedNetwork> = items("network", document.network, path, ListedNetwork::check)?;
    if networks.is_empty() {
        return Err(ListError::Empty { path: owned() });
    }
    let cascades: Vec<ListedCascade> =
        items("cascade", document.cascade, path, |cascade: &ListedCascade| cascade.check(&networks))?;
    let mut names = BTreeSet::new();
    let rows = |network: &ListedNetwork| network.rows.iter().map(|row| network.row_name(row)).collect::<Vec<_>>();
    let all = networks.iter().flat_map(|network| [vec![network.name.clone()], rows(network)].concat());
    let mut all = all.chain(cascades.iter().map(|cascade| cascade.name.clone()));
    match all.find(|name| !names.insert(name.clone())) {
        Some(name) => Err(ListError::Duplicate { path: owned(), name }),
        None => Ok(List { networks, cascades }),
    }
}

/// Parses `tables`, each of which is a `kind` in the list at `path`, and checks each.
fn items<T: DeserializeOwned>(
    kind: &str,
    tables: Vec<toml::Table>,
    path: &Path,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<Vec<T>, ListError> {
    let parse = |(index, table): (usize, toml::Table)| {
        let name = table.get("name").and_then(toml::Value::as_str);
        let item = format!("{kind} {}", name.map_or_else(|| format!("number {}", index + 1), str::to_owned));
        let parsed = table.try_into::<T>().map_err(|error| error.message().to_owned());
        parsed.and_then(|parsed| check(&parsed).map(|()| parsed)).map_err(|reason| ListError::Item {
            path: path.to_owned(),
            item,
            reason,
        })
    };
    tables.into_iter().enumerate().map(parse).collect()
}
