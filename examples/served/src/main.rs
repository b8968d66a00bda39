//! Serves a model over RTT, so that `parity` can compare this firmware with the host.

#![no_std]
#![no_main]

// Provides the critical section of RTT.
use cortex_m as _;
use cortex_m_rt::entry;
use panic_halt as _;
use prenda::{Model, Workspace};
use prenda_serve::{Buffers, Identity, Server, rtt_link};

/// Bytes, aligned for words.
#[repr(C, align(4))]
struct Words<const BYTES: usize>([u8; BYTES]);

static MODEL: Words<{ include_bytes!("../shoes.bin").len() }> = Words(*include_bytes!("../shoes.bin"));

#[entry]
fn main() -> ! {
    let model = Model::parse(&MODEL.0);
    let mut workspace = Workspace::<2048, 10>::new();

    let mut link = rtt_link!();
    let mut buffers = Buffers::<1024>::new();
    let mut server = Server::with_model(Identity::new("served", "cortex-m4"), &model, &mut workspace, &mut buffers);
    loop {
        // An error means that the host does not read; the next request starts again.
        let _ = server.serve(&mut link);
    }
}
