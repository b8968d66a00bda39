//! Counts the operations of inferences, from the inputs of each layer.
//!
//! Follows the kernels for cores with assembly, from their gathering of pairs to the windows that
//! they reject.

use prenda::{HostWorkspace, InferError, Layer, LayerKind, Matrix, Model, Shape, Stage, WeightOrder, Window};

use crate::operation::{Operation, Operations};

/// Outputs that are computed together.
const TILE: usize = 8;

/// Pairs of a list.
const MAX_PAIRS: usize = 128;

/// Pairs of a list above which gathering stops, if a layer can have more than a list holds.
const LIMIT: usize = MAX_PAIRS - 4;

/// Distance from the largest logit from which on an exponential is negligible.
const NEGLIGIBLE: i64 = 772_244;

/// Largest shift that the fast requantization does not accept.
const SLOW_SHIFT: u8 = 32;

/// Counts the operations of one model after another image.
pub struct Counter<'m> {
    model: &'m Model<'m>,
    layers: Vec<Counted<'m>>,
    workspace: Box<HostWorkspace>,
}

/// A layer, and the facts about its matrix that counting needs.
struct Counted<'m> {
    layer: &'m Layer<'m>,
    /// The pairs of inputs of each tile's stored blocks; empty unless the matrix is pruned.
    blocks: Vec<Vec<usize>>,
    /// All shifts are above [`SLOW_SHIFT`].
    is_high: bool,
}

impl<'m> Counter<'m> {
    /// Returns a counter for `model`; `None` if weights are in vectors, for a core whose cycles are
    /// not estimated.
    #[must_use]
    pub fn new(model: &'m Model<'m>) -> Option<Self> {
        let layers: Option<Vec<_>> = model.layers().iter().map(Counted::of).collect();
        Some(Self { model, layers: layers?, workspace: Box::new(HostWorkspace::new()) })
    }

    /// Returns the operations of an inference of `pixels`.
    ///
    /// # Errors
    ///
    /// Returns an error if the image does not fit the model.
    pub fn count(&mut self, pixels: &[u8]) -> Result<Operations, InferError> {
        let Self { model, layers, workspace } = self;
        let mut operations = Operations::default();
        let mut input = pixels.to_vec();
        let prediction = workspace.infer_with(model, pixels, &mut |stage| match stage {
            Stage::Activations { layer, activations } => {
                layers[layer].count(&input, false, &mut operations);
                input = activations.to_vec();
            }
            Stage::Logits { layer } => {
                layers[layer].count(&input, true, &mut operations);
                input = pixels.to_vec();
            }
            _ => {}
        })?;
        operations.add(Operation::Inference, 1);
        let largest = prediction.logits.iter().copied().max().unwrap_or_default();
        let is_near = |logit: &&i32| i64::from(largest) - i64::from(**logit) < NEGLIGIBLE;
        let near = prediction.logits.iter().filter(is_near).count();
        operations.add(Operation::Class, model.classes());
        operations.add(Operation::NearClass, near);
        operations.add(Operation::NearPair, model.classes() * near);
        Ok(operations)
    }

    /// Returns the mean operations of inferences of `images`; `None` without images.
    ///
    /// # Errors
    ///
    /// Returns an error if an image does not fit the model.
    pub fn mean<'i>(&mut self, images: impl Iterator<Item = &'i [u8]>) -> Result<Option<Operations>, InferError> {
        Ok(Operations::mean(&images.map(|image| self.count(image)).collect::<Result<Vec<_>, _>>()?))
    }
}

impl<'m> Counted<'m> {
    fn of(layer: &'m Layer<'m>) -> Option<Self> {
        let Some(matrix) = layer.matrix() else { return Some(Self { layer, blocks: Vec::new(), is_high: true }) };
        if matrix.order() == WeightOrder::Vectors {
            return None;
        }
        let blocks = if matrix.order() == WeightOrder::Blocks { stored_blocks(matrix) } else { Vec::new() };
        let is_high = (0..matrix.outputs()).all(|output| matrix.requant(output).shift() > SLOW_SHIFT);
        Some(Self { layer, blocks, is_high })
    }

    fn count(&self, input: &[u8], is_last: bool, operations: &mut Operations) {
        let layer = self.layer;
        match (layer.kind(), layer.matrix()) {
            (LayerKind::Dense, Some(matrix)) => {
                operations.add(Operation::Dense, 1);
                self.product(matrix, input, operations);
                if is_last {
                    operations.add(Operation::Logit, matrix.outputs());
                } else {
                    operations.add(self.output(), matrix.outputs());
                }
            }
            (LayerKind::Convolution(window), Some(matrix)) => self.convolution(window, matrix, input, operations),
            (LayerKind::Depthwise(window), _) => self.depthwise(window, operations),
            (LayerKind::MaxPool(window), _) => self.pool(window, Operation::MaxOutput, operations),
            (LayerKind::AveragePool(window), _) => self.pool(window, Operation::MeanOutput, operations),
            _ => {}
        }
    }

