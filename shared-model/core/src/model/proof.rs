//! The proof that a layer is runnable: every parameter is in range, and no accumulator overflows.
//!
//! For each output, the sum of all negative weights times 255 and the sum of all positive weights
//! times 255 bound every partial sum. Both, with the bias, must fit an `i32`. In the last layer,
//! both must still fit after requantization to a logit.

use super::error::BlobError;
use super::format::saturating_u32;
use super::matrix::Matrix;
use super::reader::Reader;
use crate::fixed::Requant;
use crate::weights::{BLOCK_BYTES, Inputs, TILE_OUTPUTS, WeightOrder};

impl Matrix<'_> {
    /// Checks every parameter, and that no input overflows an accumulator or, in the last layer, a
    /// logit.
    ///
    /// Returns `None` after it stores the error in `reader`; so do the functions below.
    /// The last input of each group of `padded` must have zero weights; 0 if there are no groups.
    pub(super) fn prove_sound(&self, reader: &mut Reader<'_>, layer: u8, padded: usize, is_last: bool) -> Option<()> {
        let inputs = Inputs { first: 0, end: self.inputs(), padded };
        if self.order() == WeightOrder::Blocks {
            return self.prove_blocks(reader, layer, inputs, is_last);
        }
        for (tile, weights) in self.tiles().enumerate() {
            for row in 0..TILE_OUTPUTS {
                let bounds = self.order().bounds(weights, row, inputs);
                self.prove_row(reader, layer, tile, row, bounds, is_last)?;
            }
        }
        Some(())
    }

    /// Like [`Self::prove_sound`], for a pruned layer.
    fn prove_blocks(&self, reader: &mut Reader<'_>, layer: u8, inputs: Inputs, is_last: bool) -> Option<()> {
        self.check_places(reader, layer)?;
        let mut number = 0_u32;
        for (index, tile) in self.block_lists().tiles().enumerate() {
            for block in tile.blocks {
                if block.iter().all(|&byte| byte == 0) {
                    return reader.refuse(BlobError::EmptyBlock { layer, block: number });
                }
                number = number.wrapping_add(1);
            }
            for row in 0..TILE_OUTPUTS {
                let add = |(low, high): (i32, i32), (place, block): (usize, &[u8; BLOCK_BYTES])| {
                    let (lowest, highest) = self.order().bounds(block, row, Inputs { first: place, ..inputs })?;
                    Some((low.wrapping_add(lowest), high.wrapping_add(highest)))
                };
                let bounds = tile.blocks().try_fold((0, 0), add);
                self.prove_row(reader, layer, index, row, bounds, is_last)?;
            }
        }
        Some(())
    }

    /// Checks that each block of a pruned layer starts at an even input of the layer, after those
    /// of the previous block.
    fn check_places(&self, reader: &mut Reader<'_>, layer: u8) -> Option<()> {
        let mut number = 0_u32;
        for tile in self.block_lists().tiles() {
            let mut min_place = 0;
            for place in tile.places {
                let place = usize::from(u16::from_le_bytes(*place));
                if place < min_place || place >= self.inputs() || !place.is_multiple_of(2) {
                    return reader.refuse(BlobError::Place { layer, block: number, place: saturating_u32(place) });
                }
                min_place = place.wrapping_add(2);
                number = number.wrapping_add(1);
            }
        }
        Some(())
    }

    /// Checks what memory safety and the kernels' shifts need, without reading the weights.
    pub(super) fn check_memory(&self, reader: &mut Reader<'_>, layer: u8) -> Option<()> {
        self.check_places(reader, layer)?;
        for output in 0..self.outputs() {
            self.checked_requant(reader, layer, output)?;
        }
        Some(())
    }

    /// Returns the requantization of `output` if its parameters are in range.
    fn checked_requant(&self, reader: &mut Reader<'_>, layer: u8, output: usize) -> Option<Requant> {
        let (multiplier, shift) = (self.requants().multiplier(output), self.requants().shift(output));
        let requant = Requant::new(multiplier, shift);
        if requant.is_none() {
            let output = saturating_u32(output);
            return reader.refuse(BlobError::Requant { layer, output, multiplier, shift });
        }
        requant
    }

    /// Like [`Self::prove_sound`], for one row of a tile. `bounds` are those of its weighted sum,
    /// or `None` if a weight is invalid.
    fn prove_row(
        &self,
        reader: &mut Reader<'_>,
        layer: u8,
        tile: usize,
        row: usize,
        bounds: Option<(i32, i32)>,
        is_last: bool,
    ) -> Option<()> {
        let Some(bounds) = bounds else { return reader.refuse(BlobError::Weight { layer }) };
        let output = tile.wrapping_mul(TILE_OUTPUTS).wrapping_add(row);
        if output < self.outputs() {
            return self.prove_output(reader, layer, output, bounds, is_last);
        }
        if bounds == (0, 0) { Some(()) } else { reader.refuse(BlobError::Weight { layer }) }
    }

    /// Like [`Self::prove_sound`], for one output whose weighted sum is in `lowest..=highest`.
    fn prove_output(
        &self,
        reader: &mut Reader<'_>,
        layer: u8,
        output: usize,
        (lowest, highest): (i32, i32),
        is_last: bool,
    ) -> Option<()> {
        let requant = self.checked_requant(reader, layer, output)?;
        // All partial sums, in any order and with the bias first or last, are between these two.
        let bias = self.bias(output);
        let bounds = [lowest.checked_add(bias.min(0)), highest.checked_add(bias.max(0))];
        let fits = |bound: Option<i32>| {
            bound.is_some_and(|accumulator| !is_last || i32::try_from(requant.apply(accumulator)).is_ok())
        };
        if bounds.into_iter().all(fits) {
            return Some(());
        }
        reader.refuse(BlobError::Overflow { layer, output: saturating_u32(output) })
    }
}
