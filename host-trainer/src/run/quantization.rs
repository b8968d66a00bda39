//! `quantization.json`: ranges and errors of each layer.

use super::folder::Record;
use crate::quantize::Quantization;
use crate::support::range::{first_outside, is_share};

impl Record for Quantization {
    fn outside(&self) -> Option<&'static str> {
        first_outside([("zero_weights", self.layers.iter().all(|layer| is_share(layer.zero_weights)))])
    }
}
