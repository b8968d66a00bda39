//! Arm MPS2 with FPGA image AN386, a Cortex-M4: the board that QEMU emulates by default.
//!
//! The link is UART 0; logs go out by semihosting.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use defmt_semihosting as _;
use firmware::hw::memory::{memory_use, model_region};
use firmware::hw::mps2_an386::Peripherals;
use firmware::{Buffers, Identity, Server, StatusLed};

const IDENTITY: Identity = Identity { board: "mps2-an386", core: "cortex-m4", memory_use };

#[entry]
fn main() -> ! {
    // Frames up to 2 KB, hidden layers up to 1024 neurons, up to 32 classes.
    static mut BUFFERS: Buffers<2048, 1024, 32> = Buffers::new();

    defmt::info!("{=str} starts", IDENTITY.board);
    let Some(Peripherals { mut uart, led }) = Peripherals::take() else {
        defmt::panic!("the peripherals are taken only here");
    };
    let mut server = Server::start(IDENTITY, model_region(), BUFFERS, StatusLed::new(led));
    match server.model() {
        Ok(model) => defmt::info!("model {=u32:08x}: {=u32} bytes, self-test passed", model.id.0, model.bytes),
        Err(fault) => defmt::error!("no model: {}", fault),
    }
    loop {
        // The UART neither fails nor ends.
        let Ok(()) = server.serve(&mut uart);
    }
}
