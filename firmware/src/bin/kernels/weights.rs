//! Row-major weights of the cases: windows into tables in flash, since small boards lack the RAM.

use prenda::WeightOrder;

use crate::random::Random;
use crate::shape::IS_ROOMY;

/// Maximum number of weights of a layer.
pub const MAX_WEIGHTS: usize = if IS_ROOMY { 14 * 1024 } else { 1024 };

/// Additional length of a table, so that windows start at different places.
const SLACK: usize = 64;

type Table = [i8; MAX_WEIGHTS + SLACK];

static HIGH: Table = [127; MAX_WEIGHTS + SLACK];
static LOW: Table = [-127; MAX_WEIGHTS + SLACK];

static EIGHT_BITS: Table = mixed(127);
static FOUR_BITS: Table = mixed(7);
static TERNARY: Table = mixed(1);

/// Most blocks are zero; in the second half also whole tiles.
static SPARSE: Table = sparse();

/// Returns weights up to `most`, in sections: extreme, alternating, zero, any.
const fn mixed(most: i8) -> Table {
    let mut table = [0; _];
    let mut random = Random::new(most as u32);
    let mut index = 0;
    while index < table.len() {
        table[index] = match index * 8 / table.len() {
            0 | 1 => most,
            2 | 3 => -most,
            4 if index % 2 == 0 => most,
            4 => -most,
            5 => 0,
            _ => any(&mut random, most),
        };
        index += 1;
    }
    table
}

const fn sparse() -> Table {
    let mut table = [0; _];
    let mut random = Random::new(1);
    let mut index = 0;
    while index < table.len() {
        // The density in 256ths.
        let share = if index < table.len() / 2 { 10 } else { 1 };
        if random.below(256) < share {
            table[index] = any(&mut random, 127);
        }
        index += 1;
    }
    table
}

const fn any(random: &mut Random, most: i8) -> i8 {
    (random.below(2 * most as u32 + 1) as i16 - most as i16) as i8
}

/// Returns `count` weights that `order` can store, or none if the tables are too short.
pub fn some(random: &mut Random, order: WeightOrder, count: usize) -> &'static [i8] {
    let table = match (order, random.below(8)) {
        (WeightOrder::FourBitPairs, _) => &FOUR_BITS,
        (WeightOrder::TernaryPairs, _) => &TERNARY,
        (_, 0) => &HIGH,
        (_, 1) => &LOW,
        (WeightOrder::Blocks, 2..6) => &SPARSE,
        _ => &EIGHT_BITS,
    };
    let start = random.below((table.len().saturating_sub(count) + 1) as u32) as usize;
    table.get(start..start + count).unwrap_or_default()
}
