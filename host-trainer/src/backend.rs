//! The burn backends that can train.

use burn::tensor::Device;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which of burn's backends trains; both on the processor, in `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// burn-flex
    Flex,
    /// burn-ndarray, which burn-flex succeeds
    Ndarray,
    /// None of them: another program trained, and burn-flex only runs what came of it
    #[value(skip)]
    Imported,
}

impl Backend {
    /// All that train.
    #[cfg(test)]
    pub const ALL: [Self; 2] = [Self::Flex, Self::Ndarray];

    /// The name, as the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Imported => "imported",
        }
    }

    /// Where tensors live, without differentiation.
    #[expect(
        deprecated,
        reason = "upstream will drop burn-ndarray for burn-flex; until then both are built and tested"
    )]
    pub fn device(self) -> Device {
        match self {
            Self::Flex | Self::Imported => Device::flex(),
            Self::Ndarray => Device::ndarray(),
        }
    }
}
