//! Graphics cards with NVIDIA's CUDA. The driver is loaded at run time: building needs no CUDA
//! toolkit.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, OnceLock, PoisonError};

use burn::tensor::{Device, DeviceType, Tensor};

use super::{BackendError, Hardware};

/// The device and its description, after the first call of [`open`].
static OPENED: OnceLock<Result<(Device, Hardware), String>> = OnceLock::new();

/// Returns every card that works.
pub fn hardware() -> Vec<Hardware> {
    let devices = Device::enumerate(DeviceType::Cuda);
    devices.into_iter().filter_map(|device| describe(&device).ok()).collect()
}

/// Opens the first card.
pub fn open() -> Result<(Device, Hardware), BackendError> {
    let opened = OPENED.get_or_init(|| {
        let device = Device::enumerate(DeviceType::Cuda).into_iter().next();
        let device = device.ok_or("NVIDIA's driver is not installed, or finds no card")?;
        let hardware = describe(&device)?;
        Ok((device, hardware))
    });
    opened.clone().map_err(|reason| BackendError::NoDevice {
        name: "cuda",
        reason,
        advice: "install NVIDIA's driver for the card",
    })
}

/// Describes `device`, or fails if it cannot compute.
fn describe(device: &Device) -> Result<Hardware, String> {
    let (identity, computed) = quietly(|| {
        let computed = Tensor::<1>::ones([1], device).add_scalar(1.0).try_into_scalar::<f32>();
        (device.identity(), computed)
    })?;
    computed.map_err(|error| error.to_string())?;
    let name = identity.map_or_else(|| "a card without a name".to_owned(), |identity| identity.name);
    Ok(Hardware { name, interface: "CUDA".into(), kind: None, driver: None })
}

/// Runs `work` and turns a panic into an error, without printing it: burn-cuda panics if the driver
/// refuses.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Mutex<()> = Mutex::new(());
    // The hook is global. Two threads that replace it in turn would keep each other's.
    let _hook = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let printing = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(printing);
    result.map_err(|payload| match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().map_or("the driver gives no reason", |text| text).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(quietly(|| 7), Ok(7));
        assert_eq!(quietly(|| -> u8 { panic!("no card {}", 3) }), Err("no card 3".to_owned()));
        assert_eq!(quietly(|| -> u8 { panic!("no card") }), Err("no card".to_owned()));
    }
}
