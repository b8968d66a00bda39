//! One case after another: encoded, parsed at every alignment, inferred, compared.

use shared_model::{ModelSource, ModelView, Provenance, Requant, Stage, Workspace};

use crate::layer::Layer;
use crate::picture;
use crate::random::Random;
use crate::shape::{Case, MOST_HIDDEN, MOST_INPUTS, MOST_OUTPUTS};
use crate::weights::MOST_WEIGHTS;

/// Addresses are tried with every remainder modulo this, which is a vector's length.
const ALIGNMENT: usize = 16;

/// Most bytes of a blob.
const MOST_BYTES: usize = if cfg!(feature = "microbit") { 4608 } else { 20 * 1024 };

/// Biases and rescalings of both layers.
const MOST_NEURONS: usize = MOST_HIDDEN + MOST_OUTPUTS;

/// What is not looked at, but has to be there.
const PROVENANCE: Provenance<'static> = Provenance {
    trainer: "",
    backend: "",
    seed: 0,
    epochs: 0,
    data_sha256: [0; 32],
    train_pictures: 0,
    train_correct_float: 0,
    test_pictures: 0,
    test_correct_float: 0,
    test_correct_fixed: 0,
};

/// Room for a case. All zeros at first.
pub struct Bench {
    blob: Aligned<{ MOST_BYTES + ALIGNMENT }>,
    picture: Aligned<{ MOST_INPUTS + ALIGNMENT }>,
    biases: [i32; MOST_NEURONS],
    activations: [u8; MOST_HIDDEN],
    workspace: Workspace<MOST_HIDDEN, MOST_OUTPUTS>,
}

/// Bytes at a multiple of 16.
#[repr(align(16))]
struct Aligned<const COUNT: usize>([u8; COUNT]);

/// Rescalings of both layers. Not with the rest, since they are not zeros, and take flash.
pub struct Requants([Requant; MOST_NEURONS]);

impl Requants {
    pub const fn new() -> Self {
        let Some(requant) = Requant::new(Requant::MIN_MULTIPLIER, Requant::MIN_SHIFT) else { panic!() };
        Self([requant; _])
    }
}

/// What one case came to.
pub enum Outcome {
    /// So many inferences agree.
    Agree(u32),
    /// There is no room for the case here.
    NoRoom,
}

/// Why a case fails.
#[derive(defmt::Format)]
pub enum Failure {
    /// The encoder refuses the network, which keeps the format's rules.
    Encode,
    /// The parser refuses what the encoder wrote.
    Parse(shared_model::BlobError),
    /// The model cannot be inferred.
    Infer(shared_model::InferError),
    /// An output is not what the reference says.
    Differs(Difference),
}

/// The first output that differs.
#[derive(defmt::Format)]
pub struct Difference {
    /// Remainders modulo 16 of the addresses of blob and picture.
    pub blob: usize,
    pub pixels: usize,
    pub picture: (&'static str, usize),
    pub layer: usize,
    pub output: usize,
    pub expected: i64,
    pub found: i64,
}

impl Bench {
    pub const fn new() -> Self {
        Self {
            blob: Aligned([0; _]),
            picture: Aligned([0; _]),
            biases: [0; _],
            activations: [0; _],
            workspace: Workspace::new(),
        }
    }