    fn output(&self) -> Operation {
        if self.is_high { Operation::Output } else { Operation::SlowOutput }
    }

    /// Counts a matrix times `input`.
    fn product(&self, matrix: &Matrix<'_>, input: &[u8], operations: &mut Operations) {
        let (whole, rest) = (matrix.outputs() / TILE, matrix.outputs() % TILE);
        let has_rest = usize::from(rest > 0);
        if matrix.order() == WeightOrder::Blocks {
            let is_used = |pair: &&usize| (0..2).any(|place| input.get(2 * **pair + place).is_some_and(|&one| one > 0));
            let is_apart = self.blocks.iter().any(|blocks| blocks.len() > MAX_PAIRS);
            operations.add(Operation::BlockTile, if is_apart { 0 } else { whole });
            operations.add(Operation::LoneBlockTile, if is_apart { whole + has_rest } else { has_rest });
            operations.add(Operation::Block, self.blocks.iter().map(Vec::len).sum());
            operations.add(Operation::UsedBlock, self.blocks.iter().flatten().filter(is_used).count());
            return;
        }
        let lists = lists(input, operations);
        let tiles = whole + has_rest;
        let (used, pairs) = (lists.iter().filter(|&&pairs| pairs > 0).count(), lists.iter().sum::<usize>());
        operations.add(Operation::List, lists.len());
        operations.add(Operation::Pair, pairs);
        operations.add(Operation::BlankOutput, if used == 0 { matrix.outputs() } else { 0 });
        let product = match matrix.order() {
            WeightOrder::FourBitPairs => Operation::FourBit,
            WeightOrder::TernaryPairs => Operation::Ternary,
            _ => Operation::EightBit,
        };
        let is_narrow = product == Operation::EightBit && rest <= 2;
        let (rest_tile, rest_product) =
            if is_narrow { (Operation::NarrowTile, Operation::Narrow) } else { (Operation::RestTile, product) };
        operations.add(Operation::Tile, used * whole);
        operations.add(rest_tile, used * has_rest);
        operations.add(product, pairs * whole);
        operations.add(rest_product, pairs * has_rest);
        if product == Operation::EightBit {
            operations.add(Operation::Both, both_pairs(input) * tiles);
        } else {
            operations.add(Operation::SummedList, used);
            operations.add(Operation::SummedPair, pairs);
        }
    }

    fn convolution(&self, window: Window, matrix: &Matrix<'_>, input: &[u8], operations: &mut Operations) {
        let channels = usize::from(self.layer.input().channels);
        let outputs = matrix.outputs();
        let has_kernel = matrix.order() == WeightOrder::Pairs && outputs.is_multiple_of(TILE) && self.is_high;
        let capacity = matrix.inputs().div_ceil(2).min(MAX_PAIRS);
        let mut copied = vec![0; matrix.inputs()];
        let mut has_blank = false;
        self.walk(window, operations, |operations, inside| {
            let pairs = inside.columns.count * channels;
            let is_whole = (inside.columns.skipped * channels).is_multiple_of(2);
            if has_kernel && is_whole && pairs.div_ceil(2) * inside.rows.count <= capacity {
                let used = inside.each_row(self.layer.input(), input, |row| count_row(row, operations));
                let both = inside.each_row(self.layer.input(), input, both_pairs);
                operations.add(Operation::Window, 1);
                operations.add(Operation::WindowPair, used);
                if used == 0 && has_blank {
                    operations.add(Operation::BlankTile, outputs / TILE);
                } else {
                    operations.add(Operation::WindowTile, outputs / TILE);
                    operations.add(Operation::WindowProduct, used * outputs / TILE);
                    operations.add(Operation::Both, both * outputs / TILE);
                }
                has_blank |= used == 0;
                return;
            }
            copied.fill(0);
            let row_inputs = window.row_inputs(self.layer.input().channels);
            let mut place = inside.rows.skipped * row_inputs + inside.columns.skipped * channels;
            inside.each_row(self.layer.input(), input, |row| {
                if let Some(target) = copied.get_mut(place..place + row.len()) {
                    target.copy_from_slice(row);
                }
                place += row_inputs;
                0
            });
            operations.add(Operation::CopiedWindow, 1);
            operations.add(Operation::CopiedInput, copied.len());
            self.product(matrix, &copied, operations);
            operations.add(self.output(), outputs);
        });
    }

