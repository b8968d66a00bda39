//! Classifies rows of raw sensor words, prints the logits of each, and ends the emulator.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use panic_halt as _;
use semihosting::{println, process};

prenda::include_model!(mod iris = "iris.bin");

/// Lengths and widths of sepals and petals in millimetres: iris.csv, in the order of its columns.
static ROWS: &[[i32; iris::PIXELS]] = include!(concat!(env!("OUT_DIR"), "/rows.rs"));

#[entry]
fn main() -> ! {
    let mut workspace = iris::Workspace::new();
    for row in ROWS {
        let input = iris::quantize_input(row);
        let answer = iris::infer(&mut workspace, &input);
        println!("{} {:?}", iris::NAMES[answer.class], answer.logits);
    }
    process::exit(0)
}
