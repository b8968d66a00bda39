//! Parse once, then trust: a [`Model`] is the proof that its bytes are a model that can be run.

use core::iter;

use heapless::Vec;

use super::BlobError;
use super::format::{
    CHECKSUM_BYTES, MAX_CLASSES, MAX_GOLDEN_VECTORS, MAX_LAYERS, MAX_WIDTH, ModelId, Prefix, Provenance, blob_length,
    saturating_u32,
};
use super::reader::Reader;
use crate::bytes::{i32_at, u32_at};
use crate::checksum::Checksum;
use crate::fixed::Requant;
use crate::kernel::{BLOCK_BYTES, BlockLists, BlockTile, TILE_OUTPUTS, WeightOrder};

const MAX_HIDDEN_LAYERS: usize = MAX_LAYERS - 1;

/// A model, read where its bytes lie. Only [`Model::parse`] makes one, so whoever holds one need not check again.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    bytes: &'a [u8],
    id: ModelId,
    rows: u16,
    columns: u16,
    /// Where the class names start, and how many there are.
    class_names: (u32, usize),
    /// All layers but the last, which is kept apart because there always is one.
    hidden: Vec<DenseLayer<'a>, MAX_HIDDEN_LAYERS>,
    last: DenseLayer<'a>,
    golden: (u32, usize),
    provenance: Provenance<'a>,
}

/// One dense layer: packed weights, a bias and a rescaling for each output.
#[derive(Clone, Copy, Debug)]
pub struct DenseLayer<'a> {
    order: WeightOrder,
    // At most `MAX_WIDTH`; there are many layers, and little RAM.
    inputs: u16,
    outputs: u16,
    biases: &'a [u8],
    multipliers: &'a [u8],
    shifts: &'a [u8],
    weights: &'a [u8],
    /// Of a pruned layer.
    counts: &'a [u8],
    places: &'a [u8],
    /// Blocks of the tile that has most of them.
    most_blocks: u16,
    has_high_shifts: bool,
}

/// A picture with the answers that the exporting host computed, so that a device can test itself.
#[derive(Clone, Copy, Debug)]
pub struct Golden<'a> {
    /// Raw pixels, row-major.
    pub input: &'a [u8],
    /// Logits in Q15.16, little-endian `i32`, one for each class.
    pub logits: &'a [u8],
    /// Probabilities in Q1.15, little-endian `u16`, one for each class.
    pub probabilities: &'a [u8],
}

impl<'a> Model<'a> {
    /// Parses `bytes`, all of them, and proves that the model can be run: every table has its place and length, every
    /// parameter its range, and no picture whatsoever can overflow an accumulator.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. Never panics, whatever the bytes are.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let found = saturating_u32(bytes.len());
        let length = blob_length(bytes)?;
        if length != bytes.len() {
            return Err(BlobError::Length { declared: saturating_u32(length), found });
        }
        let (fields, stored) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(BlobError::TooShort { found })?;
        let (stored, computed) = (u32::from_le_bytes(*stored), Checksum::of(fields));
        if stored != computed {
            return Err(BlobError::Checksum { stored, computed });
        }

