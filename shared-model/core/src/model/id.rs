//! The identity of a model.

/// The identity of a model: the checksum of its blob. Displayed as eight hexadecimal digits.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// assert_eq!(prenda::ModelId(0xec8a).to_string(), "0000ec8a");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ModelId(pub u32);

impl core::fmt::Display for ModelId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}