    fn depthwise(&self, window: Window, operations: &mut Operations) {
        let channels = usize::from(self.layer.input().channels);
        self.walk(window, operations, |operations, inside| {
            let pixels = inside.rows.count * inside.columns.count;
            operations.add(Operation::DepthwiseWindow, 1);
            operations.add(Operation::DepthwisePixel, pixels);
            operations.add(Operation::DepthwisePair, pixels * channels.div_ceil(2));
            operations.add(Operation::DepthwiseOutput, channels);
        });
    }

    fn pool(&self, window: Window, output: Operation, operations: &mut Operations) {
        let channels = usize::from(self.layer.input().channels);
        self.walk(window, operations, |operations, inside| {
            operations.add(Operation::PoolWindow, 1);
            operations.add(output, channels);
            operations.add(Operation::PoolRow, channels * inside.rows.count);
            operations.add(Operation::PoolValue, channels * inside.rows.count * inside.columns.count);
        });
    }

    /// Calls `each` with the part of each window that is inside the image, and counts runs.
    fn walk(&self, window: Window, operations: &mut Operations, mut each: impl FnMut(&mut Operations, &Inside)) {
        let (input, output) = (self.layer.input(), self.layer.output());
        operations.add(Operation::Walk, 1);
        for row in 0..output.rows {
            let rows = Span::of(row, window.stride[0], window.padding[0], window.kernel[0], input.rows);
            let mut was_whole = false;
            for column in 0..output.columns {
                let columns = Span::of(column, window.stride[1], window.padding[1], window.kernel[1], input.columns);
                let is_whole = columns.count == usize::from(window.kernel[1]);
                operations.add(Operation::Run, usize::from(!(is_whole && was_whole)));
                was_whole = is_whole;
                each(operations, &Inside { rows, columns });
            }
        }
    }
}

/// The part of a window that is inside the image.
struct Inside {
    rows: Span,
    columns: Span,
}

impl Inside {
    /// Calls `each` with the values of each row, and returns the sum of its results.
    fn each_row(&self, shape: Shape, input: &[u8], mut each: impl FnMut(&[u8]) -> usize) -> usize {
        let channels = usize::from(shape.channels);
        let rows = self.rows.first..self.rows.first + self.rows.count;
        let of_row = |row: usize| {
            let start = (row * usize::from(shape.columns) + self.columns.first) * channels;
            input.get(start..start + self.columns.count * channels).unwrap_or_default()
        };
        rows.map(|row| each(of_row(row))).sum()
    }
}

/// The part of a window along one side that is inside the image.
#[derive(Clone, Copy)]
struct Span {
    first: usize,
    count: usize,
    /// Rows or columns of the window before the image.
    skipped: usize,
}

impl Span {
    fn of(position: u16, stride: u8, padding: u8, kernel: u8, size: u16) -> Self {
        let start = usize::from(position) * usize::from(stride);
        let (padding, kernel) = (usize::from(padding), usize::from(kernel));
        let first = start.saturating_sub(padding);
        let end = (start + kernel).saturating_sub(padding).min(size.into());
        Self { first, count: end.saturating_sub(first), skipped: padding.saturating_sub(start) }
    }
}

/// Counts the words of a layer's inputs, and returns the pairs of each list.
fn lists(input: &[u8], operations: &mut Operations) -> Vec<usize> {
    let limit = if input.len().div_ceil(2) < MAX_PAIRS { MAX_PAIRS } else { LIMIT };
    let (mut lists, mut listed) = (Vec::new(), 0);
    for word in input.chunks(4) {
        if listed > limit {
            lists.push(listed);
            listed = 0;
        }
        let used = used_pairs(word);
        operations.add(Operation::Word, 1);
        operations.add(Operation::UsedWord, usize::from(used > 0));
        listed += used;
    }
    lists.push(listed);
    lists
}

/// Counts a row of a window, and returns its pairs of inputs that are not both zero.
fn count_row(row: &[u8], operations: &mut Operations) -> usize {
    let (words, rest) = row.as_chunks::<4>();
    operations.add(Operation::WindowRow, 1);
    operations.add(Operation::WindowWord, words.len());
    operations.add(Operation::WindowUsedWord, words.iter().filter(|word| word.iter().any(|&one| one > 0)).count());
    operations.add(Operation::WindowRest, usize::from(!rest.is_empty()));
    used_pairs(row)
}

/// Returns the number of pairs that are not both zero.
fn used_pairs(values: &[u8]) -> usize {
    values.chunks(2).filter(|pair| pair.iter().any(|&one| one > 0)).count()
}

