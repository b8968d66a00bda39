//! Compares this core's kernels with a slow reference on the real instruction set. The first byte
//! on the link selects the reference: `w` a wrong one, which must be detected, `r` the right one.

#![no_std]
#![no_main]

mod bench;
mod image;
mod layer;
mod network;
mod random;
mod shape;
mod weights;

use core::cell::RefCell;

use bench::{Bench, Failure, Outcome, Requants};
use critical_section::Mutex;
use defmt::{error, info};
use firmware::hw::{entry, keeps_saved_registers, program};
use shape::Case;
use shared_model::KERNEL;

static BENCH: Mutex<RefCell<Bench>> = Mutex::new(RefCell::new(Bench::new()));
static REQUANTS: Mutex<RefCell<Requants>> = Mutex::new(RefCell::new(Requants::new()));

/// Starts the board.
#[entry]
fn main() -> ! {
    program::check(|how| {
        critical_section::with(|token| {
            let (mut bench, mut requants) = (BENCH.borrow_ref_mut(token), REQUANTS.borrow_ref_mut(token));
            check(&mut |case, seed| bench.compare(&mut requants, case, seed, how == b'w'))
        })
    })
}

/// Compares a case with its reference, by a seed.
type Compare<'a> = &'a mut dyn FnMut(Case, u32) -> Result<Outcome, Failure>;

/// Returns true if all cases agree. Stops at the first that does not.
fn check(compare: Compare<'_>) -> bool {
    let mut total = Total::default();
    let is_right = total.run("narrow", shape::narrow(), compare) && total.run("wide", shape::wide(), compare);
    if is_right {
        let Total { networks, inferences, without_room } = total;
        info!(
            "{=u32} networks, {=u32} inferences agree with the reference, \
            by the kernels {=str}; {=u32} networks have no room here",
            networks, inferences, KERNEL, without_room
        );
    }
    is_right
}

#[derive(Default)]
struct Total {
    networks: u32,
    inferences: u32,
    without_room: u32,
}

impl Total {
    /// Runs `cases`, each with its own seed. Logs the first that fails and returns false.
    fn run(&mut self, name: &str, cases: impl Iterator<Item = Case>, compare: Compare<'_>) -> bool {
        for case in cases {
            let seed = self.networks + self.without_room;
            let mut outcome = Ok(Outcome::NoRoom);
            if !keeps_saved_registers(&mut || outcome = compare(case, seed)) {
                outcome = outcome.and(Err(Failure::Registers));
            }
            match outcome {
                Ok(Outcome::Agree(inferences)) => {
                    self.networks += 1;
                    self.inferences += inferences;
                }
                Ok(Outcome::NoRoom) => self.without_room += 1,
                Err(failure) => {
                    log_failure(case, seed, &failure);
                    return false;
                }
            }
        }
        info!("{=str}: {=u32} inferences so far", name, self.inferences);
        true
    }
}

fn log_failure(Case { shape, orders: [hidden, last] }: Case, seed: u32, failure: &Failure) {
    error!(
        "seed {=u32}, {=usize}-{=usize}-{=usize}, weight orders {=u8} and {=u8}, kernels {=str}: {}",
        seed, shape.inputs, shape.hidden, shape.outputs, hidden as u8, last as u8, KERNEL, failure
    );
}
