//! Breaks on purpose, so that tests see how a run ends that must not go on. The first byte on the link says how.

#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use defmt_semihosting as _;
use embedded_io::Read;
use firmware::hw::mps2_an386::Peripherals;

#[entry]
fn main() -> ! {
    let Some(Peripherals { mut uart, .. }) = Peripherals::take() else {
        defmt::panic!("the peripherals are taken only here");
    };
    let mut how = [0];
    let Ok(_) = uart.read(&mut how);
    match how {
        [b'p'] => panic!("on purpose"),
        [b'd'] => defmt::panic!("on purpose, by defmt"),
        [b'f'] => cortex_m::asm::udf(),
        [b's'] => {
            black_box(recurse(black_box(0)));
        }
        _ => {}
    }
    defmt::panic!("asked for {=u8}, which is no way to break", how[0]);
}

/// Never comes back from its own depth.
#[allow(unconditional_recursion, reason = "this is how a stack overflows")]
fn recurse(depth: u32) -> u32 {
    let frame = black_box([depth; 32]);
    recurse(depth.wrapping_add(1)).wrapping_add(frame[31])
}
