//! How much memory a device takes at most: the deepest that its stack has been after all that it
//! can be asked.

use shared_model::{EncodeError, MAX_LAYERS, MemoryUse, Model, WeightOrder};
use thiserror::Error;

use crate::uniform::Uniform;
use crate::{Client, ClientError, Device, DeviceError, Lab};

/// Longer than any frame that a board takes.
const TOO_LONG: usize = 5_000;

/// Why a device's memory is not known.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// It does not start.
    #[error(transparent)]
    Start(#[from] DeviceError),
    /// The conversation fails.
    #[error("{cause}{post_mortem}")]
    Client {
        /// How.
        cause: ClientError,
        /// What more is known of it.
        post_mortem: String,
    },
    /// Nothing is refused that should be.
    #[error("the device takes what it should refuse")]
    NotRefused,
    /// The model of every order cannot be made.
    #[error("the model of all weight orders cannot be made: {0}")]
    Made(#[from] EncodeError),
}

/// What `device` takes after `model`, which must run there, and one that has as many layers as can
/// be, with weights in all orders: each parsed, self-tested, inferred with and measured; images
/// of wrong sizes, frames that are too long, and what is no frame, all of which it refuses and
/// logs. Flash and variables are the same with any model.
///
/// # Errors
///
/// Where the device does not start, or answers otherwise than it should.
pub fn most_memory(device: Device, lab: &Lab, model: &[u8]) -> Result<MemoryUse, MemoryError> {
    let of_all_orders = work(device, lab, &all_orders()?)?;
    // Last, since a board on the desk keeps it.
    let of_model = work(device, lab, model)?;
    Ok(MemoryUse { stack_used: of_model.stack_used.max(of_all_orders.stack_used), ..of_model })
}

/// As many layers as a model has, each in the next order; wide enough for whole tiles of outputs
/// and ones of few.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_of_all_orders_has_each_and_as_many_layers_as_can_be() {
        let blob = all_orders().unwrap();
        let model = Model::parse(&blob).unwrap();
        assert_eq!((model.layers().count(), model.golden().count()), (MAX_LAYERS, 1));
        for order in WeightOrder::ALL {
            assert!(model.layers().any(|layer| layer.order() == order), "{order}");
        }
    }
}
