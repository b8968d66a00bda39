//! The most memory that a device uses: the deepest stack after every kind of request.

use prenda::{DeviceFault, EncodeError, MAX_LAYERS, MemoryUse, Model, Refusal, WeightOrder};
use thiserror::Error;

use crate::uniform::Uniform;
use crate::{Client, ClientError, Device, DeviceError, Lab};

/// Bytes of noise, longer than any frame that a board accepts.
const TOO_LONG: usize = 5_000;

/// The reason why a device's memory could not be measured.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// The device does not start.
    #[error(transparent)]
    Start(#[from] DeviceError),
    /// The conversation fails.
    #[error("{cause}{post_mortem}")]
    Client {
        /// The cause.
        cause: ClientError,
        /// Details about the device.
        post_mortem: String,
    },
    /// The device accepted an invalid request.
    #[error("the device accepted a request that it should refuse")]
    NotRefused,
    /// The model with all weight orders cannot be encoded.
    #[error("cannot encode the model with all weight orders: {0}")]
    Encode(#[from] EncodeError),
}

/// Returns the memory that `device` uses after inferring and measuring with `model` and with a
/// model of the most layers and all weight orders, and after refusing images of wrong sizes and
/// noise. Only the stack depends on the model.
///
/// # Errors
///
/// Returns [`MemoryError`] if the device does not start or an answer is wrong.
pub fn most_memory(device: Device, lab: &Lab, model: &[u8]) -> Result<MemoryUse, MemoryError> {
    let of_all_orders = work(device, lab, &all_orders()?)?;
    // Last, since a hardware board keeps it.
    let of_model = work(device, lab, model)?;
    Ok(MemoryUse { stack_used: of_model.stack_used.max(of_all_orders.stack_used), ..of_model })
}

/// Encodes a model with the most layers, orders in turn, and both whole and partial tiles.
fn all_orders() -> Result<Vec<u8>, EncodeError> {
    let orders = WeightOrder::ALL.into_iter().cycle();
    let mut layers: Vec<_> = orders.zip([13, 10].into_iter().cycle()).take(MAX_LAYERS).collect();
    if let Some(last) = layers.last_mut() {
        last.1 = 16;
    }
    Uniform { pixels: 784, layers: &layers, weight: 1 }.encode_with_golden()
}

fn work(device: Device, lab: &Lab, model: &[u8]) -> Result<MemoryUse, MemoryError> {
    let mut session = device.start(lab, model)?;
    let inputs = Model::parse(model).map_or(0, |model| model.input_width());
    ask(&mut session.client, inputs).map_err(|error| match error {
        MemoryError::Client { cause, .. } => MemoryError::Client { cause, post_mortem: session.post_mortem() },
        error => error,
    })
}

fn ask(client: &mut Client, inputs: usize) -> Result<MemoryUse, MemoryError> {
    client.hello()?;
    for pixel in [0, 255] {
        client.send_image(&vec![pixel; inputs])?;
        client.receive_answer()?;
        match client.measure(&vec![pixel; inputs]) {
            Ok(_) | Err(ClientError::Refused(_)) => {} // not every device counts
            Err(error) => return Err(error.into()),
        }
    }
    for length in [0, inputs + 1] {
        client.send_image(&vec![255; length])?;
        match client.receive_answer() {
            Err(ClientError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(MemoryError::NotRefused),
        }
    }
    for noise in [&[0x55; 7][..], &[7; TOO_LONG]] {
        let refused = client.traffic().refused;
        client.send_raw(noise)?;
        client.hello()?;
        if client.traffic().refused == refused {
            return Err(MemoryError::NotRefused);
        }
    }
    Ok(client.memory_use()?)
}

impl From<ClientError> for MemoryError {
    fn from(cause: ClientError) -> Self {
        Self::Client { cause, post_mortem: String::new() }
    }
}

/// Returns true if `error` means that the model does not fit the device's memory.
pub fn is_too_large(error: &anyhow::Error) -> bool {
    let refused = match error.downcast_ref() {
        Some(ClientError::Refused(Refusal::NoModel(fault))) => Some(fault),
        _ => None,
    };
    matches!(refused, Some(DeviceFault::TooLarge(_) | DeviceFault::FrameTooLong { .. }))
        || matches!(error.downcast_ref(), Some(DeviceError::ModelTooLarge { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_of_all_orders_has_each_order_and_the_most_layers() {
        let blob = all_orders().unwrap();
        let model = Model::parse(&blob).unwrap();
        assert_eq!((model.layers().len(), model.golden().count()), (MAX_LAYERS, 1));
        for order in WeightOrder::ALL {
            assert!(model.matrices().any(|matrix| matrix.order() == order), "{order}");
        }
    }
}
