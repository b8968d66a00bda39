use serde::Serialize;

/// The order of a weight matrix's dimensions in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// `[output, input]`, PyTorch's order.
    OutIn,
    /// `[input, output]`, Keras's order.
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
}
