//! Estimates inferences of the run-time server, the firmware of an emulated board.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use boards::owned::OwnedBoard;
use parity::{Client, Device, Lab, Link, Measurement, Retry};
use prenda::{MemoryUse, Model};

use crate::core::Core;
use crate::decode::Set;
use crate::elf::Program;
use crate::estimator::{Estimator, Pass};
use crate::trace::{End, Range};
use crate::tracing::{Method, Tracing};

/// Passes of the function that infers, for each image that is measured: without and with stages.
const PASSES: usize = 2;

/// The inferences of one emulated board, for several boards with the same core or a related one.
pub struct Inferences {
    pub memory: MemoryUse,
    /// The workspace of the firmware, part of its variables.
    pub workspace_bytes: u32,
    /// For each image.
    pub images: Vec<Image>,
}

/// The inference of one image.
pub struct Image {
    pub instructions: u64,
    /// Cycles of each board whose core is modelled.
    pub cycles: Vec<u64>,
    /// Cycles of each layer and of softmax, of each board.
    pub layers: Vec<Vec<u64>>,
}

/// Number of the first request. All numbers then have four bytes, so that each image is at the same
/// address, that of a word.
const FIRST_NUMBER: u32 = 1 << 24;

/// Settings of a run.
pub struct Settings<'a> {
    pub firmware: &'a Path,
    pub patience: std::time::Duration,
    pub method: &'a Method,
}

/// Factor by which answers take longer while QEMU writes its execution log.
const LOG_FACTOR: u32 = 20;

/// Runs the firmware of the emulated board called `emulated` with `model`, infers each of
/// `images`, and estimates the cycles on `boards`.
///
/// # Errors
///
/// Returns an error if the firmware does not start or answer, or its trace cannot be used.
pub fn run(
    emulated: &str,
    boards: &[OwnedBoard],
    model: &Model<'_>,
    images: &[&[u8]],
    settings: &Settings<'_>,
) -> anyhow::Result<Inferences> {
    let device = Device::by_name(emulated).with_context(|| format!("unknown emulated board {emulated}"))?;
    let mut lab = Lab {
        firmware: settings.firmware.to_owned(),
        link: Link::Rtt,
        instruction_shift: None,
        probe: None,
        patience: settings.patience * if matches!(settings.method, Method::Log) { LOG_FACTOR } else { 1 },
        show_logs: false,
        emulator_arguments: Vec::new(),
    };
    device.availability(&lab)?;
    let program = Arc::new(Program::read(&settings.firmware.join(format!("{emulated}.elf")))?);
    let absent =
        |name| format!("{emulated}.elf has no function {name}; build it with `cargo xtask firmware {emulated}`");
    let infer = program.function(is_infer).with_context(|| absent("Workspace::infer_with"))?;
    let stage = program.function(is_stage).with_context(|| absent("measure::{{closure}}"))?;
    let is_modelled =
        boards.iter().any(|board| Core::named(&board.core).is_some_and(|core| core.error_percent.is_some()));
    let set = if is_modelled { program.set } else { Set::Lengths };
    let estimator = Estimator::new(boards, program.flash_end, Some(stage), usize::MAX);
    let range = Range { from: infer, to: End::Return };
    let tracing = Tracing::start(settings.method, range, set, &program, estimator)?;
    lab.emulator_arguments = tracing.arguments().to_vec();

    let started = device.start(&lab, model.bytes());
    let measured = started.map_err(anyhow::Error::from).and_then(|mut session| {
        let measured = measure(&mut session.client, model, images);
        measured.map_err(|error| error.context(format!("{emulated} failed{}", session.post_mortem())))
    });
    // The error of the trace is the cause if both failed.
    let passes = tracing.finish()?.passes;
    let Measured { memory, workspace_bytes, measurements } = measured?;
    // The self-test infers each golden vector, and the first image is inferred twice.
    let own = PASSES * measurements.len();
    let expected = model.golden_count() + PASSES + own;
    ensure!(
        passes.len() == expected,
        "found {} inferences in the trace of {emulated}, expected {expected}; is the firmware older than this program?",
        passes.len()
    );
    let passes = passes[expected - own..].chunks(PASSES);
    let images = passes.zip(&measurements).map(|(passes, measurement)| image(passes, measurement));
    Ok(Inferences { memory, workspace_bytes, images: images.collect::<anyhow::Result<_>>()? })
}

fn is_infer(name: &str) -> bool {
    name.starts_with("prenda_core::infer::Workspace<") && name.ends_with("::infer_with")
}

fn is_stage(name: &str) -> bool {
    name == "prenda_serve::measure::measure::{{closure}}"
}

/// The answers of a device.
struct Measured {
    memory: MemoryUse,
    workspace_bytes: u32,
    measurements: Vec<Measurement>,
}

/// Measures each image. The first one is also measured before, to warm the caches.
fn measure(client: &mut Client, model: &Model<'_>, images: &[&[u8]]) -> anyhow::Result<Measured> {
    // The passes of the trace must be those of the images.
    client.set_retry(Retry::NEVER);
    client.set_next_number(FIRST_NUMBER);
    client.hello_with(model.id())?;
    if let Some(first) = images.first() {
        client.measure(first)?;
    }
    let measurements = images.iter().map(|image| client.measure(image)).collect::<Result<_, _>>()?;
    let workspace_bytes = client.calibrate(1)?.workspace_bytes;
    Ok(Measured { memory: client.memory_use()?, workspace_bytes, measurements })
}

/// Assigns the laps of an inference with stages to layers.
fn image(passes: &[Pass], measurement: &Measurement) -> anyhow::Result<Image> {
    let [total, staged] = passes else { return Ok(Image { instructions: 0, cycles: vec![], layers: vec![] }) };
    let order = order(measurement);
    ensure!(
        order.len() == staged.laps.len(),
        "found {} stages in the trace, expected {}",
        staged.laps.len(),
        order.len()
    );
    let layers = measurement.stages.len().div_ceil(3);
    let mut sums = vec![vec![0; total.cycles.len()]; layers];
    for (layer, lap) in order.into_iter().zip(&staged.laps) {
        for (sum, cycles) in sums[layer].iter_mut().zip(lap) {
            *sum += cycles;
        }
    }
    Ok(Image { instructions: total.instructions, cycles: total.cycles.clone(), layers: sums })
}

/// Returns the layer of each stage, in the order in which they end; softmax is last.
fn order(measurement: &Measurement) -> Vec<usize> {
    let layers = measurement.stages.chunks(3).enumerate();
    layers
        .flat_map(|(layer, stages)| stages.iter().flat_map(move |stage| (0..stage.times).map(move |_| layer)))
        .collect()
}
