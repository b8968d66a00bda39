//! The layout of one layer's weights.

use super::blocks::BlockLengths;
use super::fields::{FOUR_BITS, TERNARY};
use super::tile::TILE_OUTPUTS;
use super::vectors::VECTOR_ZERO_POINT;
use super::{pairs, vectors};

/// The layout of a layer's packed weights.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// use prenda::WeightOrder;
///
/// let orders: Vec<_> = model.matrices().map(|matrix| matrix.order()).collect();
/// assert_eq!(orders, [WeightOrder::Blocks, WeightOrder::Pairs]); // the first layer is pruned
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum WeightOrder {
    /// Two inputs by eight outputs, for cores that use words, and for the host.
    #[default]
    Pairs = 1,
    /// Sixteen inputs by eight outputs, for cores with Helium, Arm's vector extension (Cortex-M55
    /// and later).
    Vectors = 2,
    /// Weights in -7..=7, four bits each, two inputs by eight outputs.
    FourBitPairs = 3,
    /// Weights in -1..=1, two bits each, two inputs by eight outputs.
    TernaryPairs = 4,
    /// Pruned layers: only the blocks of two inputs by eight outputs that have a non-zero weight.
    Blocks = 5,
}

impl WeightOrder {
    /// All orders.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::WeightOrder;
    ///
    /// let names = WeightOrder::ALL.map(|order| order.to_string());
    /// assert_eq!(names, ["pairs", "vectors", "four-bit", "ternary", "blocks"]);
    /// ```
    pub const ALL: [Self; 5] = [Self::Pairs, Self::Vectors, Self::FourBitPairs, Self::TernaryPairs, Self::Blocks];

    /// The fastest order for 8-bit weights on this build's kernels. They run every order.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::WeightOrder;
    ///
    /// assert_eq!(WeightOrder::FASTEST, WeightOrder::Pairs); // on a host
    /// ```
    pub const FASTEST: Self = if cfg!(kernel_helium) { Self::Vectors } else { Self::Pairs };

    /// Returns true if this build's kernels run the same weights faster in another order.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::WeightOrder;
    ///
    /// assert!(WeightOrder::Vectors.has_faster()); // on a host; not on a Cortex-M55
    /// assert!(!WeightOrder::TernaryPairs.has_faster());
    /// ```
    #[must_use]
    pub fn has_faster(self) -> bool {
        matches!(self, Self::Pairs | Self::Vectors) && self != Self::FASTEST
    }

    /// Returns the order if this build has its feature; otherwise, any order whose feature it has.
    ///
    /// A parsed model has only such orders. The compiler sees it here, and omits other kernels.
    #[inline(always)]
    pub(crate) const fn built(self) -> Self {
        match self {
            Self::Vectors if cfg!(feature = "vectors") => self,
            Self::FourBitPairs if cfg!(feature = "four-bit") => self,
            Self::TernaryPairs if cfg!(feature = "ternary") => self,
            Self::Blocks if cfg!(feature = "blocks") => self,
            _ if cfg!(feature = "pairs") => Self::Pairs,
            _ if cfg!(feature = "vectors") => Self::Vectors,
            _ if cfg!(feature = "four-bit") => Self::FourBitPairs,
            _ if cfg!(feature = "ternary") => Self::TernaryPairs,
            _ => Self::Blocks,
        }
    }

