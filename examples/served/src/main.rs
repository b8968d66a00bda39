//! Serves a model over RTT, so that `parity` can compare this firmware with the host.

#![no_std]
#![no_main]

// Provides the critical section of RTT.
use cortex_m as _;
use cortex_m_rt::entry;
use panic_halt as _;
use prenda_serve::{Buffers, Identity, Server, rtt_link};

prenda::include_model!(mod shoes = "shoes.bin");

#[entry]
fn main() -> ! {
    let mut link = rtt_link!();
    let mut buffers = Buffers::<1024>::new();
    let mut server = Server::new(Identity::new("served", "cortex-m4"), shoes::Workspace::new(), &mut buffers);
    loop {
        // An error means that the host does not read; the next request starts again.
        let _ = server.serve(&mut link);
    }
}
