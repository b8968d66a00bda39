//! A model field by field, written without the encoder and without checks, so that any field can be
//! invalid.

use crate::sealed;

/// All fields of a blob, in order.
pub struct Plan {
    pub magic: [u8; 8],
    pub version: u8,
    pub rows: Vec<u8>,
    pub columns: Vec<u8>,
    pub name_count: u64,
    /// Each with its declared length.
    pub names: Vec<(u64, &'static [u8])>,
    pub layer_count: u64,
    pub layers: Vec<PlannedLayer>,
    pub golden_count: u64,
    /// Input, logits, probabilities.
    pub golden: [Table; 3],
    pub trainer: &'static [u8],
    pub epochs: u64,
    pub data_sha256: Vec<u8>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

#[derive(Clone)]
pub struct PlannedLayer {
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
    /// Builds the model of `shared-model/tests/golden_blob.hex`: two inputs, two hidden neurons,
    /// two classes, one golden vector.
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
            name_count: 2,
            names: vec![(2, b"no"), (3, b"yes")],
            layer_count: 2,
            layers: vec![layer([1 + 256 * 3, -2 + 256 * 127]), layer([5 - 256 * 7, 6 + 256 * 8])],
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

    /// Sets the names of classes and their count.
    pub fn set_names(&mut self, names: &[&'static str]) {
        self.name_count = names.len() as u64;
        self.names = names.iter().map(|name| (name.len() as u64, name.as_bytes())).collect();
    }

    /// Writes the blob with the right length and checksum.
    pub fn write(&self) -> Vec<u8> {
        let mut blob = [&self.magic[..], &[self.version], &[0; 4], &self.rows, &self.columns].concat();
        blob.extend(varint(self.name_count));
        for &(length, name) in &self.names {
            blob.extend(varint(length));
            blob.extend(name);
        }
        blob.extend(varint(self.layer_count));
        for layer in &self.layers {
            blob.extend(varint(layer.order));
            blob.extend(varint(layer.outputs));
            let numbers = [&layer.biases, &layer.multipliers, &layer.shifts];
            numbers.into_iter().chain(&layer.weights).for_each(|table| table.write(&mut blob));
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
        sealed(&blob)
    }
}

impl PlannedLayer {
    fn of(order: u64, biases: &[i32], weights: Vec<Table>) -> Self {
        let outputs = biases.len();
        Self {
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
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7F {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
