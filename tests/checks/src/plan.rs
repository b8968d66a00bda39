//! A model field by field, written without the encoder and without checks, so that any field can be
//! invalid.

use crate::with_length_and_checksum;

/// All fields of a blob, in order.
pub struct Plan {
    pub magic: [u8; 8],
    pub version: u8,
    pub rows: Vec<u8>,
    pub columns: Vec<u8>,
    /// Empty in format 1.
    pub channels: Vec<u8>,
    pub name_count: u64,
    /// Each with its declared length.
    pub names: Vec<(u64, &'static [u8])>,
    /// Empty except in format 3.
    pub feature_count: Vec<u8>,
    pub features: Vec<PlannedFeature>,
    /// Empty in format 1.
    pub network_count: Vec<u8>,
    pub layer_count: u64,
    pub layers: Vec<PlannedLayer>,
    /// The second network of a cascade.
    pub second: Option<Second>,
    pub golden_count: u64,
    /// Input, logits, probabilities.
    pub golden: [Table; 3],
    pub trainer: &'static [u8],
    pub epochs: u64,
    pub data_sha256: Vec<u8>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// The second network of a cascade, after the margin of the first.
pub struct Second {
    pub margin: i32,
    pub layer_count: u64,
    pub layers: Vec<PlannedLayer>,
}

/// A feature, whose name has a declared length.
#[derive(Clone)]
pub struct PlannedFeature {
    pub name: (u64, &'static [u8]),
    pub decimals: u8,
    pub offset: i32,
    pub multiplier: u32,
    pub shift: u8,
}

#[derive(Clone)]
pub struct PlannedLayer {
    /// Empty in format 1.
    pub kind: Vec<u8>,
    /// The bytes of a window, if the kind has one.
    pub window: Vec<u8>,
    /// False for a pool, which has none of the following fields.
    pub has_matrix: bool,
    pub order: u64,
    pub outputs: u64,
    pub biases: Table,
    pub multipliers: Table,
    pub shifts: Table,
    /// Counts and places, if the order has them, and weights.
    pub weights: Vec<Table>,
}

#[derive(Clone, Default)]
pub struct Table {
    pub data: Vec<u8>,
    /// Declared length, if it is not that of `data`.
    pub length: Option<u64>,
    /// Padding, if it is not the shortest.
    pub padding: Option<Vec<u8>>,
}

impl Table {
    pub fn of(data: &[u8]) -> Self {
        Self { data: data.to_vec(), ..Self::default() }
    }

    /// Builds a table of little-endian numbers.
    pub fn i32s(values: &[i32]) -> Self {
        Self::of(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }

    /// Builds a table of little-endian numbers.
    pub fn u32s(values: &[u32]) -> Self {
        Self::of(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }
}

impl Plan {
    /// Builds the model of `shared-model/core/tests/golden_blob.hex`: two inputs, two hidden
    /// neurons, two classes, one golden vector.
    pub fn sound() -> Self {
        // Two of a block's eight outputs: a halfword for each input, with the second output in the
        // upper byte.
        let layer = |[first, second]: [i16; 2]| {
            let weights = [&first.to_le_bytes()[..], &second.to_le_bytes(), &[0; 12]].concat();
            PlannedLayer::of(1, &[10, -10], vec![Table::of(&weights)])
        };
        Self {
            magic: *b"PRENDA\x1a\n",
            version: 1,
            rows: vec![1],
            columns: vec![2],
            channels: Vec::new(),
            name_count: 2,
            names: vec![(2, b"no"), (3, b"yes")],
            feature_count: Vec::new(),
            features: Vec::new(),
            network_count: Vec::new(),
            layer_count: 2,
            layers: vec![layer([1 + 256 * 3, -2 + 256 * 127]), layer([5 - 256 * 7, 6 + 256 * 8])],
            second: None,
            golden_count: 1,
            golden: [Table::of(&[0, 200]), Table::i32s(&[0, 0]), Table::of(&[0, 0x40, 0, 0x40])],
            trainer: b"test 1.0.0",
            epochs: 5,
            data_sha256: vec![0xDA; 32],
            rest: Vec::new(),
        }
    }

    /// Builds the same model with a pruned first layer: two blocks, each at an even place, for
    /// images of four pixels.
    pub fn pruned() -> Self {
        let mut plan = Self::sound();
        plan.columns = vec![4];
        plan.golden[0] = Table::of(&[0, 200, 0, 0]);
        // The layer has two of a block's eight outputs.
        let block = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let blocks = [block, block].concat();
        plan.layers[0] = PlannedLayer::of(5, &[10, -10], [&[2, 0][..], &[0, 0, 2, 0], &blocks].map(Table::of).to_vec());
        plan
    }

    /// Builds the model of `shared-model/core/tests/golden_blob_2.hex`: a cascade of a convolution,
    /// a pool and a dense layer, then a pool, a depthwise convolution and a dense layer.
    pub fn cascade() -> Self {
        // Halfwords of pairs, four of each input; those of absent outputs are zero.
        let pairs = |halfwords: &[[i16; 2]]| {
            let block = |[first, second]: &[i16; 2]| [*first, *second, 0, 0, 0, 0, 0, 0].map(i16::to_le_bytes);
            vec![Table::of(halfwords.iter().flat_map(block).collect::<Vec<_>>().as_flattened())]
        };
        let of = |kind: u8, window: &[u8], biases: &[i32], weights: &[[i16; 2]]| PlannedLayer {
            kind: vec![kind],
            window: window.to_vec(),
            has_matrix: !biases.is_empty(),
            ..PlannedLayer::of(1, biases, pairs(weights))
        };
        // Kernel, stride, padding.
        let convolution = [1, 3, 1, 1, 0, 1, 0, 1];
        let (whole, quarter) = ([3, 3, 1, 1, 0, 0, 0, 0], [2, 2, 1, 1, 0, 0, 0, 0]);
        Self {
            version: 2,
            rows: vec![3],
            columns: vec![3],
            channels: vec![1],
            network_count: vec![2],
            layer_count: 3,
            layers: vec![
                of(1, &convolution, &[10, -10], &[[1 + 256 * 4, -2 + 256 * 5], [3 - 256 * 6, 0]]),
                of(3, &whole, &[], &[]),
                of(0, &[], &[10, -10], &[[5 - 256 * 7, 6 + 256 * 8]]),
            ],
            second: Some(Second {
                margin: 1 << 16,
                layer_count: 3,
                layers: vec![
                    of(4, &quarter, &[], &[]),
                    of(2, &quarter, &[10], &[[1, -2], [3, 4]]),
                    of(0, &[], &[10, -10], &[[9 - 256 * 9, 0]]),
                ],
            }),
            golden: [
                Table::of(&[0, 200, 0, 50, 0, 0, 0, 0, 100]),
                Table::i32s(&[0, 0]),
                Table::of(&[0, 0x40, 0, 0x40]),
            ],
            ..Self::sound()
        }
    }

    /// Builds the model of `shared-model/core/tests/golden_blob_3.hex`: the model of format 1, with
    /// a feature for each input.
    pub fn rows() -> Self {
        let feature = |name: &'static [u8], decimals, offset, shift| PlannedFeature {
            name: (name.len() as u64, name),
            decimals,
            offset,
            multiplier: 1 << 30,
            shift,
        };
        let mut plan = Self::sound();
        plan.layers.iter_mut().for_each(|layer| layer.kind = vec![0]);
        Self {
            version: 3,
            channels: vec![1],
            feature_count: vec![2],
            features: vec![feature("height".as_bytes(), 1, -40, 31), feature("°C".as_bytes(), 0, 20, 28)],
            network_count: vec![1],
            ..plan
        }
    }

    /// Returns the second network of a cascade.
    pub fn second(&mut self) -> &mut Second {
        self.second.as_mut().expect("the plan is a cascade")
    }

    /// Sets the names of classes and their count.
    pub fn set_names(&mut self, names: &[&'static str]) {
        self.name_count = names.len() as u64;
        self.names = names.iter().map(|name| (name.len() as u64, name.as_bytes())).collect();
    }

    /// Writes the blob with the right length and checksum.
    pub fn write(&self) -> Vec<u8> {
        let mut blob = [&self.magic[..], &[self.version], &[0; 4], &self.rows, &self.columns, &self.channels].concat();
        blob.extend(varint(self.name_count));
        for &(length, name) in &self.names {
            blob.extend(varint(length));
            blob.extend(name);
        }
        blob.extend(&self.feature_count);
        self.features.iter().for_each(|feature| feature.write(&mut blob));
        blob.extend(&self.network_count);
        blob.extend(varint(self.layer_count));
        self.layers.iter().for_each(|layer| layer.write(&mut blob));
        if let Some(second) = &self.second {
            blob.extend(second.margin.to_le_bytes());
            blob.extend(varint(second.layer_count));
            second.layers.iter().for_each(|layer| layer.write(&mut blob));
        }
        blob.extend(varint(self.golden_count));
        self.golden.iter().for_each(|table| table.write(&mut blob));
        blob.extend(varint(self.trainer.len() as u64));
        blob.extend(self.trainer);
        blob.extend(b"\x04none\x07");
        blob.extend(varint(self.epochs));
        blob.extend(&self.data_sha256);
        blob.extend([100, 90, 50, 44, 43]);
        blob.extend(&self.rest);
        // Space for the checksum.
        blob.extend([0; 4]);
        with_length_and_checksum(&blob)
    }
}

impl PlannedFeature {
    fn write(&self, blob: &mut Vec<u8>) {
        blob.extend(varint(self.name.0));
        blob.extend(self.name.1);
        blob.push(self.decimals);
        blob.extend(self.offset.to_le_bytes());
        blob.extend(self.multiplier.to_le_bytes());
        blob.push(self.shift);
    }
}

impl PlannedLayer {
    fn of(order: u64, biases: &[i32], weights: Vec<Table>) -> Self {
        let outputs = biases.len();
        Self {
            kind: Vec::new(),
            window: Vec::new(),
            has_matrix: true,
            order,
            outputs: outputs as u64,
            biases: Table::i32s(biases),
            multipliers: Table::u32s(&vec![1 << 30; outputs]),
            shifts: Table::of(&vec![40; outputs]),
            weights,
        }
    }

    /// Builds a layer of zero weights, in pairs.
    pub fn zeros(inputs: usize, outputs: usize) -> Self {
        let weights = vec![0; inputs.div_ceil(2) * 16 * outputs.div_ceil(8)];
        Self::of(1, &vec![0; outputs], vec![Table::of(&weights)])
    }

    /// Builds a convolution without blocks for a window of these bytes.
    pub fn blank(window: &[u8], outputs: usize) -> Self {
        let tables = [vec![0; outputs.div_ceil(8) * 2], Vec::new(), Vec::new()];
        let layer = Self::of(5, &vec![0; outputs], tables.map(|data| Table::of(&data)).to_vec());
        Self { kind: vec![1], window: window.to_vec(), ..layer }
    }

    fn write(&self, blob: &mut Vec<u8>) {
        blob.extend(&self.kind);
        blob.extend(&self.window);
        if self.has_matrix {
            blob.extend(varint(self.order));
            blob.extend(varint(self.outputs));
            let numbers = [&self.biases, &self.multipliers, &self.shifts];
            numbers.into_iter().chain(&self.weights).for_each(|table| table.write(blob));
        }
    }
}

impl Table {
    fn write(&self, blob: &mut Vec<u8>) {
        let length = varint(self.length.unwrap_or(self.data.len() as u64));
        let unpadded = blob.len() + 1 + length.len();
        let least = vec![0; unpadded.next_multiple_of(16) - unpadded];
        let padding = self.padding.as_ref().unwrap_or(&least);
        blob.extend(varint(padding.len() as u64));
        blob.extend(padding);
        blob.extend(length);
        blob.extend(&self.data);
    }
}

/// Encodes seven bits in each byte, least significant first.
pub fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7F {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
