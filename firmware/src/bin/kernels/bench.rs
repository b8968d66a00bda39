//! One case: encoded, parsed at several alignments, inferred, compared.

use prenda::{BlobError, InferError, Model, Requant, Stage, Workspace};

use crate::cascade::{self, Cascade};
use crate::image;
use crate::network::Network;
use crate::random::Random;
use crate::shape::{DenseCase, IS_ROOMY, MAX_HIDDEN, MAX_INPUTS, MAX_OUTPUTS};
use crate::walk::MAX_PADDED_WEIGHTS;
use crate::weights::MAX_WEIGHTS;
use crate::window::WindowCase;

/// Length of a vector. Addresses with every remainder modulo this are tested.
const ALIGNMENT: usize = 16;

const MAX_BYTES: usize = if IS_ROOMY { 20 * 1024 } else { 4608 };

/// Bytes for layers: a full list, and accumulators and activations of the widest hidden layer.
const MEMORY: usize = 8 * 133 + 5 * MAX_HIDDEN + 8;

const MAX_NEURONS: usize = MAX_HIDDEN + MAX_OUTPUTS;

/// Remainders modulo [`ALIGNMENT`] of the blobs with windows: those of vectors, words and others.
const ALIGNMENTS: [usize; 5] = [0, 4, 7, 8, 10];

/// Memory for a case, initially zero.
pub struct Bench {
    blob: Aligned<{ MAX_BYTES + ALIGNMENT }>,
    image: Aligned<{ MAX_INPUTS + ALIGNMENT }>,
    biases: [i32; MAX_NEURONS],
    weights: [i8; MAX_PADDED_WEIGHTS],
    activations: [u8; MAX_HIDDEN],
    workspace: Workspace<MEMORY, MAX_OUTPUTS>,
}

#[repr(align(16))]
struct Aligned<const COUNT: usize>([u8; COUNT]);

/// Requantizations of all layers. Not in [`Bench`]: their initial values are not zero, and need
/// flash.
pub struct Requants([Requant; MAX_NEURONS]);

/// The result of a case.
pub enum Outcome {
    /// This many inferences agree.
    Agree(u32),
    /// The case does not fit the memory.
    NoRoom,
}

#[derive(defmt::Format)]
pub enum Failure {
    Encode,
    Parse(BlobError),
    Infer(InferError),
    /// Callee-saved floating-point registers changed.
    Registers,
    /// An output differs from the reference.
    Differs {
        /// Remainder modulo 16 of the blob's address.
        blob: usize,
        /// Remainder modulo 16 of the image's address.
        pixels: usize,
        image: (&'static str, usize),
        difference: Difference,
    },
}

#[derive(defmt::Format)]
pub struct Difference {
    /// [`NETWORK`] if another network answered.
    layer: usize,
    output: usize,
    expected: i64,
    found: i64,
}

const NETWORK: usize = 999;

impl Requants {
    pub const fn new() -> Self {
        let Some(requant) = Requant::new(Requant::MIN_MULTIPLIER, Requant::MIN_SHIFT) else { panic!() };
        Self([requant; _])
    }
}

impl Bench {
    pub const fn new() -> Self {
        Self {
            blob: Aligned([0; _]),
            image: Aligned([0; _]),
            biases: [0; _],
            weights: [0; _],
            activations: [0; _],
            workspace: Workspace::new(),
        }
    }

    /// Compares kernels and reference for the network of `case` and `seed`. `is_wrong` requests a
    /// wrong reference.
    // Not inlined: together with `compare_windows`, it would take too much stack.
    #[inline(never)]
    pub fn compare(
        &mut self,
        Requants(requants): &mut Requants,
        case: DenseCase,
        seed: u32,
        is_wrong: bool,
    ) -> Result<Outcome, Failure> {
        let Self { blob: Aligned(blob), image: Aligned(image), biases, activations, workspace, .. } = self;
        let (shape, mut random) = (case.shape, Random::new(seed));
        if shape.inputs > MAX_INPUTS || shape.hidden > MAX_HIDDEN || shape.largest_layer() > MAX_WEIGHTS {
            return Ok(Outcome::NoRoom);
        }
        let mut network = Network::new(&mut random, case, biases, requants);
        network.last.is_wrong = is_wrong;
        let room = blob.get_mut(..MAX_BYTES).unwrap_or_default();
        let Some(length) = network.encode(room).map_err(|_| Failure::Encode)? else { return Ok(Outcome::NoRoom) };

        let activations = activations.get_mut(..shape.hidden).unwrap_or_default();
        let mut count = 0;
        for alignment in 0..ALIGNMENT {
            if let Some(before) = alignment.checked_sub(1) {
                blob.copy_within(before..before + length, alignment);
            }
            let bytes = blob.get(alignment..alignment + length).unwrap_or_default();
            count += compare_at(alignment, bytes, &network, &mut random, image, workspace, activations)?;
        }
        Ok(Outcome::Agree(count))
    }

