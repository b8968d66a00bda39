//! Row-major weights of the cases: windows into tables in flash, since small parts have no RAM for
//! them.

use shared_model::WeightOrder;

use crate::random::Random;

/// Weights of each table: as many as the largest layer has.
pub const MAX_WEIGHTS: usize = if cfg!(feature = "microbit") { 1024 } else { 14 * 1024 };

/// Room behind, so that a window may start anywhere in it.
const SLACK: usize = 64;

type Table = [i8; MAX_WEIGHTS + SLACK];

/// Weights of 8 bits, all of them extreme.
static HIGH: Table = [127; MAX_WEIGHTS + SLACK];
static LOW: Table = [-127; MAX_WEIGHTS + SLACK];

/// Weights of 8 bits, of 4, and ternary ones, in parts: extreme, alternating, zero, any.
static EIGHT_BITS: Table = mixed(127);
static FOUR_BITS: Table = mixed(7);
static TERNARY: Table = mixed(1);

/// Most blocks are zero, and in the second half nearly all, whole tiles among them.
static SPARSE: Table = sparse();

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
        // Of 256.
        let share = if index < table.len() / 2 { 10 } else { 1 };
        if random.below(256) < share {
            table[index] = any(&mut random, 127);
        }
        index += 1;
    }
    table
}

/// A weight up to `most`.
const fn any(random: &mut Random, most: i8) -> i8 {
    (random.below(2 * most as u32 + 1) as i16 - most as i16) as i8
}

/// `count` weights that `order` has room for; none where there are not so many.
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
