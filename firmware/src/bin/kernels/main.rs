//! Compares this core's kernels with a slow reference on the real instruction set. The first byte
//! on the link selects the reference: `w` a wrong one, which must be detected, `r` the right one.

#![no_std]
#![no_main]

mod bench;
mod cascade;
mod image;
mod layer;
mod network;
mod random;
mod shape;
mod walk;
mod weights;
mod window;

use core::cell::RefCell;

use bench::{Bench, Failure, Outcome, Requants};
use critical_section::Mutex;
use defmt::{error, info};
use firmware::hw::{entry, keeps_saved_registers, program};
use prenda::KERNEL;

static BENCH: Mutex<RefCell<Bench>> = Mutex::new(RefCell::new(Bench::new()));
static REQUANTS: Mutex<RefCell<Requants>> = Mutex::new(RefCell::new(Requants::new()));

/// Starts the board.
#[entry]
fn main() -> ! {
    program::check(|how| {
        critical_section::with(|token| {
            let (mut bench, mut requants) = (BENCH.borrow_ref_mut(token), REQUANTS.borrow_ref_mut(token));
            check(&mut bench, &mut requants, how == b'w')
        })
    })
}

/// Returns true if all cases agree. Stops at the first that does not.
///
/// With a wrong reference, returns true if all cases of some group agree with it.
fn check(bench: &mut Bench, requants: &mut Requants, is_wrong: bool) -> bool {
    let mut total = Total::default();
    let mut dense = |case, seed| bench.compare(requants, case, seed, is_wrong);
    let are_narrow_right = total.run("narrow", shape::narrow(), &mut dense);
    let are_dense_right = (are_narrow_right || is_wrong) && total.run("wide", shape::wide(), &mut dense);
    let mut windows = |case, seed| bench.compare_windows(requants, case, seed, is_wrong);
    let are_windows_right = (are_dense_right || is_wrong) && total.run("windows", window::all(), &mut windows);
    if is_wrong {
        return are_narrow_right || are_dense_right || are_windows_right;
    }
    if are_windows_right {
        let Total { networks, inferences, without_room } = total;
        info!(
            "{=u32} networks, {=u32} inferences agree with the reference, \
            by the kernels {=str}; {=u32} networks have no room here",
            networks, inferences, KERNEL, without_room
        );
    }
    are_windows_right
}

#[derive(Default)]
struct Total {
    networks: u32,
    inferences: u32,
    without_room: u32,
}

impl Total {
    /// Runs `cases`, each with its own seed. Logs the first that fails and returns false.
    fn run<C: Copy + defmt::Format>(
        &mut self,
        name: &str,
        cases: impl Iterator<Item = C>,
        compare: &mut dyn FnMut(C, u32) -> Result<Outcome, Failure>,
    ) -> bool {
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
                    error!("seed {=u32}, {}, kernels {=str}: {}", seed, case, KERNEL, failure);
                    return false;
                }
            }
        }
        info!("{=str}: {=u32} inferences so far", name, self.inferences);
        true
    }
}