        let mut reader = Reader::new(fields, Prefix::BYTES);
        // Filled where it is returned: each move of it would take a kilobyte of a device's stack.
        let mut parsed = Ok(Self {
            bytes,
            id: ModelId(stored),
            rows: 0,
            columns: 0,
            class_names: (0, 0),
            hidden: Vec::new(),
            last: DenseLayer::EMPTY,
            golden: (0, 0),
            provenance: Provenance::default(),
        });
        if let Ok(view) = &mut parsed
            && view.fill(&mut reader).is_none()
        {
            parsed = Err(reader.refusal());
        }
        parsed
    }

    /// Reads all fields, and proves what is to be proved of them.
    fn fill(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        (self.rows, self.columns) = (reader.take_u16()?, reader.take_u16()?);
        let pixels = checked_width(reader, u32::from(self.rows).wrapping_mul(u32::from(self.columns)))?;

        let names = reader.take_u32()?;
        self.class_names = (reader.offset(), names as usize);
        for _ in 0..names {
            reader.take_text()?;
        }

        let layer_count = reader.take_u32()?;
        let bad_count = BlobError::LayerCount { found: layer_count, most: MAX_LAYERS as u32 };
        let Some(hidden_count) = layer_count.checked_sub(1) else { return reader.refuse(bad_count) };
        let mut width = pixels;
        for index in 0..hidden_count {
            let layer = DenseLayer::take(reader, index as u8, width)?;
            width = layer.outputs();
            if self.hidden.push(layer).is_err() {
                return reader.refuse(bad_count);
            }
        }
        self.last = DenseLayer::take(reader, self.hidden.len() as u8, width)?;
        let outputs = self.last.outputs();
        if names as usize != outputs || outputs > MAX_CLASSES {
            let (outputs, most) = (saturating_u32(outputs), MAX_CLASSES as u32);
            return reader.refuse(BlobError::Classes { names, outputs, most });
        }
        for (index, layer) in self.hidden.iter().enumerate() {
            layer.prove_sound(reader, index as u8, false)?;
        }
        self.last.prove_sound(reader, self.hidden.len() as u8, true)?;

        let golden_count = reader.take_u32()?;
        if golden_count as usize > MAX_GOLDEN_VECTORS {
            return reader.refuse(BlobError::GoldenCount { found: golden_count, most: MAX_GOLDEN_VECTORS as u32 });
        }
        self.golden = (reader.offset(), golden_count as usize);
        for _ in 0..golden_count {
            Golden::take(reader, pixels, outputs)?;
        }
        self.provenance = Provenance::take(reader)?;
        reader.finish()
    }

    /// Which model this is.
    #[must_use]
    pub fn id(&self) -> ModelId {
        self.id
    }

    /// The whole blob.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Rows of a picture.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.into()
    }

    /// Columns of a picture.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns.into()
    }

    /// Pixels of a picture: inputs of the first layer.
    #[must_use]
    pub fn input_width(&self) -> usize {
        self.rows().wrapping_mul(self.columns())
    }

    /// Number of classes: outputs of the last layer.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.class_names.1
    }

    /// The names of the classes, in order.
    pub fn class_names(&self) -> impl Iterator<Item = &'a str> {
        let mut reader = Reader::new(self.bytes, self.class_names.0 as usize);
        iter::from_fn(move || reader.take_text()).take(self.class_names.1)
    }

    /// The layers, first to last.
    pub fn layers(&self) -> impl Iterator<Item = &DenseLayer<'a>> {
        self.hidden.iter().chain([&self.last])
    }

    /// The layers with ReLU: all but the last.
    #[must_use]
    pub fn hidden_layers(&self) -> &[DenseLayer<'a>] {
        &self.hidden
    }

    /// The layer whose outputs are the logits.
    #[must_use]
    pub fn last_layer(&self) -> &DenseLayer<'a> {
        &self.last
    }

    /// Number of golden vectors, at most [`MAX_GOLDEN_VECTORS`].
    #[must_use]
    pub fn golden_count(&self) -> usize {
        self.golden.1
    }

    /// The golden vectors.
    pub fn golden(&self) -> impl Iterator<Item = Golden<'a>> {
        let mut reader = Reader::new(self.bytes, self.golden.0 as usize);
        let (inputs, classes) = (self.input_width(), self.classes());
        iter::from_fn(move || Golden::take(&mut reader, inputs, classes)).take(self.golden.1)
    }

    /// Where the model comes from.
    #[must_use]
    pub fn provenance(&self) -> Provenance<'a> {
        self.provenance
    }
}

impl<'a> DenseLayer<'a> {
    /// No layer yet.
    const EMPTY: Self = Self {
        order: WeightOrder::Pairs,
        inputs: 0,
        outputs: 0,
        biases: &[],
        multipliers: &[],
        shifts: &[],
        weights: &[],
        counts: &[],
        places: &[],
        most_blocks: 0,
        has_high_shifts: false,
    };

