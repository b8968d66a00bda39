//! Measures inference: ticks of SysTick, memory, and a checksum of the outputs, for the images of
//! `images.gray`.
//!
//! On hardware a tick is a cycle of the core. The emulator counts instructions: each takes as many
//! ticks as one of the loop that `loop_ticks` reports.

#![no_std]
#![no_main]

#[path = "../measuring.rs"]
mod measuring;

use core::hint::black_box;

use cortex_m_rt::entry;
use measuring::{Checksum, Stack, Timer};
use panic_halt as _;
use semihosting::{println, process};

prenda::include_model!(mod shoes = "shoes.bin");

/// Images, one after another.
static IMAGES: &[u8] = include_bytes!("../../images.gray");

#[entry]
fn main() -> ! {
    static mut WORKSPACE: shoes::Workspace = shoes::Workspace::new();
    let mut timer = Timer::start();
    let loop_ticks = timer.loop_ticks();

    let (images, _) = IMAGES.as_chunks::<{ shoes::PIXELS }>();
    let (mut sum, mut max, mut checksum) = (0_u64, 0, Checksum::new());
    let stack = Stack::paint();
    for image in images {
        let ticks = timer.ticks(|| _ = black_box(shoes::infer(WORKSPACE, image).class));
        sum += u64::from(ticks);
        max = max.max(ticks);
        let answer = shoes::infer(WORKSPACE, image);
        answer.logits.iter().for_each(|logit| checksum.add(&logit.to_le_bytes()));
        answer.probabilities.iter().for_each(|probability| checksum.add(&probability.to_le_bytes()));
    }
    let stack = stack.used();
    println!(
        "images={} ticks_sum={sum} ticks_max={max} loop_ticks={loop_ticks} workspace_bytes={} stack_bytes={stack} \
         checksum={:08x}",
        images.len(),
        size_of::<shoes::Workspace>(),
        checksum.0,
    );
    process::exit(0)
}