    /// Like [`compare`](Self::compare), for a network with windows.
    #[inline(never)]
    pub fn compare_windows(
        &mut self,
        Requants(requants): &mut Requants,
        case: WindowCase,
        seed: u32,
        is_wrong: bool,
    ) -> Result<Outcome, Failure> {
        let Self { blob: Aligned(blob), image: Aligned(image), biases, weights, activations, workspace } = self;
        let mut random = Random::new(seed);
        let Some(activations) = activations.get_mut(..case.activations()) else { return Ok(Outcome::NoRoom) };
        let memory = cascade::Memory { weights, biases, requants };
        let Some(mut cascade) = Cascade::new(&mut random, case, memory, is_wrong) else { return Ok(Outcome::NoRoom) };
        let inputs = case.input().count();
        cascade.fit_margin(&mut random, image.get_mut(..inputs).unwrap_or_default(), activations);
        let room = blob.get_mut(..MAX_BYTES).unwrap_or_default();
        let Some(length) = cascade.encode(room).map_err(|_| Failure::Encode)? else { return Ok(Outcome::NoRoom) };

        let (mut count, mut before) = (0, 0);
        for alignment in ALIGNMENTS {
            blob.copy_within(before..before + length, alignment);
            before = alignment;
            let bytes = blob.get(alignment..alignment + length).unwrap_or_default();
            let memory = Memory { image, activations, workspace };
            match compare_windows_at(alignment, bytes, &cascade, &mut random, memory)? {
                Outcome::Agree(inferences) => count += inferences,
                Outcome::NoRoom => return Ok(Outcome::NoRoom),
            }
        }
        Ok(Outcome::Agree(count))
    }
}

/// The memory of inference and of the reference.
struct Memory<'a> {
    image: &'a mut [u8],
    activations: &'a mut [u8],
    workspace: &'a mut Workspace<MEMORY, MAX_OUTPUTS>,
}

/// Compares for a blob at one alignment.
#[inline(never)]
fn compare_windows_at(
    blob: usize,
    bytes: &[u8],
    cascade: &Cascade<'_>,
    random: &mut Random,
    Memory { image, activations, workspace }: Memory<'_>,
) -> Result<Outcome, Failure> {
    // Written in place: a move takes more than a kilobyte of stack.
    let mut model = Err(BlobError::Magic);
    Model::parse_into(&mut model, bytes);
    let model = model.as_ref().map_err(|error| Failure::Parse(*error))?;
    if Workspace::<MEMORY, MAX_OUTPUTS>::check(model).is_err() {
        return Ok(Outcome::NoRoom);
    }
    let (mut count, inputs) = (0, model.input_width());
    for kind in image::all(inputs, blob) {
        let place = random.below(ALIGNMENT as u32) as usize;
        let pixels = image.get_mut(place..place + inputs).unwrap_or_default();
        kind.draw(random, pixels);
        cascade.reference(pixels, activations);
        let (network, last, input) = cascade.answers(pixels, activations);
        let expected = Expected { activations, network, last: 1 + network, logits: last.outputs(input) };
        if let Some(difference) = infer(model, pixels, workspace, expected)? {
            return Err(Failure::Differs { blob, pixels: place, image: kind.name(), difference });
        }
        count += 1;
    }
    Ok(Outcome::Agree(count))
}

/// The outputs of the reference.
struct Expected<'a, Logits> {
    /// Those of the layer before the last one.
    activations: &'a [u8],
    /// The network that answers.
    network: usize,
    /// The layer of the logits.
    last: usize,
    logits: Logits,
}

/// Infers and returns the first output that differs from the expected ones.
fn infer(
    model: &Model<'_>,
    pixels: &[u8],
    workspace: &mut Workspace<MEMORY, MAX_OUTPUTS>,
    expected: Expected<'_, impl Iterator<Item = i64>>,
) -> Result<Option<Difference>, Failure> {
    let mut difference = None;
    let mut on_stage = |stage: Stage<'_>| {
        if let Stage::Activations { layer, activations } = stage {
            let expected = expected.activations.iter().map(|&value| value.into());
            difference = first_difference(layer, expected, activations.iter().map(|&value| value.into()));
        }
    };
    let found = workspace.infer_with(model, pixels, &mut on_stage).map_err(Failure::Infer)?;
    if difference.is_none() && expected.network != found.network {
        let (expected, found) = (expected.network as i64, found.network as i64);
        return Ok(Some(Difference { layer: NETWORK, output: 0, expected, found }));
    }
    let found = found.logits.iter().map(|&logit| logit.into());
    Ok(difference.or_else(|| first_difference(expected.last, expected.logits, found)))
}

/// Compares for a blob at one alignment. Returns the number of inferences.
#[inline(never)]
fn compare_at(
    blob: usize,
    bytes: &[u8],
    network: &Network<'_>,
    random: &mut Random,
    image: &mut [u8],
    workspace: &mut Workspace<MEMORY, MAX_OUTPUTS>,
    activations: &mut [u8],
) -> Result<u32, Failure> {
    // Written in place: a move takes more than a kilobyte of stack.
    let mut model = Err(BlobError::Magic);
    Model::parse_into(&mut model, bytes);
    let model = model.as_ref().map_err(|error| Failure::Parse(*error))?;
    let mut count = 0;
    for kind in image::all(network.inputs, blob) {
        let place = random.below(ALIGNMENT as u32) as usize;
        let pixels = image.get_mut(place..place + network.inputs).unwrap_or_default();
        kind.draw(random, pixels);
        for (place, value) in activations.iter_mut().zip(network.hidden.outputs(pixels)) {
            *place = value.clamp(0, 255) as u8;
        }
        let activations = &*activations;
        let (last, input) = if activations.is_empty() { (0, &*pixels) } else { (1, activations) };
        let expected = Expected { activations, network: 0, last, logits: network.last.outputs(input) };
        if let Some(difference) = infer(model, pixels, workspace, expected)? {
            return Err(Failure::Differs { blob, pixels: place, image: kind.name(), difference });
        }
        count += 1;
    }
    Ok(count)
}

fn first_difference(
    layer: usize,
    expected: impl Iterator<Item = i64>,
    found: impl Iterator<Item = i64>,
) -> Option<Difference> {
    expected
        .zip(found)
        .enumerate()
        .find(|(_, (expected, found))| expected != found)
        .map(|(output, (expected, found))| Difference { layer, output, expected, found })
}