    /// Returns the order with this number in a blob, if this build reads it.
    pub(crate) const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 if cfg!(feature = "pairs") => Some(Self::Pairs),
            2 if cfg!(feature = "vectors") => Some(Self::Vectors),
            3 if cfg!(feature = "four-bit") => Some(Self::FourBitPairs),
            4 if cfg!(feature = "ternary") => Some(Self::TernaryPairs),
            5 if cfg!(feature = "blocks") => Some(Self::Blocks),
            _ => None,
        }
    }

    pub(crate) const fn number(self) -> u32 {
        self as u32
    }

    /// Returns the largest weight that the order can store; the smallest is its negative.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::WeightOrder;
    ///
    /// let weight = 100;
    /// assert!(weight <= WeightOrder::Pairs.largest_weight());
    /// assert!(weight > WeightOrder::FourBitPairs.largest_weight());
    /// ```
    #[must_use]
    pub const fn largest_weight(self) -> i8 {
        match self {
            Self::Pairs | Self::Vectors | Self::Blocks => 127,
            Self::FourBitPairs => 7,
            Self::TernaryPairs => 1,
        }
    }

    /// Returns true if every block has two inputs, at the place of its pair.
    pub(crate) const fn has_pairs(self) -> bool {
        !matches!(self, Self::Vectors | Self::Blocks)
    }

    pub(crate) const fn block_inputs(self) -> usize {
        match self {
            Self::Vectors => 16,
            _ => 2,
        }
    }

    /// Returns the size of a tile in bytes: eight outputs by all `inputs`, padded to whole blocks.
    ///
    /// `inputs` is at most [`MAX_WIDTH`](crate::MAX_WIDTH), so the result is at most 2^17.
    pub(crate) const fn tile_bytes(self, inputs: usize) -> usize {
        let weights = inputs.next_multiple_of(self.block_inputs()).wrapping_mul(TILE_OUTPUTS);
        match self {
            Self::Pairs | Self::Vectors | Self::Blocks => weights,
            Self::FourBitPairs => weights / 2,
            Self::TernaryPairs => weights / 4,
        }
    }

    /// Returns an upper bound, in bytes, for a layer's packed weights and lists in a blob.
    ///
    /// The bound is exact for every order but [`Blocks`](Self::Blocks), whose zero blocks take no
    /// bytes. Both widths are at most [`MAX_WIDTH`](crate::MAX_WIDTH), so the result is below 2^29
    /// and fits a 32-bit `usize`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::WeightOrder;
    ///
    /// assert_eq!(WeightOrder::Pairs.packed_length_bound(784, 64), 50_176);
    /// assert_eq!(WeightOrder::TernaryPairs.packed_length_bound(784, 64), 12_544);
    /// assert_eq!(WeightOrder::Pairs.packed_length_bound(3, 1), 32); // 4 inputs, 8 outputs
    /// ```
    #[must_use]
    pub const fn packed_length_bound(self, inputs: usize, outputs: usize) -> usize {
        let tiles = outputs.div_ceil(TILE_OUTPUTS);
        let lists = match self {
            // One count for each tile, and one place for each block.
            Self::Blocks => inputs.div_ceil(2).wrapping_add(1).wrapping_mul(2),
            _ => 0,
        };
        tiles.wrapping_mul(self.tile_bytes(inputs).wrapping_add(lists))
    }

    /// Returns the exact length, in bytes, of `weights` (row-major by output) and their lists in a
    /// blob.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::WeightOrder;
    ///
    /// // Four inputs, one output. One of the two blocks is zero.
    /// let weights = [0, 0, 5, -3];
    /// assert_eq!(WeightOrder::Pairs.packed_length(&weights, 4), 32);
    /// assert_eq!(WeightOrder::Blocks.packed_length(&weights, 4), 20);
    /// ```
    #[must_use]
    pub fn packed_length(self, weights: &[i8], inputs: usize) -> usize {
        let outputs = weights.len().checked_div(inputs).unwrap_or(0);
        match self {
            Self::Blocks => BlockLengths::of(weights, inputs).total(),
            _ => self.packed_length_bound(inputs, outputs),
        }
    }

    /// Returns the weight of one output (0..8) and one input of a packed `tile`.
    ///
    /// Returns `None` outside the tile, if the bytes encode no weight of the order, and for
    /// [`Blocks`](Self::Blocks), which [`BlockTile::weight`](super::blocks::BlockTile::weight)
    /// reads.
    pub(crate) fn weight(self, tile: &[u8], output: usize, input: usize) -> Option<i8> {
        let weight = match self {
            Self::Blocks => None,
            Self::Pairs => pairs::weight(tile, output, input),
            Self::Vectors => vectors::weight(tile, output, input),
            Self::FourBitPairs => FOUR_BITS.weight(tile, output, input),
            Self::TernaryPairs => TERNARY.weight(tile, output, input),
        }?;
        if weight.unsigned_abs() <= self.largest_weight().unsigned_abs().into() { Some(weight as i8) } else { None }
    }

    /// Returns the smallest and the largest weighted sum of one output (0..8) of a packed `tile`,
    /// over all inputs in 0..=255.
    ///
    /// Returns `None` if bytes encode no weight, or the padding is not zero. The sums are at most
    /// 16,384 * 255 * 127 in magnitude, which is below 2^30.
    pub(crate) fn bounds(self, tile: &[u8], output: usize, inputs: Inputs) -> Option<(i32, i32)> {
        let (mut sum, mut size, mut largest, mut input) = (0_i32, 0_i32, 0_i32, inputs.first);
        let mut add = |weight: i32| {
            let absolute = weight.wrapping_abs();
            sum = sum.wrapping_add(weight);
            size = size.wrapping_add(absolute);
            // A non-zero weight in the padding becomes too large.
            largest = largest.max(if inputs.has(input) { absolute } else { absolute << 8 });
            input = input.wrapping_add(1);
        };
        self.visit(tile, output, &mut add)?;
        if largest > self.largest_weight().into() {
            return None;
        }
        // `size + sum` is twice the sum of the positive weights, `sum - size` twice that of the
        // negative ones.
        let bound = |twice: i32| (twice / 2).wrapping_mul(255);
        Some((bound(sum.wrapping_sub(size)), bound(sum.wrapping_add(size))))
    }

    /// Calls `each` with the stored weights of one output (0..8) of a packed `tile`, padding
    /// included.
    ///
    /// The weights can be out of range. They come in order of inputs; those of
    /// [`Blocks`](Self::Blocks) in order of blocks. Returns `None` if the output is out of range.
    pub(crate) fn visit(self, tile: &[u8], output: usize, each: &mut dyn FnMut(i32)) -> Option<()> {
        match self {
            Self::Pairs | Self::Blocks => pairs::visit(tile, output, each),
            Self::Vectors => vectors::visit(tile, output, each),
            Self::FourBitPairs => FOUR_BITS.visit(tile, output, each),
            Self::TernaryPairs => TERNARY.visit(tile, output, each),
        }
    }

    /// Packs `weights`, row-major by output, into all of `target`.
    ///
    /// Returns `None` if `target` is shorter than [`packed_length`](Self::packed_length), if a
    /// weight is out of the order's range, and for [`Blocks`](Self::Blocks), which
    /// [`write_blocks`](super::blocks::write_blocks) writes.
    pub(crate) fn pack(self, weights: &[i8], inputs: usize, target: &mut [u8]) -> Option<()> {
        if self.is_exceeded_by(weights) {
            return None;
        }
        match self {
            Self::Blocks => return None,
            Self::Pairs => target.fill(0),
            Self::Vectors => target.fill(VECTOR_ZERO_POINT),
            Self::FourBitPairs => FOUR_BITS.fill(target),
            Self::TernaryPairs => TERNARY.fill(target),
        }
        for (output, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let start = (output / TILE_OUTPUTS).checked_mul(self.tile_bytes(inputs))?;
            let tile = target.get_mut(start..)?;
            let output = output % TILE_OUTPUTS;
            for (input, &weight) in row.iter().enumerate() {
                match self {
                    Self::Blocks => return None,
                    Self::Pairs => pairs::put(tile, output, input, weight)?,
                    Self::Vectors => vectors::put(tile, output, input, weight)?,
                    Self::FourBitPairs => FOUR_BITS.put(tile, output, input, weight)?,
                    Self::TernaryPairs => TERNARY.put(tile, output, input, weight)?,
                }
            }
        }
        Some(())
    }

    /// Returns true if a weight is out of the order's range.
    pub(crate) fn is_exceeded_by(self, weights: &[i8]) -> bool {
        let most = self.largest_weight().unsigned_abs();
        weights.iter().any(|weight| weight.unsigned_abs() > most)
    }
}

/// The inputs of a tile or block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs {
    /// Index of the first one.
    pub first: usize,
    /// Index after the last one; all others are padding.
    pub end: usize,
    /// Size of groups whose last input is padding, too. 0 if there are no groups.
    pub padded: usize,
}

impl Inputs {
    /// Returns true if `input` is not padding.
    fn has(self, input: usize) -> bool {
        input < self.end && input.wrapping_add(1).checked_rem(self.padded) != Some(0)
    }
}

impl core::fmt::Display for WeightOrder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            Self::Pairs => "pairs",
            Self::Vectors => "vectors",
            Self::FourBitPairs => "four-bit",
            Self::TernaryPairs => "ternary",
            Self::Blocks => "blocks",
        })
    }
}
