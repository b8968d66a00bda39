//! Measures a model that is read at run time, like `measure` one that is compiled in, and its
//! start-up. `super::parse` reads the model.

use core::hint::black_box;

use prenda::Model;
use semihosting::{println, process};

use super::measuring::{Checksum, Stack, Timer};
use super::parse;

/// Images, one after another.
static IMAGES: [u8; include_bytes!("../images.gray").len()] = *include_bytes!("../images.gray");

/// A region of flash: the model, then its seal.
static REGION: Aligned<[u8; include_bytes!("../sealed.bin").len()]> = Aligned(*include_bytes!("../sealed.bin"));

#[repr(C, align(16))]
struct Aligned<Bytes>(Bytes);

/// Layers of the model, and bytes of memory for them; `host-trainer inspect` prints both.
pub const LAYERS: usize = number(option_env!("LAYERS"), 2);
const MEMORY_BYTES: usize = number(option_env!("MEMORY_BYTES"), 360);

pub type Workspace = prenda::Workspace<MEMORY_BYTES, 10>;

/// Prints the measurements and ends the emulator.
pub fn measure(workspace: &mut Workspace) -> ! {
    let mut timer = Timer::start();
    let loop_ticks = timer.loop_ticks();

    let start_ticks = timer.ticks(|| _ = black_box(parse(&REGION.0)));
    let (mut sum, mut max, mut checksum) = (0_u64, 0, Checksum::new());
    let stack = Stack::paint();
    let model = match parse(&REGION.0) {
        Ok(model) => model,
        Err(error) => {
            println!("sealed.bin: {error}");
            process::exit(1)
        }
    };
    let mut images = 0;
    for image in IMAGES.chunks_exact(model.input_width()) {
        let ticks = timer.ticks(|| _ = black_box(infer(workspace, &model, image)));
        sum += u64::from(ticks);
        max = max.max(ticks);
        let Ok(answer) = workspace.infer(&model, image) else { process::abort() };
        answer.logits.iter().for_each(|logit| checksum.add(&logit.to_le_bytes()));
        answer.probabilities.iter().for_each(|probability| checksum.add(&probability.to_le_bytes()));
        images += 1;
    }
    black_box(first_answer(workspace, &IMAGES));
    let stack = stack.used();
    println!(
        "images={images} ticks_sum={sum} ticks_max={max} loop_ticks={loop_ticks} workspace_bytes={} \
         stack_bytes={stack} checksum={:08x} start_ticks={start_ticks}",
        size_of::<Workspace>(),
        checksum.0,
    );
    process::exit(0)
}

/// Returns the class of `image`: all that a firmware needs from start-up to the answer.
#[inline(never)]
pub fn first_answer(workspace: &mut Workspace, image: &[u8]) -> Option<usize> {
    infer(workspace, &parse(&REGION.0).ok()?, image)
}

/// Returns the class.
#[inline(never)]
fn infer(workspace: &mut Workspace, model: &Model<'_, LAYERS>, image: &[u8]) -> Option<usize> {
    workspace.infer(model, image).ok().map(|answer| answer.class)
}

/// Parses a number that was set while the program was compiled.
const fn number(text: Option<&str>, default: usize) -> usize {
    let Some(text) = text else { return default };
    match usize::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("expected a number"),
    }
}
