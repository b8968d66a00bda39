//! Checks of any bytes as a network: encoded, parsed, damaged.

use arbitrary::{Error, Result, Unstructured};
use prenda::{
    BlobError, EncodeError, Feature, LayerKind, MAX_DECIMALS, MAX_LAYERS, MAX_NETWORKS, Model, Requant, Scaling, Shape,
    WeightOrder, Window,
};

use crate::{Layer, Network, any_blob, clear_padding, fit, reference, write_checksum};

/// Damaged copies of each blob, with one changed byte each.
const DAMAGES: usize = 4;

/// From this shift on, every logit fits into 32 bits, because multipliers are below 2^31.
const MIN_SHIFT_OF_LOGITS: u8 = 31;

/// Builds a network from any bytes and checks that it survives encoding and parsing, infers like
/// the reference, and that its blob with a damaged byte is an error or a model. Returns false if
/// the bytes give no valid network because a sum overflows.
///
/// # Panics
///
/// Panics if a check fails.
pub fn any_network(bytes: &[u8]) -> bool {
    let mut bytes = Unstructured::new(bytes);
    // `Unstructured` gives zeros after its last byte, so this does not run out of bytes.
    let Ok(network) = network(&mut bytes) else { return false };
    let blob = match network.try_encode() {
        Ok(blob) => blob,
        Err(EncodeError::Blob(BlobError::Overflow { .. })) => return false,
        Err(error) => panic!("{error}: {network:?}"),
    };
    let view = Model::parse(&blob).unwrap_or_else(|error| panic!("{error}: {network:?}"));
    network.assert_matches(&view);
    assert_eq!(reference(&view, &network.image), network.reference());
    assert_eq!(any_blob(&blob), Ok(()));

    for _ in 0..DAMAGES {
        if bytes.is_empty() {
            break;
        }
        let [low, high, byte] = bytes.arbitrary().unwrap_or_default();
        let mut damaged = blob.clone();
        let place = usize::from(u16::from_le_bytes([low, high])) % blob.len();
        if let Some(target) = damaged.get_mut(place) {
            *target = byte;
        }
        write_checksum(&mut damaged);
        // The byte decides if the blob is refused. `any_blob` checks it otherwise.
        let _ = any_blob(&damaged);
    }
    true
}

fn network(bytes: &mut Unstructured<'_>) -> Result<Network> {
    let channels = if bytes.ratio(1, 4)? { bytes.int_in_range(2..=3)? } else { 1 };
    let shape = Shape { rows: bytes.int_in_range(1..=4)?, columns: bytes.int_in_range(1..=9)?, channels };
    let classes = bytes.int_in_range(1..=20)?;
    let network_count = if bytes.ratio(1, 4)? { bytes.int_in_range(2..=MAX_NETWORKS)? } else { 1 };
    let (mut layers, mut ends) = (Vec::new(), Vec::new());
    for network in 1..=network_count {
        let mut shape = shape;
        for _ in 1..bytes.int_in_range(1..=6.min(MAX_LAYERS / network_count))? {
            let (kind, order) = (kind(bytes, shape)?, *bytes.choose(&WeightOrder::ALL)?);
            let outputs = match kind {
                LayerKind::Dense | LayerKind::Convolution(_) => bytes.int_in_range(1..=20)?,
                _ => usize::from(shape.channels),
            };
            let order = if matches!(kind, LayerKind::Depthwise(_)) { WeightOrder::Pairs } else { order };
            layers.push(layer(bytes, kind, order, shape, outputs, Requant::MIN_SHIFT)?);
            shape = layers.last().map_or(shape, |layer| layer.output_shape(shape));
        }
        let order = *bytes.choose(&WeightOrder::ALL)?;
        layers.push(layer(bytes, LayerKind::Dense, order, shape, classes, MIN_SHIFT_OF_LOGITS)?);
        if network != network_count {
            ends.push((layers.len(), bytes.int_in_range(1..=i32::MAX)?));
        }
    }
    let mut class_names = vec![String::new(); classes];
    for name in &mut class_names {
        *name = bytes.arbitrary::<char>()?.into();
    }
    let mut image = vec![0; shape.count()];
    bytes.fill_buffer(&mut image)?;
    let mut features = Vec::new();
    if bytes.ratio(1, 4)? {
        for _ in 0..shape.count() {
            features.push(feature(bytes)?);
        }
    }
    Ok(Network { shape, features, class_names, layers, ends, image })
}

