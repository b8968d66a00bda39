use prenda::{EncodeError, ModelSource};
#[cfg(test)]
use prenda::{LayerKind, NetworkSource, Provenance, Shape};

#[cfg(test)]
use super::{QuantizedLayer, sources};
#[cfg(test)]
use crate::network::LayerPlan;

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

/// Encodes the dense `layers` as a model for images of one row, without golden vectors.
#[cfg(test)]
pub fn encode_plain(layers: &[QuantizedLayer], columns: usize) -> Vec<u8> {
    let shape = |layer: &QuantizedLayer| Shape::grey(1, layer.biases.len() as u16);
    let mut input = Shape::grey(1, columns.try_into().unwrap());
    let plan = layers.iter().map(|layer| {
        let plan = LayerPlan { kind: LayerKind::Dense, input, output: shape(layer) };
        input = plan.output;
        plan
    });
    encode_network(&plan.collect::<Vec<_>>(), layers)
}

/// Encodes a network of `plan` with the matrices `layers`, without golden vectors.
#[cfg(test)]
pub fn encode_network(plan: &[LayerPlan], layers: &[QuantizedLayer]) -> Vec<u8> {
    let classes = layers.last().unwrap().biases.len();
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let layers = sources(plan, layers);
    let provenance = Provenance::default();
    let (image, networks) = (plan[0].input, [NetworkSource::only(&layers)]);
    let (networks, features) = (&networks, &[]);
    let source = ModelSource { class_names: &names, image, features, networks, golden: &[], provenance };
    encode(&source).unwrap()
}
