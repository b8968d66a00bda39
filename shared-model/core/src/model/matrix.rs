//! The matrix of a layer: packed weights, biases and requantizations.

use super::requants::Requants;
use crate::bytes::i32_at;
use crate::fixed::Requant;
use crate::weights::{BLOCK_BYTES, BlockLists, BlockTile, TILE_OUTPUTS, WeightOrder};

/// The matrix of a layer: packed weights, and a bias and a [`Requant`] for each output.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// let matrix = model.layers()[1].matrix().unwrap();
/// // Computes the accumulator of an output, for 64 inputs of 1.
/// let sum = matrix.bias(0) + matrix.row(0).map(i32::from).sum::<i32>();
/// assert_eq!(sum, -1201);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub(super) order: WeightOrder,
    // At most `MAX_WIDTH`, so 16 bits are enough, which saves RAM.
    pub(super) inputs: u16,
    pub(super) outputs: u16,
    pub(super) biases: &'a [u8],
    pub(super) requants: Requants<'a>,
    pub(super) weights: &'a [u8],
    /// Tables of a pruned layer; empty in others.
    pub(super) counts: &'a [u8],
    pub(super) places: &'a [u8],
    /// Largest block count of a tile of a pruned layer.
    pub(super) max_blocks: u16,
}

/// The tables of a matrix, in the blob.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tables<'a> {
    /// Little-endian `i32`, one for each output.
    pub biases: &'a [u8],
    /// Little-endian `u32`, one for each output.
    pub multipliers: &'a [u8],
    /// One for each output.
    pub shifts: &'a [u8],
    /// Packed weights.
    pub weights: &'a [u8],
    /// Block counts of a pruned layer; empty for others.
    pub counts: &'a [u8],
    /// Block places of a pruned layer; empty for others.
    pub places: &'a [u8],
    /// Largest block count of a tile of a pruned layer.
    pub max_blocks: u16,
}

impl<'a> Matrix<'a> {
    /// The matrix of a layer without weights.
    pub(super) const EMPTY: Self = Self {
        order: WeightOrder::Pairs,
        inputs: 0,
        outputs: 0,
        biases: &[],
        requants: Requants::EMPTY,
        weights: &[],
        counts: &[],
        places: &[],
        max_blocks: 0,
    };

    /// Returns the matrix of a model that was parsed while this program was compiled.
    pub(crate) const fn compiled(order: WeightOrder, [inputs, outputs]: [u16; 2], tables: Tables<'a>) -> Self {
        let Tables { biases, multipliers, shifts, weights, counts, places, max_blocks } = tables;
        // The kernels for blocks rely on this; those for other orders check the lengths themselves.
        let lists = BlockLists { counts, places, blocks: weights };
        assert!(
            !matches!(order, WeightOrder::Blocks) || lists.are_inside(inputs, max_blocks),
            "a table of blocks is not that of a parsed model"
        );
        let requants = Requants { multipliers, shifts, are_high: Requants::are_high(shifts) };
        Self { order, inputs, outputs, biases, requants, weights, counts, places, max_blocks }
    }

