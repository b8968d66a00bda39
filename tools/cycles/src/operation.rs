//! The operations of an inference whose costs are fitted, and how many of them there are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Declares the operations with their names in `costs.toml` and in JSON.
macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident = $name:literal,)*) => {
        /// A kind of operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $($(#[$doc])* $operation,)*
        }

        impl Operation {
            /// All operations.
            pub const ALL: &[Self] = &[$(Self::$operation,)*];

            /// Returns its name in `costs.toml` and in JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => $name,)*
                }
            }
        }
    };
}

operations! {
    /// An inference, whatever its layers.
    Inference = "inference",
    /// A class.
    Class = "class",
    /// A class whose logit is so near to the largest that its exponential is computed.
    NearClass = "near_class",
    /// Two classes, of which one is near: the rounding of probabilities.
    NearPair = "near_pair",
    /// A logit of a network that ran.
    Logit = "logit",
    /// A dense layer.
    Dense = "dense",
    /// A layer that moves a window.
    Walk = "walk",
    /// A hidden output that is requantized with a shift above 32.
    Output = "output",
    /// A hidden output with another shift.
    SlowOutput = "slow_output",
    /// A list of pairs of inputs.
    List = "list",
    /// Four inputs that are tested for zeros.
    Word = "word",
    /// Four such inputs that are not all zero.
    UsedWord = "used_word",
    /// A pair of inputs that are not both zero.
    Pair = "pair",
    /// An output of a matrix whose inputs are all zero.
    BlankOutput = "blank_output",
    /// A list for 4-bit or ternary weights, whose inputs are summed.
    SummedList = "summed_list",
    /// A pair of such a list.
    SummedPair = "summed_pair",
    /// Eight outputs for a list.
    Tile = "tile",
    /// The last outputs for a list, fewer than eight.
    RestTile = "rest_tile",
    /// The last one or two outputs for a list with 8-bit weights.
    NarrowTile = "narrow_tile",
    /// A pair of inputs times eight outputs with 8-bit weights.
    EightBit = "eight_bit",
    /// A pair of inputs times the last one or two outputs with 8-bit weights.
    Narrow = "narrow",
    /// A pair of inputs times eight outputs with 4-bit weights.
    FourBit = "four_bit",
    /// A pair of inputs times eight outputs with ternary weights.
    Ternary = "ternary",
    /// A pair with 8-bit weights whose inputs are both not zero times eight outputs;
    /// also of windows.
    Both = "both",
    /// Eight outputs of a pruned matrix.
    BlockTile = "block_tile",
    /// Up to eight outputs of a pruned matrix that are computed apart: the last ones, fewer than
    /// eight, or all if some have more blocks than are summed at once.
    LoneBlockTile = "lone_block_tile",
    /// A stored block of a pruned matrix.
    Block = "block",
    /// A block whose two inputs are not both zero.
    UsedBlock = "used_block",
    /// Windows next to each other that are whole, or one that is not.
    Run = "run",
    /// A window of a convolution.
    Window = "window",
    /// A row of such a window.
    WindowRow = "window_row",
    /// Four inputs of a row that are tested for zeros.
    WindowWord = "window_word",
    /// Four such inputs that are not all zero.
    WindowUsedWord = "window_used_word",
    /// One to three inputs at the end of a row.
    WindowRest = "window_rest",
    /// A pair of inputs of a window that are not both zero.
    WindowPair = "window_pair",
    /// Eight outputs of a window.
    WindowTile = "window_tile",
    /// A pair of inputs of a window times eight outputs.
    WindowProduct = "window_product",
    /// Eight outputs that are copied, because all inputs of the window are zero.
    BlankTile = "blank_tile",
    /// A window that is copied and computed like a dense layer.
    CopiedWindow = "copied_window",
    /// An input of such a window.
    CopiedInput = "copied_input",
    /// A window of a depthwise convolution.
    DepthwiseWindow = "depthwise_window",
    /// A pixel of such a window.
    DepthwisePixel = "depthwise_pixel",
    /// Two channels of such a pixel.
    DepthwisePair = "depthwise_pair",
    /// An output of a depthwise convolution.
    DepthwiseOutput = "depthwise_output",
    /// A window of a pool.
    PoolWindow = "pool_window",
    /// An output of a pool that returns the largest value.
    MaxOutput = "max_output",
    /// An output of a pool that returns the mean.
    MeanOutput = "mean_output",
    /// A row of an output's window.
    PoolRow = "pool_row",
    /// A value of an output's window.
    PoolValue = "pool_value",
}