fn feature(bytes: &mut Unstructured<'_>) -> Result<Feature<'static>> {
    let name = *bytes.choose(&["x", "°C", "acceleration (g)"])?;
    let multiplier = bytes.int_in_range(Requant::MIN_MULTIPLIER..=Requant::MAX_MULTIPLIER)?;
    let requant = Requant::new(multiplier, bytes.int_in_range(Requant::MIN_SHIFT..=54)?).unwrap_or_default();
    // A factor may be too small.
    let scaling = Scaling::new(bytes.arbitrary()?, requant).or(Scaling::new(0, Requant::default()));
    let scaling = scaling.ok_or(Error::IncorrectFormat)?;
    Ok(Feature { name, decimals: bytes.int_in_range(0..=MAX_DECIMALS)?, scaling })
}

/// Chooses a layer's kind; a dense one if the chosen window does not fit.
fn kind(bytes: &mut Unstructured<'_>, input: Shape) -> Result<LayerKind> {
    let kind = *bytes.choose(&[
        |_| LayerKind::Dense,
        LayerKind::Convolution,
        LayerKind::Depthwise,
        LayerKind::MaxPool,
        LayerKind::AveragePool,
    ])?;
    let kernel: [u8; 2] = [bytes.int_in_range(1..=4)?, bytes.int_in_range(1..=4)?];
    let stride = [bytes.int_in_range(1..=3)?, bytes.int_in_range(1..=3)?];
    let mut padding = [0; 4];
    for (side, padding) in padding.iter_mut().enumerate() {
        *padding = bytes.int_in_range(0..=kernel[side % 2] - 1)?;
    }
    let window = Window { kernel, stride, padding };
    Ok(if window.positions(input).is_ok() { kind(window) } else { LayerKind::Dense })
}

fn layer(
    bytes: &mut Unstructured<'_>,
    kind: LayerKind,
    order: WeightOrder,
    input: Shape,
    outputs: usize,
    min_shift: u8,
) -> Result<Layer> {
    let mut layer = Layer { kind, order, ..Layer::default() };
    if !kind.has_matrix() {
        return Ok(Layer { order: WeightOrder::default(), ..layer });
    }
    let inputs = kind.matrix_inputs(input);
    let pruned = bytes.int_in_range(0..=4)?;
    for _ in 0..outputs {
        layer.biases.push(bytes.arbitrary()?);
        let multiplier = bytes.int_in_range(Requant::MIN_MULTIPLIER..=Requant::MAX_MULTIPLIER)?;
        let shift = bytes.int_in_range(min_shift..=Requant::MAX_SHIFT)?;
        layer.requants.extend(Requant::new(multiplier, shift));
    }
    let mut weights = vec![0; inputs * outputs];
    bytes.fill_buffer(&mut weights)?;
    layer.weights = weights.into_iter().map(u8::cast_signed).collect();
    fit(order, inputs, pruned, &mut layer.weights);
    clear_padding(kind, input, &mut layer.weights);
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_networks_of_all_kinds_infer_like_the_reference() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let is_network = |bytes: Vec<u8>| any_network(&bytes);
        let networks = (0..2000)
            .map(|_| (0..3000).map(|_| random()).collect())
            .filter(|bytes: &Vec<u8>| is_network(bytes.clone()));
        assert!(networks.count() > 500);
    }
}