    /// Returns the number of inputs, 1..=[`MAX_WIDTH`](crate::MAX_WIDTH).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let widths: Vec<_> = model.matrices().map(|matrix| matrix.inputs()).collect();
    /// assert_eq!(widths, [784, 64]);
    /// ```
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.inputs as usize
    }

    /// Returns the number of outputs, 1..=[`MAX_WIDTH`](crate::MAX_WIDTH).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let widths: Vec<_> = model.matrices().map(|matrix| matrix.outputs()).collect();
    /// assert_eq!(widths, [64, 10]);
    /// ```
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs.into()
    }

    /// Returns the order of the packed weights.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let is_pruned = |matrix: &prenda::Matrix<'_>| matrix.order() == prenda::WeightOrder::Blocks;
    /// assert_eq!(model.matrices().map(is_pruned).collect::<Vec<_>>(), [true, false]);
    /// ```
    #[must_use]
    pub const fn order(&self) -> WeightOrder {
        self.order.built()
    }

    /// Returns the packed weights: tiles in the layer's [`order`](Self::order).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let matrix = model.layers()[1].matrix().unwrap();
    /// // Ten outputs are padded to two tiles of eight.
    /// assert_eq!(matrix.weights().len(), 64 * 16);
    /// ```
    #[must_use]
    pub fn weights(&self) -> &'a [u8] {
        self.weights
    }

    /// Returns the size in bytes of the weights in the blob, including the lists of a pruned layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let matrix = model.layers()[0].matrix().unwrap();
    /// // The first layer is pruned: it has 50,176 weights, but stores 5,120 of them.
    /// assert_eq!((matrix.weights().len(), matrix.weight_bytes()), (5120, 5776));
    /// ```
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        // The sum cannot overflow: all tables are in one blob.
        self.weights.len().wrapping_add(self.counts.len()).wrapping_add(self.places.len())
    }

    pub(crate) fn block_lists(&self) -> BlockLists<'a> {
        BlockLists { counts: self.counts, places: self.places, blocks: self.weights }
    }

    pub(crate) fn max_blocks(&self) -> usize {
        self.max_blocks.into()
    }

    /// Returns the weight from `input` to `output`, in -127..=127; 0 outside the layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let matrix = model.layers()[1].matrix().unwrap();
    /// assert_eq!([0, 1, 2].map(|input| matrix.weight(0, input)), [-46, -52, -48]);
    /// assert_eq!(matrix.weight(10, 0), 0); // the last output is 9
    /// ```
    #[must_use]
    pub fn weight(&self, output: usize, input: usize) -> i8 {
        if output >= self.outputs() || input >= self.inputs() {
            return 0;
        }
        let (tile, row) = (output / TILE_OUTPUTS, output % TILE_OUTPUTS);
        if self.order == WeightOrder::Blocks {
            let weight = self.block_lists().tiles().nth(tile).and_then(|tile| tile.weight(row, input));
            return weight.unwrap_or_default() as i8;
        }
        self.order.weight(self.tiles().nth(tile).unwrap_or_default(), row, input).unwrap_or_default()
    }

    /// Returns the weights of `output`, one for each input; an empty iterator outside the layer.
    ///
    /// Like [`weight`](Self::weight), but finds the output only once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let matrix = model.layers()[1].matrix().unwrap();
    /// assert_eq!(matrix.row(0).take(3).collect::<Vec<_>>(), [-46, -52, -48]);
    /// assert_eq!(matrix.row(9).count(), 64);
    /// ```
    pub fn row(&self, output: usize) -> impl Iterator<Item = i8> + use<'a> {
        let (order, tile, row) = (self.order, output / TILE_OUTPUTS, output % TILE_OUTPUTS);
        let (dense, blocks) = match order {
            WeightOrder::Blocks => (None, self.block_lists().tiles().nth(tile).unwrap_or_default()),
            _ => (self.tiles().nth(tile), BlockTile::default()),
        };
        let inputs = if output < self.outputs() { self.inputs() } else { 0 };
        (0..inputs).map(move |input| match order {
            WeightOrder::Blocks => blocks.weight(row, input).unwrap_or_default() as i8,
            _ => order.weight(dense.unwrap_or_default(), row, input).unwrap_or_default(),
        })
    }

    /// Calls `each` with every weight stored in the blob, in no particular order.
    ///
    /// Includes the zeros that pad tiles. Of a pruned layer, only the weights of stored blocks.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let mut zeros = 0;
    /// model.layers()[0].matrix().unwrap().visit_stored(|weight| zeros += u32::from(weight == 0));
    /// assert_eq!(zeros, 53); // in the blocks that pruning has kept
    /// ```
    pub fn visit_stored(&self, mut each: impl FnMut(i8)) {
        let chunk_bytes = match self.order {
            WeightOrder::Blocks => BLOCK_BYTES,
            order => order.tile_bytes(self.inputs()),
        };
        for chunk in self.weights.chunks_exact(chunk_bytes.max(1)) {
            for row in 0..TILE_OUTPUTS {
                // The parser has proved that they are in range.
                let _is_row = self.order.visit(chunk, row, &mut |weight| each(weight as i8));
            }
        }
    }

    /// Returns the packed tiles. Not for a pruned layer.
    pub(super) fn tiles(&self) -> impl Iterator<Item = &'a [u8]> {
        self.weights.chunks_exact(self.order.tile_bytes(self.inputs()).max(1))
    }

    /// Returns the bias of `output`, on the scale of its accumulator; 0 outside the layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let matrix = model.layers()[1].matrix().unwrap();
    /// assert_eq!([0, 1, 10].map(|output| matrix.bias(output)), [-525, -411, 0]);
    /// ```
    #[must_use]
    pub fn bias(&self, output: usize) -> i32 {
        i32_at(self.biases, output)
    }

    /// Returns the biases in order of outputs, little-endian `i32`.
    pub(crate) fn biases(&self) -> &'a [u8] {
        self.biases
    }

    pub(crate) fn requants(&self) -> Requants<'a> {
        self.requants
    }

    /// Returns the requantization of `output`'s accumulator; the default outside the layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let matrix = model.layers()[1].matrix().unwrap();
    /// let logit = matrix.requant(0).logit(matrix.bias(0)); // of an input of zeros
    /// assert_eq!(logit, -36_604);
    /// ```
    #[must_use]
    pub fn requant(&self, output: usize) -> Requant {
        Requant::new(self.requants.multiplier(output), self.requants.shift(output)).unwrap_or_default()
    }
}