    fn take(reader: &mut Reader<'a>, index: u8, inputs: usize) -> Option<Self> {
        let order = reader.take_u32()?;
        let Some(order) = WeightOrder::from_number(order) else {
            return reader.refuse(BlobError::WeightOrder { layer: index, found: order });
        };
        let outputs = reader.take_u32()?;
        let outputs = checked_width(reader, outputs)?;
        let mut layer = Self {
            order,
            inputs: inputs as u16,
            outputs: outputs as u16,
            biases: reader.take_table(outputs.wrapping_mul(4))?,
            multipliers: reader.take_table(outputs.wrapping_mul(4))?,
            shifts: reader.take_table(outputs)?,
            ..Self::EMPTY
        };
        layer.has_high_shifts = layer.shifts.iter().all(|&shift| shift > 32);
        if order == WeightOrder::Blocks {
            layer.counts = reader.take_table(outputs.div_ceil(TILE_OUTPUTS).wrapping_mul(2))?;
            // At most 2,048 tiles of less than 2^16 blocks, and so 2^31 bytes.
            let count: usize = layer.block_lists().counts().sum();
            layer.most_blocks = layer.block_lists().counts().max().unwrap_or(0) as u16;
            layer.places = reader.take_table(count.wrapping_mul(2))?;
            layer.weights = reader.take_table(count.wrapping_mul(BLOCK_BYTES))?;
        } else {
            layer.weights = reader.take_table(order.packed_length_bound(inputs, outputs))?;
        }
        Some(layer)
    }