/// The number of each operation in an inference, or its mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "BTreeMap<String, f64>", try_from = "BTreeMap<String, f64>")]
pub struct Operations([f64; Operation::ALL.len()]);

impl Default for Operations {
    fn default() -> Self {
        Self([0.0; Operation::ALL.len()])
    }
}

impl Operations {
    /// Adds `count` of `operation`.
    pub fn add(&mut self, operation: Operation, count: usize) {
        self.0[operation as usize] += count as f64;
    }

    /// Returns the number of `operation`.
    #[must_use]
    pub fn get(&self, operation: Operation) -> f64 {
        self.0[operation as usize]
    }

    /// Returns the sum of the numbers times `costs`, in the order of [`Operation::ALL`].
    #[must_use]
    pub fn cost(&self, costs: &[f64]) -> f64 {
        self.0.iter().zip(costs).map(|(count, cost)| count * cost).sum()
    }

    /// Returns all numbers, in the order of [`Operation::ALL`].
    #[must_use]
    pub fn counts(&self) -> &[f64] {
        &self.0
    }

    /// Returns the mean; `None` without items.
    #[must_use]
    pub fn mean(items: &[Self]) -> Option<Self> {
        let mut mean = Self::default();
        for (place, sum) in mean.0.iter_mut().enumerate() {
            *sum = items.iter().map(|item| item.0[place]).sum::<f64>() / items.len() as f64;
        }
        (!items.is_empty()).then_some(mean)
    }
}

impl From<Operations> for BTreeMap<String, f64> {
    fn from(operations: Operations) -> Self {
        let counts = Operation::ALL.iter().zip(operations.0).filter(|(_, count)| *count != 0.0);
        counts.map(|(operation, count)| (operation.name().to_owned(), count)).collect()
    }
}

impl TryFrom<BTreeMap<String, f64>> for Operations {
    type Error = String;

    fn try_from(counts: BTreeMap<String, f64>) -> Result<Self, String> {
        let mut operations = Self::default();
        for (name, count) in counts {
            let known = Operation::ALL.iter().find(|operation| operation.name() == name);
            let known = known.ok_or_else(|| format!("unknown operation {name:?}; evaluate the model again"))?;
            if !(count.is_finite() && count >= 0.0) {
                return Err(format!("found {count} of operation {name:?}, expected 0 or more"));
            }
            operations.0[*known as usize] = count;
        }
        Ok(operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_survive_json_and_others_are_refused() {
        let mut operations = Operations::default();
        operations.add(Operation::Word, 196);
        operations.add(Operation::Inference, 1);
        let text = serde_json::to_string(&operations).unwrap();
        assert_eq!(text, r#"{"inference":1.0,"word":196.0}"#);
        assert_eq!(serde_json::from_str::<Operations>(&text).unwrap(), operations);
        for (text, reason) in [(r#"{"words":1}"#, "\"words\""), (r#"{"word":-1}"#, "found -1")] {
            let error = serde_json::from_str::<Operations>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_mean_has_fractions_and_needs_an_item() {
        let mut one = Operations::default();
        one.add(Operation::Pair, 3);
        let mean = Operations::mean(&[one, Operations::default()]).unwrap();
        assert_eq!(mean.get(Operation::Pair), 1.5);
        assert_eq!(Operations::mean(&[]), None);
    }
}
