//! Measures a model that is parsed at start-up trusting its seal.

#![no_std]
#![no_main]

#[path = "../measuring.rs"]
mod measuring;
#[path = "../run_time.rs"]
mod run_time;

use cortex_m_rt::entry;
use panic_halt as _;
use prenda::{BlobError, Model};

#[entry]
fn main() -> ! {
    static mut WORKSPACE: run_time::Workspace = run_time::Workspace::new();
    run_time::measure(WORKSPACE)
}

#[inline(never)]
fn parse(region: &'static [u8]) -> Result<Model<'static, { run_time::LAYERS }>, BlobError> {
    Model::from_sealed(region)
}
