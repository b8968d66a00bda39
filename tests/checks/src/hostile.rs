//! Hostile models: one field is invalid, length and checksum are right.

mod cascade;
mod rows;

use prenda::{BlobError, DeviceFault, SelfTestError};

use crate::plan::{Plan, PlannedLayer, Table};
use crate::write_checksum;

/// A blob that breaks one rule.
pub struct Hostile {
    /// The broken rule.
    pub name: &'static str,
    /// With the right checksum.
    pub blob: Vec<u8>,
    /// The error it must cause.
    pub fault: DeviceFault,
}

/// Builds all hostile models. Offsets are those of `shared-model/core/tests/golden_blob.hex`,
/// `golden_blob_2.hex` and `golden_blob_3.hex`, from which they are made.
pub fn hostile_blobs() -> Vec<Hostile> {
    let of = |sound: fn() -> Plan, changes: Vec<Change>| {
        changes.into_iter().map(move |(name, change, fault)| {
            let mut plan = sound();
            change(&mut plan);
            Hostile { name, blob: plan.write(), fault }
        })
    };
    let fields =
        [prefix_and_shape(), names(), layer_shapes(), tables(), parameters(), golden_and_provenance()].concat();
    let of_format_1 = of(Plan::sound, fields).chain(of(Plan::pruned, pruned())).chain(lengths());
    of_format_1.chain(of(Plan::cascade, cascade::changes())).chain(of(Plan::rows, rows::changes())).collect()
}

type Change = (&'static str, fn(&mut Plan), DeviceFault);

const MAX_WIDTH: u32 = 16_384;

fn width(found: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::Width { found, most: MAX_WIDTH })
}

fn malformed(offset: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::Malformed { offset })
}

fn misaligned(offset: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::Alignment { offset })
}

fn length(offset: u32, expected: u32, found: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::TableLength { offset, expected, found })
}

fn classes(names: u32, outputs: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::Classes { names, outputs, most: 256 })
}

fn layer_count(found: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::LayerCount { found, most: 16 })
}

fn golden_count(found: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::GoldenCount { found, most: 16 })
}

fn order(layer: u8, found: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::WeightOrder { layer, found })
}

fn requant(output: u32, multiplier: u32, shift: u8) -> DeviceFault {
    DeviceFault::Blob(BlobError::Requant { layer: 0, output, multiplier, shift })
}

fn overflow(layer: u8, output: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::Overflow { layer, output })
}

fn place(block: u32, place: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::Place { layer: 0, block, place })
}

const WEIGHT: DeviceFault = DeviceFault::Blob(BlobError::Weight { layer: 0 });

fn prefix_and_shape() -> Vec<Change> {
    vec![
        ("another file", |plan| plan.magic = *b"\x89PNG\r\n\x1a\n", DeviceFault::Blob(BlobError::Magic)),
        (
            "a format of the future",
            |plan| plan.version = 9,
            DeviceFault::Blob(BlobError::Version { found: 9, supported: 3 }),
        ),
        ("no rows", |plan| plan.rows = vec![0], width(0)),
        ("no columns", |plan| plan.columns = vec![0], width(0)),
        ("one pixel too many", |plan| (plan.rows, plan.columns) = (vec![1], vec![0x81, 0x80, 1]), width(MAX_WIDTH + 1)),
        (
            "the maximum count of pixels",
            |plan| (plan.rows, plan.columns) = (vec![0xFF, 0xFF, 3], vec![0xFF, 0xFF, 3]),
            width(65_535 * 65_535),
        ),
        ("rows of more than 16 bits", |plan| plan.rows = vec![0x80, 0x80, 4], malformed(13)),
        ("a number longer than necessary", |plan| plan.rows = vec![0x81, 0], malformed(13)),
        ("a number that never ends", |plan| plan.rows = vec![0xFF; 20], malformed(13)),
    ]
}