    /// Number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs.into()
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs.into()
    }

    /// The order of the packed weights.
    #[must_use]
    pub fn order(&self) -> WeightOrder {
        self.order
    }

    /// The packed weights.
    #[must_use]
    pub fn weights(&self) -> &'a [u8] {
        self.weights
    }

    /// Bytes that weights, and of a pruned layer their lists, take in the blob.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        // All are in one blob.
        self.weights.len().wrapping_add(self.counts.len()).wrapping_add(self.places.len())
    }

    /// The tables of a pruned layer.
    pub(crate) fn block_lists(&self) -> BlockLists<'a> {
        BlockLists { counts: self.counts, places: self.places, blocks: self.weights }
    }

    /// The most blocks that a tile of a pruned layer has.
    pub(crate) fn most_blocks(&self) -> usize {
        self.most_blocks.into()
    }

    /// The weight from `input` to `output`, in -127..=127; 0 outside the layer.
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

    /// The weights into `output`, one for each input; none where there is no such output. As [`weight`](Self::weight), but the
    /// output is looked for only once.
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

    /// Hands every weight that has bytes in the blob to `each`, in no order: all weights, and zeros that fill tiles up; of a pruned
    /// layer those of its blocks alone.
    pub fn visit_stored(&self, mut each: impl FnMut(i8)) {
        let chunk_bytes = match self.order {
            WeightOrder::Blocks => BLOCK_BYTES,
            order => order.tile_bytes(self.inputs()),
        };
        for chunk in self.weights.chunks_exact(chunk_bytes.max(1)) {
            for row in 0..TILE_OUTPUTS {
                // They were proven to be in range.
                let _is_row = self.order.visit(chunk, row, &mut |weight| each(weight as i8));
            }
        }
    }

    fn tiles(&self) -> impl Iterator<Item = &'a [u8]> {
        self.weights.chunks_exact(self.order.tile_bytes(self.inputs()).max(1))
    }

    /// The bias of `output`, on the scale of its accumulator.
    #[must_use]
    pub fn bias(&self, output: usize) -> i32 {
        i32_at(self.biases, output)
    }

    /// The biases, in order of outputs, little-endian.
    pub(crate) fn biases(&self) -> &'a [u8] {
        self.biases
    }

    /// The rescalings' multipliers, in order of outputs, little-endian `u32`.
    pub(crate) fn multipliers(&self) -> &'a [u8] {
        self.multipliers
    }

    /// The rescalings' shifts, in order of outputs.
    pub(crate) fn shifts(&self) -> &'a [u8] {
        self.shifts
    }

    /// Whether all shifts are above 32.
    pub(crate) fn has_high_shifts(&self) -> bool {
        self.has_high_shifts
    }

    /// The rescalings, in order of outputs.
    pub(crate) fn requants(&self) -> impl Iterator<Item = Requant> {
        let multipliers = self.multipliers.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        multipliers.zip(self.shifts).map(|(multiplier, &shift)| Requant::trusted(multiplier, shift))
    }

    /// The rescaling of `output`'s accumulator; the default outside the layer.
    #[must_use]
    pub fn requant(&self, output: usize) -> Requant {
        Requant::new(self.multiplier(output), self.shift(output)).unwrap_or_default()
    }

    fn multiplier(&self, output: usize) -> u32 {
        u32_at(self.multipliers, output)
    }

    fn shift(&self, output: usize) -> u8 {
        self.shifts.get(output).copied().unwrap_or(0)
    }

    /// Checks every parameter of the layer, and that no input can overflow an accumulator or, in the last layer, a logit.
    fn prove_sound(&self, reader: &mut Reader<'_>, layer: u8, is_last: bool) -> Option<()> {
        if self.order == WeightOrder::Blocks {
            return self.prove_blocks(reader, layer, is_last);
        }
        for (tile, weights) in self.tiles().enumerate() {
            for row in 0..TILE_OUTPUTS {
                let bounds = self.order.bounds(weights, row, self.inputs());
                self.prove_row(reader, layer, tile, row, bounds, is_last)?;
            }
        }
        Some(())
    }

    /// As [`Self::prove_sound`], for a pruned layer.
    fn prove_blocks(&self, reader: &mut Reader<'_>, layer: u8, is_last: bool) -> Option<()> {
        let mut number = 0_u32;
        for (index, tile) in self.block_lists().tiles().enumerate() {
            let mut least = 0;
            for (place, block) in tile.blocks() {
                if place < least || place >= self.inputs() || !place.is_multiple_of(2) {
                    return reader.refuse(BlobError::Place { layer, block: number, place: saturating_u32(place) });
                }
                if block.iter().all(|&byte| byte == 0) {
                    return reader.refuse(BlobError::EmptyBlock { layer, block: number });
                }
                least = place.wrapping_add(2);
                number = number.wrapping_add(1);
            }
            for row in 0..TILE_OUTPUTS {
                let add = |(low, high): (i32, i32), (place, block): (usize, &[u8; BLOCK_BYTES])| {
                    // Of an odd number of inputs, the last block has one.
                    let inputs = self.inputs().wrapping_sub(place).min(2);
                    let (lowest, highest) = self.order.bounds(block, row, inputs)?;
                    Some((low.wrapping_add(lowest), high.wrapping_add(highest)))
                };
                let bounds = tile.blocks().try_fold((0, 0), add);
                self.prove_row(reader, layer, index, row, bounds, is_last)?;
            }
        }
        Some(())
    }

    /// As [`Self::prove_sound`], for one row of a tile, whose weighted sum lies in `bounds` if its weights are some.
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

    /// As [`Self::prove_sound`], for one output whose weighted sum lies in `lowest..=highest`.
    fn prove_output(
        &self,
        reader: &mut Reader<'_>,
        layer: u8,
        output: usize,
        (lowest, highest): (i32, i32),
        is_last: bool,
    ) -> Option<()> {
        let (multiplier, shift) = (self.multiplier(output), self.shift(output));
        let output_index = saturating_u32(output);
        let Some(requant) = Requant::new(multiplier, shift) else {
            return reader.refuse(BlobError::Requant { layer, output: output_index, multiplier, shift });
        };
        // Partial sums in any order, with the bias added first or last, lie between these two.
        let bias = self.bias(output);
        let bounds = [lowest.checked_add(bias.min(0)), highest.checked_add(bias.max(0))];
        let fits = |bound: Option<i32>| {
            bound.is_some_and(|accumulator| !is_last || i32::try_from(requant.apply(accumulator)).is_ok())
        };
        if bounds.into_iter().all(fits) {
            return Some(());
        }
        reader.refuse(BlobError::Overflow { layer, output: output_index })
    }
}

impl<'a> Golden<'a> {
    fn take(reader: &mut Reader<'a>, inputs: usize, classes: usize) -> Option<Self> {
        Some(Self {
            input: reader.take_table(inputs)?,
            logits: reader.take_table(classes.wrapping_mul(4))?,
            probabilities: reader.take_table(classes.wrapping_mul(2))?,
        })
    }
}

impl<'a> Provenance<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        Some(Self {
            trainer: reader.take_text()?,
            backend: reader.take_text()?,
            seed: reader.take_u64()?,
            epochs: reader.take_u32()?,
            data_sha256: reader.take_array()?,
            train_pictures: reader.take_u32()?,
            train_correct_float: reader.take_u32()?,
            test_pictures: reader.take_u32()?,
            test_correct_float: reader.take_u32()?,
            test_correct_fixed: reader.take_u32()?,
        })
    }
}

/// `width` as a number of values, which is in 1..=[`MAX_WIDTH`].
fn checked_width(reader: &mut Reader<'_>, width: u32) -> Option<usize> {
    match usize::try_from(width) {
        Ok(value) if (1..=MAX_WIDTH).contains(&value) => Some(value),
        _ => reader.refuse(BlobError::Width { found: width, most: MAX_WIDTH as u32 }),
    }
}
