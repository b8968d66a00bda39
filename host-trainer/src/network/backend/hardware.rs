//! The hardware that a backend trains on.

use std::fmt;

use serde::Serialize;

/// A device that a backend can train on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hardware {
    pub name: String,
    /// The processor's architecture, or the name of a graphics interface.
    pub interface: String,
    /// `discrete`, `integrated`, `virtual`, or `software` on the processor, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The driver with its version, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
}

impl Hardware {
    /// Describes the processor that runs this program.
    pub fn processor() -> Self {
        Self { name: "processor".into(), interface: std::env::consts::ARCH.into(), kind: None, driver: None }
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}", self.name, self.interface)?;
        let rest = self.kind.into_iter().chain(self.driver.as_deref());
        rest.into_iter().try_for_each(|part| write!(formatter, ", {part}"))?;
        formatter.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_details_are_displayed() {
        let name = || "card".to_owned();
        let bare = Hardware { name: name(), interface: "CUDA".into(), kind: None, driver: None };
        assert_eq!(bare.to_string(), "card (CUDA)");
        let full = Hardware { kind: Some("discrete"), driver: Some("d 1.2".into()), ..bare };
        assert_eq!(full.to_string(), "card (CUDA, discrete, d 1.2)");
    }
}