fn names() -> Vec<Change> {
    vec![
        ("a name that is not UTF-8", |plan| plan.names[0].1 = b"\xFFo", malformed(16)),
        ("a name of half a character", |plan| plan.names[0].1 = b"n\xC3", malformed(16)),
        ("a name of the maximum length", |plan| plan.names[0].0 = u32::MAX.into(), malformed(16)),
        ("a name of more than 32 bits", |plan| plan.names[0].0 = 1 << 32, malformed(16)),
        ("a name one byte longer than all that follows", |plan| plan.names[1].0 = 287 - 4 - 19, malformed(19)),
        // The next fields are read as names until one is not UTF-8: the biases.
        ("the maximum count of names", |plan| plan.name_count = u32::MAX.into(), malformed(31)),
        ("no names", |plan| plan.set_names(&[]), classes(0, 2)),
        ("a class without a name", |plan| plan.set_names(&["no"]), classes(1, 2)),
        ("a name without a class", |plan| plan.set_names(&["a"; 3]), classes(3, 2)),
        (
            "a class too many",
            |plan| {
                plan.set_names(&[""; 257]);
                plan.layers[1] = PlannedLayer::zeros(2, 257);
            },
            classes(257, 257),
        ),
    ]
}

fn layer_shapes() -> Vec<Change> {
    vec![
        ("no layers", |plan| plan.layer_count = 0, layer_count(0)),
        (
            "a layer too many",
            |plan| (plan.layer_count, plan.layers) = (17, vec![PlannedLayer::zeros(2, 2); 17]),
            layer_count(17),
        ),
        // The golden vector is read as a third layer, whose first table is misaligned.
        ("a layer count above the layers", |plan| plan.layer_count = u32::MAX.into(), misaligned(180)),
        ("a weight order of 0", |plan| plan.layers[0].order = 0, order(0, 0)),
        ("a weight order of the future", |plan| plan.layers[1].order = 6, order(1, 6)),
        ("a weight order of 32 bits", |plan| plan.layers[0].order = u32::MAX.into(), order(0, u32::MAX)),
        ("no outputs", |plan| plan.layers[0].outputs = 0, width(0)),
        ("no classes", |plan| plan.layers[1].outputs = 0, width(0)),
        ("one output too many", |plan| plan.layers[0].outputs = 16_385, width(MAX_WIDTH + 1)),
        ("the maximum count of outputs", |plan| plan.layers[0].outputs = u32::MAX.into(), width(u32::MAX)),
        ("outputs of more than 32 bits", |plan| plan.layers[0].outputs = 1 << 32, malformed(25)),
        (
            "a layer with three inputs after one with two outputs",
            |plan| plan.layers[1] = PlannedLayer::zeros(3, 2),
            length(160, 16, 32),
        ),
        (
            "a layer with two inputs after one with three outputs",
            |plan| plan.layers[0] = PlannedLayer::zeros(2, 3),
            length(160, 32, 16),
        ),
    ]
}

fn tables() -> Vec<Change> {
    vec![
        ("a bias too few", |plan| plan.layers[0].biases.data.truncate(4), length(32, 8, 4)),
        ("a multiplier too many", |plan| plan.layers[0].multipliers.data.extend([0; 4]), length(48, 8, 12)),
        ("a shift too few", |plan| plan.layers[0].shifts.data.truncate(1), length(64, 2, 1)),
        ("a block of weights too many", |plan| plan.layers[0].weights[0].data.extend([0; 16]), length(80, 16, 32)),
        // The rest of the weights would be read as the next layer's padding, order and outputs.
        ("weights that the next layer overlaps", |plan| plan.layers[0].weights[0].length = Some(8), length(80, 16, 8)),
        (
            "a table of the maximum length",
            |plan| plan.layers[0].biases.length = Some(u32::MAX.into()),
            malformed(26 + 1),
        ),
        ("a table of more than 32 bits", |plan| plan.layers[0].biases.length = Some(1 << 32), malformed(26 + 1)),
        ("a table one byte too near", |plan| plan.layers[0].biases.padding = Some(vec![0; 3]), misaligned(31)),
        ("a table sixteen bytes too far", |plan| plan.layers[0].biases.padding = Some(vec![0; 20]), misaligned(48)),
        ("padding that is not zero", |plan| plan.layers[0].biases.padding = Some(vec![1, 0, 0, 0]), misaligned(32)),
        ("misaligned weights", |plan| plan.layers[1].weights[0].padding = Some(vec![0; 4]), misaligned(152)),
        ("a misaligned golden image", |plan| plan.golden[0].padding = Some(vec![]), misaligned(179)),
    ]
}

