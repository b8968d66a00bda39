use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The width of a hidden layer's weights in the model. The last layer, which is small, keeps eight
/// bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(into = "u8", try_from = "u8")]
pub enum WeightBits {
    /// -127..=127
    #[default]
    #[value(name = "8")]
    Eight,
    /// -7..=7, two in a byte
    #[value(name = "4")]
    Four,
    /// -1, 0 or 1 (ternary), four in a byte
    #[value(name = "2")]
    Two,
}

impl WeightBits {
    /// Returns the largest weight.
    pub fn largest(self) -> i8 {
        match self {
            Self::Eight => 127,
            Self::Four => 7,
            Self::Two => 1,
        }
    }
}

impl From<WeightBits> for u8 {
    fn from(bits: WeightBits) -> Self {
        match bits {
            WeightBits::Eight => 8,
            WeightBits::Four => 4,
            WeightBits::Two => 2,
        }
    }
}

impl TryFrom<u8> for WeightBits {
    type Error = String;

    fn try_from(bits: u8) -> Result<Self, String> {
        match bits {
            8 => Ok(Self::Eight),
            4 => Ok(Self::Four),
            2 => Ok(Self::Two),
            _ => Err(format!("found weights of {bits} bits, expected 8, 4 or 2")),
        }
    }
}
