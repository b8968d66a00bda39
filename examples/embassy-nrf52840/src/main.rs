//! Classifies one image, logs the answer, and shows the number of its class on four LEDs.

#![no_std]
#![no_main]

use defmt::info;
use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use panic_probe as _;

prenda::include_model!(mod shoes = "shoes.bin");

/// An image of Fashion-MNIST's test split: 28 rows of 28 pixels.
static IMAGE: &[u8; shoes::PIXELS] = include_bytes!("../ankle-boot.gray");

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let p = embassy_nrf::init(Default::default());
    // LED1 to LED4 of the nRF52840-DK, which are on if the pin is low.
    let mut leds = [
        Output::new(p.P0_13, Level::High, OutputDrive::Standard),
        Output::new(p.P0_14, Level::High, OutputDrive::Standard),
        Output::new(p.P0_15, Level::High, OutputDrive::Standard),
        Output::new(p.P0_16, Level::High, OutputDrive::Standard),
    ];

    let mut workspace = shoes::Workspace::new();
    let answer = shoes::infer(&mut workspace, IMAGE);
    let (name, probability) = (shoes::NAMES[answer.class], answer.probabilities[answer.class]);
    info!("{}, probability {} of 32768", name, probability);

    for (bit, led) in leds.iter_mut().enumerate() {
        if answer.class >> bit & 1 == 1 {
            led.set_low();
        }
    }
    core::future::pending().await // a dropped `Output` would turn its LED off
}
