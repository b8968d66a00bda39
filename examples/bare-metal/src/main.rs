//! Classifies one image, prints the answer, and ends the emulator.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use panic_halt as _;
use semihosting::{println, process};

prenda::include_model!(mod shoes = "shoes.bin");

/// An image of Fashion-MNIST's test split: 28 rows of 28 pixels.
static IMAGE: &[u8; shoes::PIXELS] = include_bytes!("../ankle-boot.gray");

#[entry]
fn main() -> ! {
    let mut workspace = shoes::Workspace::new();
    let answer = shoes::infer(&mut workspace, IMAGE);
    println!("{}, probability {} of 32768", shoes::NAMES[answer.class], answer.probabilities[answer.class]);
    process::exit(0)
}