fn parameters() -> Vec<Change> {
    vec![
        ("a multiplier of zero", |plan| plan.layers[0].multipliers = Table::u32s(&[0, 1 << 30]), requant(0, 0, 40)),
        (
            "a multiplier one too small",
            |plan| plan.layers[0].multipliers = Table::u32s(&[(1 << 30) - 1, 1 << 30]),
            requant(0, (1 << 30) - 1, 40),
        ),
        (
            "a multiplier one too large",
            |plan| plan.layers[0].multipliers = Table::u32s(&[1 << 30, 1 << 31]),
            requant(1, 1 << 31, 40),
        ),
        (
            "a multiplier of all ones",
            |plan| plan.layers[0].multipliers = Table::u32s(&[u32::MAX; 2]),
            requant(0, u32::MAX, 40),
        ),
        ("a shift of zero", |plan| plan.layers[0].shifts = Table::of(&[0, 40]), requant(0, 1 << 30, 0)),
        ("a shift of 63", |plan| plan.layers[0].shifts = Table::of(&[40, 63]), requant(1, 1 << 30, 63)),
        ("a shift of 255", |plan| plan.layers[0].shifts = Table::of(&[40, 255]), requant(1, 1 << 30, 255)),
        ("a bias near the greatest i32", |plan| plan.layers[0].biases = Table::i32s(&[i32::MAX, 0]), overflow(0, 0)),
        ("a bias near the least i32", |plan| plan.layers[0].biases = Table::i32s(&[i32::MIN, 0]), overflow(0, 0)),
        (
            "a sum one too great",
            |plan| plan.layers[0].biases = Table::i32s(&[0, i32::MAX - 130 * 255 + 1]),
            overflow(0, 1),
        ),
        (
            "a sum one too small",
            |plan| plan.layers[0].biases = Table::i32s(&[i32::MIN + 2 * 255 - 1, 0]),
            overflow(0, 0),
        ),
        ("a logit of more than 32 bits", |plan| plan.layers[1].shifts = Table::of(&[40, 1]), overflow(1, 1)),
        ("a weight of -128", |plan| plan.layers[0].weights[0].data[0] = 0x80, WEIGHT),
        ("a weight of an absent output", |plan| plan.layers[0].weights[0].data[4] = 1, WEIGHT),
        (
            "a weight of an absent pixel",
            |plan| {
                plan.columns = vec![1];
            },
            WEIGHT,
        ),
    ]
}