    /// Compares what the kernels and the reference say of the network of `case` and `seed`; `is_wrong` asks for a reference
    /// that is not right.
    pub fn compare(
        &mut self,
        Requants(requants): &mut Requants,
        case: Case,
        seed: u32,
        is_wrong: bool,
    ) -> Result<Outcome, Failure> {
        let Self { blob: Aligned(blob), picture: Aligned(picture), biases, activations, workspace } = self;
        let (shape, mut random) = (case.shape, Random::new(seed));
        let most = shape.inputs.max(shape.hidden) * shape.hidden.max(shape.outputs);
        if shape.inputs > MOST_INPUTS || shape.hidden > MOST_HIDDEN || most > MOST_WEIGHTS {
            return Ok(Outcome::NoRoom);
        }

        let (hidden_biases, biases) = biases.split_at_mut(shape.hidden);
        let (hidden_requants, requants) = requants.split_at_mut(shape.hidden);
        let biases = biases.get_mut(..shape.outputs).unwrap_or_default();
        let requants = requants.get_mut(..shape.outputs).unwrap_or_default();
        let hidden = Layer::new(&mut random, shape.inputs, hidden_biases, hidden_requants, false);
        let inputs = if shape.hidden == 0 { shape.inputs } else { shape.hidden };
        let last = Layer { is_wrong, ..Layer::new(&mut random, inputs, biases, requants, true) };

        let layers = [hidden.source(), last.source()];
        let source = ModelSource {
            class_names: [""; MOST_OUTPUTS].get(..shape.outputs).unwrap_or_default(),
            rows: 1,
            columns: shape.inputs as u16,
            weight_order: case.order,
            layers: layers.get(usize::from(shape.hidden == 0)..).unwrap_or_default(),
            golden: &[],
            provenance: PROVENANCE,
        };
        if source.encoded_length_bound() > MOST_BYTES {
            return Ok(Outcome::NoRoom);
        }
        let length = source.encode(blob).map_err(|_| Failure::Encode)?;

        let mut count = 0;
        for alignment in 0..ALIGNMENT {
            if let Some(before) = alignment.checked_sub(1) {
                blob.copy_within(before..before + length, alignment);
            }
            let bytes = blob.get(alignment..alignment + length).unwrap_or_default();
            let model = ModelView::parse(bytes).map_err(Failure::Parse)?;
            for kind in picture::all(shape.inputs, alignment) {
                let place = random.below(ALIGNMENT as u32) as usize;
                let pixels = picture.get_mut(place..place + shape.inputs).unwrap_or_default();
                kind.draw(&mut random, pixels);
                let activations = activations.get_mut(..shape.hidden).unwrap_or_default();
                if let Some(Output { layer, output, expected, found }) =
                    infer(&model, workspace, [&hidden, &last], pixels, activations)?
                {
                    let (blob, pixels, picture) = (alignment, place, kind.name());
                    let difference = Difference { blob, pixels, picture, layer, output, expected, found };
                    return Err(Failure::Differs(difference));
                }
                count += 1;
            }
        }
        Ok(Outcome::Agree(count))
    }
}

/// An output that is not as expected.
struct Output {
    layer: usize,
    output: usize,
    expected: i64,
    found: i64,
}

/// Infers, and returns the first output that is not the reference's; `activations` is room for those of the hidden layer, which
/// has none where there is no such layer.
fn infer(
    model: &ModelView<'_>,
    workspace: &mut Workspace<MOST_HIDDEN, MOST_OUTPUTS>,
    [hidden, last]: [&Layer<'_>; 2],
    pixels: &[u8],
    activations: &mut [u8],
) -> Result<Option<Output>, Failure> {
    for (place, value) in activations.iter_mut().zip(hidden.outputs(pixels)) {
        *place = value.clamp(0, 255) as u8;
    }
    let mut difference = None;
    let mut look = |stage: Stage<'_>| {
        if let Stage::Activations { layer, activations: found } = stage {
            let expected = activations.iter().map(|&value| value.into());
            difference = first_difference(layer, expected, found.iter().map(|&value| value.into()));
        }
    };
    let found = workspace.infer_with(model, pixels, &mut look).map_err(Failure::Infer)?;
    let (layer, input) = if activations.is_empty() { (0, pixels) } else { (1, &*activations) };
    let found = found.logits.iter().map(|&logit| logit.into());
    Ok(difference.or_else(|| first_difference(layer, last.outputs(input), found)))
}

fn first_difference(
    layer: usize,
    expected: impl Iterator<Item = i64>,
    found: impl Iterator<Item = i64>,
) -> Option<Output> {
    let mut outputs = expected.zip(found).enumerate();
    outputs.find(|(_, (expected, found))| expected != found).map(|(output, (expected, found))| Output {
        layer,
        output,
        expected,
        found,
    })
}
