//! How many ticks of a counter inference takes: all of it, and each of its stages.

use core::hint::black_box;
use core::sync::atomic::{Ordering, compiler_fence};

use shared_model::{InferError, Model, STAGE_BYTES, Stage, Workspace};

/// What a board counts with.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// The count, which wraps.
    pub ticks: fn() -> u32,
    /// Ticks a second. On hardware it is the clock of the core, so that a tick is a cycle.
    pub hertz: u32,
    /// Says whether interrupts may be taken. Nothing where they never are.
    pub let_interrupt: fn(bool),
    /// Runs a loop of two instructions so many times: a subtraction, and a branch back.
    pub spin: fn(u8),
}

impl Counter {
    /// The count between what stands before and what stands behind, also where the compiler would
    /// move either.
    fn now(&self) -> u32 {
        compiler_fence(Ordering::SeqCst);
        let now = (self.ticks)();
        compiler_fence(Ordering::SeqCst);
        now
    }
}

/// Bytes of what is counted in a measurement of a model with so many layers.
pub(crate) const fn counted_bytes(layers: usize) -> usize {
    layers.saturating_mul(3 * STAGE_BYTES).saturating_add(4 + STAGE_BYTES)
}

/// Adds ticks up by stage.
struct Laps<'a> {
    counter: &'a Counter,
    last: u32,
    stages: &'a mut [[u8; STAGE_BYTES]],
}

impl Laps<'_> {
    /// Counts what has been done since the last call, or the start, as `stage`. Its own work is not
    /// counted.
    fn take(&mut self, stage: Stage<'_>) {
        let ticks = self.counter.now().wrapping_sub(self.last);
        let place = match stage {
            Stage::Gather { layer } => layer.wrapping_mul(3),
            Stage::Accumulate { layer } => layer.wrapping_mul(3).wrapping_add(1),
            Stage::Activations { layer, .. } | Stage::Logits { layer } => layer.wrapping_mul(3).wrapping_add(2),
            Stage::Softmax => self.stages.len().wrapping_sub(1),
        };
        if let Some(stage) = self.stages.get_mut(place) {
            // Both counts of a stage are one number to add to: its ticks are below 2^32 in all.
            let counts = u64::from_le_bytes(*stage).wrapping_add(1 << 32 | u64::from(ticks));
            *stage = counts.to_le_bytes();
        }
        self.last = self.counter.now();
    }
}

/// Infers twice, and writes to `counts`, of [`counted_bytes`], what the link carries of a
/// measurement.
pub(crate) fn measure<const WIDTH: usize, const CLASSES: usize>(
    counter: &Counter,
    workspace: &mut Workspace<WIDTH, CLASSES>,
    model: &Model<'_>,
    pixels: &[u8],
    counts: &mut [u8],
) -> Result<(), InferError> {
    for byte in &mut *counts {
        // Not known to be zeros: else a function that clears memory comes in, for this alone.
        *byte = black_box(0);
    }
    let Some((total, stages)) = counts.split_first_chunk_mut() else { return Ok(()) };
    (counter.let_interrupt)(false);
    let start = counter.now();
    let outcome = workspace.infer(model, pixels).map(|prediction| _ = black_box(prediction.class));
    *total = counter.now().wrapping_sub(start).to_le_bytes();
    if outcome.is_ok() {
        let mut laps = Laps { counter, last: counter.now(), stages: stages.as_chunks_mut().0 };
        // What it says it has said before.
        let _ = black_box(workspace.infer_with(model, pixels, &mut |stage| laps.take(stage)));
    }
    (counter.let_interrupt)(true);
    outcome
}

/// Writes to `counts`, of [`CALIBRATION_BYTES`], what the link carries of a calibration by `rounds`
/// of the loop.
pub(crate) fn calibrate(counter: &Counter, rounds: u8, workspace_bytes: usize, counts: &mut [u8]) {
    let mut stages = [[0; STAGE_BYTES]];
    (counter.let_interrupt)(false);
    let start = counter.now();
    (counter.spin)(rounds);
    let ticks = counter.now().wrapping_sub(start);
    let mut laps = Laps { counter, last: 0, stages: &mut stages };
    let mut take = |stage: Stage<'_>| laps.take(stage);
    // Called as inference calls it: by address.
    let on_stage: &mut dyn FnMut(Stage<'_>) = black_box(&mut take);
    // The first, which has no place, begins the second.
    on_stage(Stage::Gather { layer: 1 });
    on_stage(Stage::Softmax);
    (counter.let_interrupt)(true);
    let [[a, b, c, d, ..]] = stages;
    let values = [counter.hertz, ticks, u32::from_le_bytes([a, b, c, d]), workspace_bytes as u32];
    for (count, value) in counts.as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *count = value.to_le_bytes();
    }
}

/// Bytes of what is counted in a calibration.
pub(crate) const CALIBRATION_BYTES: usize = 16;
