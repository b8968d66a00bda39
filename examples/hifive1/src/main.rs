//! Classifies one image, and prints the answer by UART.

#![no_std]
#![no_main]

use hifive1::hal::DeviceResources;
use hifive1::hal::prelude::*;
use hifive1::{pin, sprintln};
use panic_halt as _;
use riscv_rt::entry;

prenda::include_model!(mod shoes = "shoes.bin");

/// An image of Fashion-MNIST's test split: 28 rows of 28 pixels.
static IMAGE: &[u8; shoes::PIXELS] = include_bytes!("../ankle-boot.gray");

#[entry]
fn main() -> ! {
    let resources = DeviceResources::take().unwrap();
    let peripherals = resources.peripherals;
    let pins = resources.pins;
    let clocks = hifive1::clock::configure(peripherals.PRCI, peripherals.AONCLK, 320.mhz().into());
    let (tx, rx) = (pin!(pins, uart0_tx), pin!(pins, uart0_rx));
    hifive1::stdout::configure(peripherals.UART0, tx, rx, 115_200.bps(), clocks);

    let mut workspace = shoes::Workspace::new();
    let answer = shoes::infer(&mut workspace, IMAGE);
    sprintln!("{}, probability {} of 32768", shoes::NAMES[answer.class], answer.probabilities[answer.class]);
    loop {
        riscv::asm::wfi();
    }
}
