//! Classifies one image, logs the answer, and blinks the number of its class; again after a pause.

#![no_std]
#![no_main]

use defmt::info;
use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_rp::gpio::{Level, Output};
use embassy_time::{Instant, Timer};
use panic_probe as _;

prenda::include_model!(mod shoes = "shoes.bin");

/// An image of Fashion-MNIST's test split: 28 rows of 28 pixels.
static IMAGE: &[u8; shoes::PIXELS] = include_bytes!("../ankle-boot.gray");

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let p = embassy_rp::init(Default::default());
    let mut led = Output::new(p.PIN_25, Level::Low);

    let mut workspace = shoes::Workspace::new();
    loop {
        let start = Instant::now();
        let answer = shoes::infer(&mut workspace, IMAGE);
        let micros = start.elapsed().as_micros();
        let (name, probability) = (shoes::NAMES[answer.class], answer.probabilities[answer.class]);
        info!("{}, probability {} of 32768, in {} us", name, probability, micros);

        for _ in 0..answer.class {
            led.set_high();
            Timer::after_millis(150).await;
            led.set_low();
            Timer::after_millis(250).await;
        }
        Timer::after_secs(2).await;
    }
}
