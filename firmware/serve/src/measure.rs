//! Measures inference and its stages in ticks of a counter.

use core::hint::black_box;
use core::sync::atomic::{Ordering, compiler_fence};

use prenda::{Classifier, InferError, STAGE_BYTES, Stage};

/// A board's counter.
///
/// # Examples
///
/// ```
/// use prenda_serve::{Counter, Identity};
///
/// # fn cycles() -> u32 { 0 }
/// # fn let_interrupt(_: bool) {}
/// # fn spin(_: u8) {}
/// // `cycles` reads the counter of a core with 64 MHz, such as `DWT.CYCCNT` of a Cortex-M4.
/// let counter = Counter { ticks: cycles, hertz: 64_000_000, let_interrupt, spin };
/// let identity = Identity { counter: Some(counter), ..Identity::new("my-board", "cortex-m4") };
/// assert!(identity.counter.is_some_and(|counter| counter.hertz == 64_000_000));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// Returns the count, which wraps.
    pub ticks: fn() -> u32,
    /// Ticks per second. On hardware, a tick is a cycle of the core.
    pub hertz: u32,
    /// Enables or disables interrupts. Does nothing if they are always masked.
    pub let_interrupt: fn(bool),
    /// Runs a loop of two instructions (subtract, branch) that many times.
    pub spin: fn(u8),
}

impl Counter {
    /// Reads the counter. The fences keep the compiler from moving code across the read.
    fn now(&self) -> u32 {
        compiler_fence(Ordering::SeqCst);
        let now = (self.ticks)();
        compiler_fence(Ordering::SeqCst);
        now
    }
}

/// Returns the length of a measurement's counts, in bytes.
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
    /// Adds the ticks since the last call to `stage`. Its own work is not counted.
    fn take(&mut self, stage: Stage<'_>) {
        let ticks = self.counter.now().wrapping_sub(self.last);
        let place = match stage {
            Stage::Gather { layer } => layer.wrapping_mul(3),
            Stage::Accumulate { layer } => layer.wrapping_mul(3).wrapping_add(1),
            Stage::Activations { layer, .. } | Stage::Logits { layer } => layer.wrapping_mul(3).wrapping_add(2),
            // `Stage::Softmax`.
            _ => self.stages.len().wrapping_sub(1),
        };
        if let Some(stage) = self.stages.get_mut(place) {
            // Calls and ticks of a stage share one number, since its ticks stay below 2^32.
            let counts = u64::from_le_bytes(*stage).wrapping_add(1 << 32 | u64::from(ticks));
            *stage = counts.to_le_bytes();
        }
        self.last = self.counter.now();
    }
}

/// Infers twice and writes the measurement to the start of `outputs`. Returns its counts.
pub(crate) fn measure<'o>(
    counter: &Counter,
    classifier: &mut impl Classifier,
    pixels: &[u8],
    outputs: &'o mut [u8],
) -> Result<&'o [u8], InferError> {
    let counts = outputs.get_mut(..counted_bytes(classifier.info().layers.into())).unwrap_or_default();
    for byte in &mut *counts {
        // Hides the zero: otherwise the compiler links `memset` for this loop alone.
        *byte = black_box(0);
    }
    let Some((total, stages)) = counts.split_first_chunk_mut() else { return Ok(&[]) };
    (counter.let_interrupt)(false);
    let start = counter.now();
    let outcome = classifier.infer(pixels).map(|prediction| _ = black_box(prediction.class));
    *total = counter.now().wrapping_sub(start).to_le_bytes();
    if outcome.is_ok() {
        let mut laps = Laps { counter, last: counter.now(), stages: stages.as_chunks_mut().0 };
        // The first inference has reported the same result.
        let _ = black_box(classifier.infer_with(pixels, &mut |stage| laps.take(stage)));
    }
    (counter.let_interrupt)(true);
    outcome.map(|()| &*counts)
}

/// Runs `rounds` of the loop and writes the calibration to the start of `outputs`. Returns its
/// counts.
pub(crate) fn calibrate<'o>(counter: &Counter, rounds: u8, workspace_bytes: usize, outputs: &'o mut [u8]) -> &'o [u8] {
    let counts = outputs.get_mut(..CALIBRATION_BYTES).unwrap_or_default();
    let mut stages = [[0; STAGE_BYTES]];
    (counter.let_interrupt)(false);
    let start = counter.now();
    (counter.spin)(rounds);
    let ticks = counter.now().wrapping_sub(start);
    let mut laps = Laps { counter, last: 0, stages: &mut stages };
    let mut take = |stage: Stage<'_>| laps.take(stage);
    // Called through a pointer, like inference does.
    let on_stage: &mut dyn FnMut(Stage<'_>) = black_box(&mut take);
    // The first call has no place in `stages` and only starts the second.
    on_stage(Stage::Gather { layer: 1 });
    on_stage(Stage::Softmax);
    (counter.let_interrupt)(true);
    let [[a, b, c, d, ..]] = stages;
    let values = [counter.hertz, ticks, u32::from_le_bytes([a, b, c, d]), workspace_bytes as u32];
    for (count, value) in counts.as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *count = value.to_le_bytes();
    }
    counts
}

/// Length of a calibration's counts.
pub(crate) const CALIBRATION_BYTES: usize = 16;
