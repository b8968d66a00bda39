use shared_model::{EncodeError, ModelSource};
#[cfg(test)]
use shared_model::{NetworkSource, Provenance, Shape};

#[cfg(test)]
use super::QuantizedLayer;

/// Encodes `source` as a model.
///
/// # Errors
///
/// Returns an error if it breaks a rule of the format.
pub fn encode(source: &ModelSource<'_>) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = vec![0; source.encoded_length_bound()];
    let length = source.encode(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Encodes `layers` as a model for images of one row, without golden vectors.
#[cfg(test)]
pub fn encode_plain(layers: &[QuantizedLayer], columns: usize) -> Vec<u8> {
    let classes = layers.last().unwrap().biases.len();
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let layers: Vec<_> = layers.iter().map(QuantizedLayer::source).collect();
    let provenance = Provenance::default();
    let (image, networks) = (Shape::grey(1, columns.try_into().unwrap()), [NetworkSource::only(&layers)]);
    let source = ModelSource { class_names: &names, image, networks: &networks, golden: &[], provenance };
    encode(&source).unwrap()
}
