//! Classifies one image every second, and prints the answer and the time that it took.

#![no_std]
#![no_main]

use esp_backtrace as _;
use esp_hal::clock::CpuClock;
use esp_hal::delay::Delay;
use esp_hal::time::Instant;
use esp_println::println;

// The bootloader reads it.
esp_bootloader_esp_idf::esp_app_desc!();

prenda::include_model!(mod shoes = "shoes.bin");

/// An image of Fashion-MNIST's test split: 28 rows of 28 pixels.
static IMAGE: &[u8; shoes::PIXELS] = include_bytes!("../ankle-boot.gray");

#[esp_hal::main]
fn main() -> ! {
    esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));

    let mut workspace = shoes::Workspace::new();
    loop {
        let start = Instant::now();
        let answer = shoes::infer(&mut workspace, IMAGE);
        let micros = start.elapsed().as_micros();
        let (name, probability) = (shoes::NAMES[answer.class], answer.probabilities[answer.class]);
        println!("{name}, probability {probability} of 32768, in {micros} us");
        Delay::new().delay_millis(1_000);
    }
}
