//! Pixels in a JSON file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The pixels of an image, `[row][column][channel]`; Base64 in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PixelBytes(pub Vec<u8>);

impl PixelBytes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for PixelBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for PixelBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_survive_the_round_trip_and_other_text_is_refused() {
        let pixels = PixelBytes((0..=255).collect());
        let text = serde_json::to_string(&pixels).unwrap();
        assert_eq!(serde_json::from_str::<PixelBytes>(&text).unwrap(), pixels);
        assert!(serde_json::from_str::<PixelBytes>("\"no Base64\"").is_err());
    }
}