/// Returns the number of pairs of which neither is zero.
fn both_pairs(values: &[u8]) -> usize {
    values.as_chunks::<2>().0.iter().filter(|pair| !pair.contains(&0)).count()
}

/// Returns, for each tile, the pair of inputs of each block that has a weight other than zero.
fn stored_blocks(matrix: &Matrix<'_>) -> Vec<Vec<usize>> {
    let pairs = matrix.inputs().div_ceil(2);
    let of_tile = |tile: usize| {
        let mut is_stored = vec![false; pairs];
        for output in tile..(tile + TILE).min(matrix.outputs()) {
            for (input, weight) in matrix.row(output).enumerate() {
                is_stored[input / 2] |= weight != 0;
            }
        }
        (0..pairs).filter(|&pair| is_stored[pair]).collect()
    };
    (0..matrix.outputs()).step_by(TILE).map(of_tile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENSE: &[u8] = include_bytes!("../../../tests/fixtures/model.bin");
    const PRUNED: &[u8] = include_bytes!("../../../models/784-64-10.bin");
    const CONVOLUTIONAL: &[u8] = include_bytes!("../../../models/conv-4k.bin");
    const VECTORS: &[u8] = include_bytes!("../../../tests/fixtures/vectors.bin");

    fn count(bytes: &[u8], pixels: &[u8]) -> Operations {
        let model = Model::parse(bytes).unwrap();
        Counter::new(&model).unwrap().count(pixels).unwrap()
    }

    #[test]
    fn a_dense_layer_is_counted_pair_by_pair() {
        let mut image = [0; 784];
        image[5] = 1; // a pair
        image[8..12].fill(1); // two pairs
        let found = count(DENSE, &image);
        let [words, used, first, tiles] = [Operation::Word, Operation::UsedWord, Operation::EightBit, Operation::Tile]
            .map(|operation| found.get(operation));
        // The second layer adds its own: 32 words of 128 activations.
        assert_eq!(words, 196.0 + 32.0);
        assert!(used > 2.0 && used <= 2.0 + 32.0);
        let of_second = found.get(Operation::Pair) - 3.0;
        assert_eq!((first, tiles), (3.0 * 16.0 + of_second, 16.0 + 1.0));
        assert_eq!(found.get(Operation::Narrow), of_second);
        assert_eq!((found.get(Operation::Logit), found.get(Operation::Dense)), (10.0, 2.0));
        // 392 pairs need four lists, of 125 or 126 pairs but the last.
        assert_eq!(count(DENSE, &[9; 784]).get(Operation::List), 4.0 + 1.0);
    }

    #[test]
    fn stored_blocks_are_counted_and_those_with_inputs() {
        let [blank, full] = [0, 255].map(|value| count(PRUNED, &[value; 784]));
        assert_eq!(blank.get(Operation::UsedBlock), 0.0);
        assert_eq!(full.get(Operation::UsedBlock), full.get(Operation::Block));
        assert_eq!(full.get(Operation::BlockTile), 8.0);
    }

    #[test]
    fn each_window_is_computed_copied_or_blank() {
        let model = Model::parse(CONVOLUTIONAL).unwrap();
        let windows: usize = model
            .layers()
            .iter()
            .filter(|layer| matches!(layer.kind(), LayerKind::Convolution(_)))
            .map(|layer| usize::from(layer.output().rows) * usize::from(layer.output().columns))
            .sum();
        for value in [0, 255] {
            let found = count(CONVOLUTIONAL, &[value; 784]);
            let counted = found.get(Operation::Window) + found.get(Operation::CopiedWindow);
            assert_eq!(counted, windows as f64);
            assert_eq!(value == 0, found.get(Operation::BlankTile) > 0.0);
        }
    }

    #[test]
    fn the_mean_needs_images_that_fit_and_vectors_are_not_counted() {
        let model = Model::parse(DENSE).unwrap();
        let mut counter = Counter::new(&model).unwrap();
        assert_eq!(counter.mean([].into_iter()), Ok(None));
        assert!(counter.mean([[0; 3].as_slice()].into_iter()).is_err());
        let model = Model::parse(VECTORS).unwrap();
        assert!(Counter::new(&model).is_none());
    }

    #[test]
    fn the_inside_of_windows_is_that_of_the_kernels() {
        let span = |position, size| {
            let Span { first, count, skipped } = Span::of(position, 2, 1, 3, size);
            [first, count, skipped]
        };
        assert_eq!([span(0, 28), span(1, 28), span(13, 27)], [[0, 2, 1], [1, 3, 0], [25, 2, 0]]);
        assert_eq!(span(9, 3), [17, 0, 0]);
    }
}
