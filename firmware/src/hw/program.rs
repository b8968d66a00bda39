//! The programs, for any board.

use core::hint::black_box;

use embedded_io::Read;
use prenda::{BlobError, KERNEL, Model};
use prenda_serve::{FirstOf, Server, load_model};

use super::board::{self, Board, Buffers, IDENTITY, Workspace};
use super::end::end;
use super::fault::refuse;
use super::memory::model_region;
use super::{architecture, rtt};
use crate::StatusLed;

const NO_PERIPHERALS: &str = "the peripherals are taken, or a driver refuses its settings";

/// Serves the model in flash over the UART and RTT: the one that sends a request gets the answer.
pub fn serve() -> ! {
    static mut BUFFERS: (Workspace, Buffers) = (Workspace::new(), Buffers::new());

    let Some(Board { uart, led, sleep }) = board::take() else { refuse(NO_PERIPHERALS) };
    let buffers = &raw mut BUFFERS;
    // SAFETY: a board is taken once, so this line runs once and the reference is unique.
    let (workspace, buffers) = unsafe { &mut *buffers };
    // Last: a host that finds RTT may also use the UART.
    let Some(rtt) = rtt::start() else { refuse_second_start() };
    defmt::info!("{=str} starts, with the kernels {=str}", IDENTITY.board, KERNEL);
    let mut link = StatusLed::new(FirstOf::new(uart, rtt, sleep), led);
    // Written in place: a move takes a kilobyte of stack.
    let mut model: Result<Model<'_>, _> = Err(BlobError::Magic);
    load_model(&mut model, model_region());
    if let Ok(model) = &model {
        warn_of(model);
    }
    let mut server = Server::with_model(IDENTITY, &model, workspace, buffers);
    match server.model() {
        Ok(model) => defmt::info!("model {=u32:08x}: {=u32} bytes, self-test passed", model.id.0, model.bytes),
        Err(fault) => {
            link.fault();
            defmt::error!("no model: {}", fault);
        }
    }
    loop {
        // The link ends when the host changes streams, and fails if a line is noisy or an answer is
        // not read.
        let _ = server.serve(&mut link);
    }
}

/// Logs what could be better in a model that is usable.
fn warn_of(model: &Model<'_>) {
    if model.matrices().any(|matrix| matrix.order().has_faster()) {
        defmt::warn!("this core is faster with weights in another order: see `host-trainer reorder`");
    }
    if model.golden_count() == 0 {
        defmt::warn!("no golden vectors: the self-test compares nothing");
    }
}

/// Ends a program that is started twice.
fn refuse_second_start() -> ! {
    refuse("a program is started twice")
}

/// Passes the first byte on the link to `check` and ends with exit code 0 if that returns true,
/// otherwise with 1.
pub fn check(check: fn(u8) -> bool) -> ! {
    let how = first_byte("what to check");
    end(if check(how) { 0 } else { 1 })
}

/// Fails in the way that the first byte on the link requests, for tests.
// Not inlined: tests look for its name in backtraces.
#[inline(never)]
pub fn fail() -> ! {
    let how = first_byte("how to end");
    match how {
        b'e' => {
            defmt::info!("ends well");
            end(0)
        }
        b'p' => panic!("on purpose"),
        b'd' => defmt::panic!("on purpose, by defmt"),
        b'f' => architecture::undefined_instruction(),
        b's' => {
            black_box(recurse(black_box(0)));
        }
        b'l' => {
            architecture::mask_interrupts();
            // SAFETY: interrupts are masked, and the stack is far from its last word.
            unsafe { architecture::push_above_stack_end(size_of::<usize>()) };
            defmt::info!("the stack has its last word");
            end(0)
        }
        b'o' => {
            architecture::mask_interrupts();
            // SAFETY: interrupts are masked, and the write faults, which ends the run.
            unsafe { architecture::push_above_stack_end(0) };
        }
        _ => {}
    }
    defmt::panic!("asked for {=u8}, which is not a way to end", how);
}

/// Starts the board and its logs and waits for the byte that says `what`.
fn first_byte(what: &str) -> u8 {
    let Some(Board { uart, sleep, .. }) = board::take() else { refuse(NO_PERIPHERALS) };
    let Some(rtt) = rtt::start() else { refuse_second_start() };
    defmt::info!("{=str} waits for a byte that says {=str}", IDENTITY.board, what);
    let mut link = FirstOf::new(uart, rtt, sleep);
    let mut first = 0;
    while !matches!(link.read(core::slice::from_mut(&mut first)), Ok(1)) {}
    first
}

#[allow(unconditional_recursion, reason = "this is how a stack overflows")]
fn recurse(depth: u32) -> u32 {
    let frame = black_box([depth; 32]);
    recurse(depth.wrapping_add(1)).wrapping_add(frame[31])
}
