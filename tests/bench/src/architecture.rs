//! The network of a row.

use std::fmt;

use prenda::{Layer, Model};
use serde::{Deserialize, Serialize};

/// A network, as rows name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Architecture {
    /// One network of dense layers: pixels, neurons of each hidden layer, classes.
    Dense(Vec<usize>),
    /// Other layers in words, as `host-trainer train --network` takes them; the networks of a
    /// cascade with `|` between them.
    Words(String),
}

impl Architecture {
    /// Returns the network of `model`.
    pub fn of(model: &Model<'_>) -> Self {
        if model.networks().len() == 1 && model.layers().iter().all(Layer::is_dense) && model.image().channels == 1 {
            let outputs = model.layers().iter().map(Layer::outputs);
            return Self::Dense([model.input_width()].into_iter().chain(outputs).collect());
        }
        let networks: Vec<_> = model.networks().map(|network| network.to_string()).collect();
        Self::Words(networks.join(" | "))
    }

    /// Returns pixels, neurons and classes of dense layers; otherwise nothing.
    pub fn widths(&self) -> &[usize] {
        match self {
            Self::Dense(widths) => widths,
            Self::Words(_) => &[],
        }
    }
}

/// Writes dense layers as in 784-128-10.
impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dense(widths) => {
                let widths: Vec<_> = widths.iter().map(usize::to_string).collect();
                formatter.write_str(&widths.join("-"))
            }
            Self::Words(words) => formatter.write_str(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_networks_are_numbers_in_json_and_others_are_text() {
        let dense = Architecture::Dense(vec![784, 128, 10]);
        let words = Architecture::Words("conv 8 3x3; dense 10 | dense 10".into());
        for (network, json) in [(&dense, "[784,128,10]"), (&words, "\"conv 8 3x3; dense 10 | dense 10\"")] {
            assert_eq!(serde_json::to_string(network).unwrap(), json);
            assert_eq!(&serde_json::from_str::<Architecture>(json).unwrap(), network);
        }
        assert_eq!((dense.to_string(), words.widths()), ("784-128-10".into(), &[][..]));
    }
}
