use serde::Serialize;

/// The order of the dimensions of weights in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// `[output, input]`, for windows `[output, input, row, column]`: PyTorch's order.
    OutIn,
    /// `[input, output]`, for windows `[row, column, input, output]`: Keras' order.
    InOut,
}

impl Orientation {
    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutIn => "out-in",
            Self::InOut => "in-out",
        }
    }

    /// Returns the name of the framework that has this order.
    pub fn framework(self) -> &'static str {
        match self {
            Self::OutIn => "PyTorch",
            Self::InOut => "Keras",
        }
    }
}
