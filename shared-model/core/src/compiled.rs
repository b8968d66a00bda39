//! The functions that `prenda::include_model!` calls. They are not for other callers: they change
//! in any release, together with the macro.
//!
//! With other arguments, they compute other numbers or fail to compile, but they are sound: kernels
//! check the lengths and addresses that they rely on, and [`layer`] the lists of blocks.
//!
//! Parameters are constants of the caller. So each function that is inlined into it links only the
//! kernels of one weight order, and no check remains.

pub use crate::error::wrong_length;
use crate::fixed::Requant;
use crate::kernel::{self, PairList, Rejected, Scratch};
pub use crate::kernel::{argmax, depthwise, lead, softmax};
pub use crate::model::{Feature, Layer, LayerKind, Shape, Tables, Window};
use crate::model::{Matrix, Requants};
#[cfg(feature = "parse")]
pub use crate::plan::{Place, Sizes, places, words};
pub use crate::prediction::compare_golden;
use crate::scaling::Scaling;
pub use crate::weights::WeightOrder;
use crate::weights::{MAX_PAIRS, TILE_OUTPUTS};

/// Bytes of a model, aligned for words.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(4))]
pub struct Words<const BYTES: usize>(pub [u8; BYTES]);

impl<const BYTES: usize> Words<BYTES> {
    /// Returns the bytes of `model` from `start` on. Fails to compile if there are too few.
    #[must_use]
    pub const fn of(model: &[u8], start: usize) -> Self {
        match model.split_at(start).1.first_chunk() {
            Some(bytes) => Self(*bytes),
            None => panic!("a table extends past the end of the model"),
        }
    }
}

/// Returns true if `model` has this length and this checksum in its last bytes: the macro has
/// proved a model that the compiler then reads again.
#[must_use]
pub const fn is_model(model: &[u8], length: usize, id: u32) -> bool {
    match model.last_chunk() {
        Some(&checksum) => model.len() == length && u32::from_le_bytes(checksum) == id,
        None => false,
    }
}

/// Returns a layer. The caller has taken its parts from a parsed model. A pool has no tables.
#[must_use]
pub const fn layer(
    kind: LayerKind,
    [input, output]: [Shape; 2],
    order: WeightOrder,
    [inputs, outputs]: [u16; 2],
    tables: Tables<'static>,
) -> Layer<'static> {
    Layer::compiled(kind, [input, output], Matrix::compiled(order, [inputs, outputs], tables))
}

