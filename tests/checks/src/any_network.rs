//! Checks of any bytes as a network: encoded, parsed, damaged.

use arbitrary::{Result, Unstructured};
use shared_model::{BlobError, EncodeError, Model, Requant, WeightOrder};

use crate::{Layer, Network, any_blob, fit, reference_outputs, seal};

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
    assert_eq!(reference_outputs(&view, &network.image), network.reference_outputs());
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
        seal(&mut damaged);
        // The byte decides if the blob is refused. `any_blob` checks it otherwise.
        let _ = any_blob(&damaged);
    }
    true
}

fn network(bytes: &mut Unstructured<'_>) -> Result<Network> {
    let (rows, columns) = (bytes.int_in_range(1..=4)?, bytes.int_in_range(1..=9)?);
    let mut inputs = usize::from(rows * columns);
    let mut layers = Vec::new();
    let count = bytes.int_in_range(1..=6)?;
    for index in 1..=count {
        let outputs = bytes.int_in_range(1..=20)?;
        let min_shift = if index == count { MIN_SHIFT_OF_LOGITS } else { Requant::MIN_SHIFT };
        layers.push(layer(bytes, inputs, outputs, min_shift)?);
        inputs = outputs;
    }
    let mut class_names = vec![String::new(); inputs];
    for name in &mut class_names {
        *name = bytes.arbitrary::<char>()?.into();
    }
    let mut image = vec![0; usize::from(rows * columns)];
    bytes.fill_buffer(&mut image)?;
    Ok(Network { rows, columns, class_names, layers, image })
}

fn layer(bytes: &mut Unstructured<'_>, inputs: usize, outputs: usize, min_shift: u8) -> Result<Layer> {
    let order = *bytes.choose(&WeightOrder::ALL)?;
    let pruned = bytes.int_in_range(0..=4)?;
    let mut layer = Layer { order, ..Layer::default() };
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
    Ok(layer)
}
