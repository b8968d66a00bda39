//! Graphics cards with Vulkan or Metal.

use std::sync::{Mutex, OnceLock, PoisonError};

use burn::tensor::wgpu::wgpu::{AdapterInfo, Backends, DeviceType, Instance, InstanceDescriptor};
use burn::tensor::wgpu::{WgpuBackend, WgpuInitError};
use burn::tensor::{Device, try_read_sync};

use super::{BackendError, Hardware};

const IS_APPLE: bool = cfg!(target_vendor = "apple");

/// The device and its description, after the first call of [`open`]: burn opens it once for a
/// program.
static OPENED: OnceLock<Result<(Device, Hardware), String>> = OnceLock::new();

/// Held while adapters are listed: Vulkan's loader crashes if several threads do so at once.
static LISTING: Mutex<()> = Mutex::new(());

/// Returns every adapter.
pub fn hardware() -> Vec<Hardware> {
    let _listing = LISTING.lock().unwrap_or_else(PoisonError::into_inner);
    let backends = if IS_APPLE { Backends::METAL } else { Backends::VULKAN };
    let instance = Instance::new(InstanceDescriptor { backends, ..InstanceDescriptor::new_without_display_handle() });
    let adapters = try_read_sync(instance.enumerate_adapters(backends)).unwrap_or_default();
    adapters.iter().map(|adapter| describe(adapter.get_info())).collect()
}

/// Opens the adapter that the driver prefers, or the one that `CUBECL_WGPU_DEFAULT_DEVICE` names.
pub fn open() -> Result<(Device, Hardware), BackendError> {
    let opened = OPENED.get_or_init(|| {
        let _listing = LISTING.lock().unwrap_or_else(PoisonError::into_inner);
        // burn would fall back to OpenGL, which supports few operations.
        let interface = if IS_APPLE { WgpuBackend::Metal } else { WgpuBackend::Vulkan };
        let opened = Device::wgpu_options().graphics_api(interface).init_with_setup();
        let (device, setup) = opened.map_err(|error| match error {
            WgpuInitError::AdapterUnavailable { message, .. } => message,
            error => error.to_string(),
        })?;
        Ok((device, describe(setup.adapter.get_info())))
    });
    opened.clone().map_err(|reason| BackendError::NoDevice {
        name: "wgpu",
        reason,
        advice: if IS_APPLE {
            "use a Mac with Metal"
        } else {
            "install the driver of the graphics card, or one for the processor (on Debian: mesa-vulkan-drivers)"
        },
    })
}

fn describe(adapter: AdapterInfo) -> Hardware {
    let kind = match adapter.device_type {
        DeviceType::DiscreteGpu => Some("discrete"),
        DeviceType::IntegratedGpu => Some("integrated"),
        DeviceType::VirtualGpu => Some("virtual"),
        DeviceType::Cpu => Some("software"),
        DeviceType::Other => None,
    };
    let driver = format!("{} {}", adapter.driver, adapter.driver_info);
    Hardware {
        name: adapter.name,
        interface: if IS_APPLE { "Metal" } else { "Vulkan" }.into(),
        kind,
        driver: Some(driver.trim().to_owned()).filter(|driver| !driver.is_empty()),
    }
}