/// Returns a feature. Fails to compile if its scaling is out of range.
#[must_use]
pub const fn feature(name: &'static str, decimals: u8, offset: i32, [multiplier, shift]: [u32; 2]) -> Feature<'static> {
    let requant = match Requant::new(multiplier, shift as u8) {
        Some(requant) => requant,
        None => panic!("a multiplier or a shift is out of range"),
    };
    match Scaling::new(offset, requant) {
        Some(scaling) => Feature { name, decimals, scaling },
        None => panic!("a factor is too small"),
    }
}

/// Scales a row of raw words to inputs. The names of the features are not linked.
#[must_use]
pub fn quantize_input<const COUNT: usize>(scalings: &[Scaling; COUNT], raw: &[i32; COUNT]) -> [u8; COUNT] {
    let mut input = [0; COUNT];
    for ((input, raw), scaling) in input.iter_mut().zip(raw).zip(scalings) {
        *input = scaling.input(*raw);
    }
    input
}

/// Returns the scalings of `features`.
#[must_use]
pub const fn scalings<const COUNT: usize>(features: &[Feature<'static>; COUNT]) -> [Scaling; COUNT] {
    let mut scalings = [Scaling::ONE; COUNT];
    let mut index = 0;
    while index < COUNT {
        scalings[index] = features[index].scaling;
        index = index.wrapping_add(1);
    }
    scalings
}

/// Writes the sums of a dense layer, one for each output.
///
/// `list` has the places of [`scratch_sizes`], or at least 16; a shorter one loses inputs.
#[inline(always)]
pub fn accumulate(order: WeightOrder, layer: &Layer<'_>, input: &[u8], list: &mut [[u32; 2]], sums: &mut [i32]) {
    let matrix = layer.any_matrix();
    kernel::dense_in(order, matrix, input, &mut PairList::of(list, matrix.inputs().div_ceil(2)), sums, &mut |_| ());
}

/// Writes the activations of a dense layer's sums.
#[inline(always)]
pub fn activate(layer: &Layer<'_>, sums: &[i32], activations: &mut [u8]) {
    kernel::activate_in(layer.any_matrix(), sums, activations);
}

/// Converts the sums of a network's last layer to logits.
#[inline(always)]
pub fn requantize(layer: &Layer<'_>, sums: &mut [i32]) {
    let requants = layer.any_matrix().requants();
    if requants.are_high { requantize_high(requants, sums) } else { requantize_any(requants, sums) }
}

fn requantize_high(requants: Requants<'_>, sums: &mut [i32]) {
    for (sum, requant) in sums.iter_mut().zip(requants.each()) {
        *sum = requant.apply_high(*sum).unwrap_or_default();
    }
}

fn requantize_any(requants: Requants<'_>, sums: &mut [i32]) {
    for (sum, requant) in sums.iter_mut().zip(requants.each()) {
        *sum = requant.logit(*sum);
    }
}

/// Like `convolve_pairs`, for a layer for which [`are_all_accepted`] is true. Links no kernel for
/// rejected windows.
pub fn convolve_accepted(
    layer: &Layer<'_>,
    window: Window,
    input: &[u8],
    list: &mut [[u32; 2]],
    sums: &mut [i32],
    output: &mut [u8],
) {
    enum Never {}
    impl Rejected for Never {
        const EXISTS: bool = false;

        fn add(_: &Matrix<'_>, _: &[u8], _: &mut PairList<'_>, _: &mut [i32]) {}
    }
    let scratch = Scratch { list: PairList::new(list), accumulators: sums, rest: &mut [] };
    kernel::convolve_in::<Never>(WeightOrder::Pairs, layer, window, input, scratch, output);
}

/// Returns true if the kernels of every core accept all windows of `layer`: weights are in pairs,
/// outputs fill tiles, all shifts are high, each row in the image begins with a pair, and the list
/// has room for a window.
#[must_use]
pub fn are_all_accepted(layer: &Layer<'_>) -> bool {
    let (LayerKind::Convolution(window), matrix) = (layer.kind(), layer.any_matrix()) else { return false };
    let channels = layer.input().channels;
    // The padding left of the image is the only offset within a row.
    let begins_with_pair = channels.is_multiple_of(2) || window.padding[1] == 0;
    let has_room = window.row_inputs(channels).div_ceil(2).wrapping_mul(window.kernel[0].into()) < MAX_PAIRS;
    let is_tiled = matrix.outputs().is_multiple_of(TILE_OUTPUTS) && matrix.requants().are_high;
    matrix.order() == WeightOrder::Pairs && is_tiled && begins_with_pair && has_room
}

/// Defines a function that writes the activations of a convolution in one weight order.
macro_rules! convolutions {
    ($($name:ident $order:ident)*) => {
        $(
            /// Writes the activations of a convolution. `sums` has a place for each output channel.
            pub fn $name(
                layer: &Layer<'_>,
                window: Window,
                input: &[u8],
                list: &mut [[u32; 2]],
                sums: &mut [i32],
                rest: &mut [u8],
                output: &mut [u8],
            ) {
                const ORDER: WeightOrder = WeightOrder::$order;
                enum InOrder {}
                impl Rejected for InOrder {
                    fn add(matrix: &Matrix<'_>, input: &[u8], list: &mut PairList<'_>, sums: &mut [i32]) {
                        kernel::dense_in(ORDER, matrix, input, list, sums, &mut |_| ());
                    }
                }
                let scratch = Scratch { list: PairList::new(list), accumulators: sums, rest };
                kernel::convolve_in::<InOrder>(ORDER, layer, window, input, scratch, output);
            }
        )*
    };
}

convolutions! {
    convolve_pairs Pairs
    convolve_vectors Vectors
    convolve_four_bits FourBitPairs
    convolve_ternary TernaryPairs
    convolve_blocks Blocks
}

/// Writes the largest value of each channel in each window.
pub fn max_pool(layer: &Layer<'_>, window: Window, input: &[u8], output: &mut [u8]) {
    kernel::pool(layer, window, false, input, output);
}

/// Writes the mean of each channel in each window.
pub fn average_pool(layer: &Layer<'_>, window: Window, input: &[u8], output: &mut [u8]) {
    kernel::pool(layer, window, true, input, output);
}

/// True if this build's kernels run vectors: Helium, and all portable kernels.
pub const HAS_VECTORS: bool = cfg!(any(kernel_helium, not(kernel_assembly)));

/// Returns the tables of a layer with a matrix, as the macro copies them.
#[must_use]
pub fn tables<'a>(matrix: &Matrix<'a>) -> Tables<'a> {
    let (requants, lists) = (matrix.requants(), matrix.block_lists());
    Tables {
        biases: matrix.biases(),
        multipliers: requants.multipliers,
        shifts: requants.shifts,
        weights: matrix.weights(),
        counts: lists.counts,
        places: lists.places,
        max_blocks: matrix.max_blocks() as u16,
    }
}

/// Returns the places of a layer's list, and the bytes that it needs for a window.
#[must_use]
pub fn scratch_sizes(layer: &Layer<'_>) -> [usize; 2] {
    [layer.list_places(), layer.window_bytes()]
}