fn golden_and_provenance() -> Vec<Change> {
    vec![
        // The provenance is read as a second golden vector.
        ("a count above the golden vectors", |plan| plan.golden_count = 2, misaligned(240)),
        ("a golden vector too many", |plan| plan.golden_count = 17, golden_count(17)),
        ("the maximum count of golden vectors", |plan| plan.golden_count = u32::MAX.into(), golden_count(u32::MAX)),
        ("a golden image of another size", |plan| plan.golden[0].data.push(0), length(192, 2, 3)),
        ("a golden logit too few", |plan| plan.golden[1].data.truncate(4), length(208, 8, 4)),
        ("a golden probability too many", |plan| plan.golden[2].data.extend([0; 2]), length(224, 4, 6)),
        (
            "a golden vector with a wrong logit",
            |plan| plan.golden[1] = Table::i32s(&[0, 1]),
            DeviceFault::SelfTest(SelfTestError::Logits { vector: 0 }),
        ),
        (
            "a golden vector with a wrong probability",
            |plan| plan.golden[2].data[0] = 1,
            DeviceFault::SelfTest(SelfTestError::Probabilities { vector: 0 }),
        ),
        ("a trainer that is not UTF-8", |plan| plan.trainer = b"\xC0\xAF", malformed(228)),
        ("epochs of more than 32 bits", |plan| plan.epochs = 1 << 32, malformed(245)),
        ("a hash that is cut off", |plan| plan.data_sha256.truncate(20), malformed(246)),
        (
            "bytes after the last field",
            |plan| plan.rest = vec![0; 3],
            DeviceFault::Blob(BlobError::LeftOver { offset: 283, count: 3 }),
        ),
    ]
}

/// Changes of a pruned layer, with counts at 80, places at 96, blocks at 112.
fn pruned() -> Vec<Change> {
    vec![
        ("missing counts", |plan| plan.layers[0].weights[0].data.clear(), length(80, 2, 0)),
        ("a block that is not counted", |plan| plan.layers[0].weights[0] = Table::of(&[1, 0]), length(96, 2, 4)),
        (
            "a count above the blocks",
            |plan| plan.layers[0].weights[0] = Table::of(&[255, 255]),
            length(96, 2 * 65_535, 4),
        ),
        ("a block without a place", |plan| plan.layers[0].weights[1] = Table::of(&[0, 0]), length(96, 4, 2)),
        ("a place without a block", |plan| plan.layers[0].weights[2].data.truncate(16), length(112, 32, 16)),
        ("blocks that overlap", |plan| plan.layers[0].weights[1] = Table::of(&[0, 0, 0, 0]), place(1, 0)),
        ("blocks that overlap by half", |plan| plan.layers[0].weights[1] = Table::of(&[0, 0, 1, 0]), place(1, 1)),
        ("blocks in falling order", |plan| plan.layers[0].weights[1] = Table::of(&[2, 0, 0, 0]), place(1, 0)),
        ("a block of absent inputs", |plan| plan.layers[0].weights[1] = Table::of(&[0, 0, 4, 0]), place(1, 4)),
        (
            "a block at the maximum place",
            |plan| plan.layers[0].weights[1] = Table::of(&[0, 0, 254, 255]),
            place(1, 65_534),
        ),
        (
            "a block of zeros",
            |plan| plan.layers[0].weights[2].data[16..].fill(0),
            DeviceFault::Blob(BlobError::EmptyBlock { layer: 0, block: 1 }),
        ),
        ("a block with a weight of -128", |plan| plan.layers[0].weights[2].data[17] = 0x80, WEIGHT),
    ]
}

/// Builds blobs with a wrong declared length.
fn lengths() -> impl Iterator<Item = Hostile> {
    let cases: [(&str, u32); 3] =
        [("a length of zero", 0), ("a length one too great", 288), ("the maximum length", u32::MAX)];
    cases.into_iter().map(|(name, declared)| {
        let mut blob = Plan::sound().write();
        blob[9..13].copy_from_slice(&declared.to_le_bytes());
        write_checksum(&mut blob);
        Hostile { name, fault: DeviceFault::Blob(BlobError::Length { declared, found: blob.len() as u32 }), blob }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unchanged_plans_are_valid() {
        let golden = [
            (Plan::sound(), include_str!("../../../shared-model/core/tests/golden_blob.hex")),
            (Plan::cascade(), include_str!("../../../shared-model/core/tests/golden_blob_2.hex")),
        ];
        for (plan, golden) in golden {
            let blob = plan.write();
            let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, golden.replace('\n', ""));
            assert_eq!(crate::any_blob(&blob), Ok(()));
        }
        assert_eq!(crate::any_blob(&Plan::pruned().write()), Ok(()));
    }
}
