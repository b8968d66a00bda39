//! Row-major weights of the cases: windows into tables in flash, since small parts have no RAM for them.

use shared_model::WeightOrder;

use crate::random::Random;

/// Weights of each table: as many as the largest layer has.
pub const MOST_WEIGHTS: usize = if cfg!(feature = "microbit") { 1024 } else { 14 * 1024 };

/// Room behind, so that a window may start anywhere in it.
const SLACK: usize = 64;

type Table = [i8; MOST_WEIGHTS + SLACK];

static ZERO: Table = [0; MOST_WEIGHTS + SLACK];

/// Weights of 8 bits, of 4, and ternary ones.
static EIGHT_BITS: Tables = Tables::new(127);
static FOUR_BITS: Tables = Tables::new(7);
static TERNARY: Tables = Tables::new(1);

/// Of which most blocks are zero, and of which nearly all are, whole tiles among them.
static SPARSE: Table = random(127, 10);
static RARE: Table = random(127, 1);

/// Weights up to some size.
struct Tables {
    high: Table,
    low: Table,
    alternating: Table,
    random: Table,
}

impl Tables {
    const fn new(most: i8) -> Self {
        let mut alternating = [most; _];
        let mut index = 0;
        while index < alternating.len() {
            alternating[index] = -most;
            index += 2;
        }
        Self { high: [most; _], low: [-most; _], alternating, random: random(most, 256) }
    }
}

/// Any weights up to `most`, of which `share` of 256 may not be zero.
const fn random(most: i8, share: u32) -> Table {
    let mut table = [0; _];
    let mut random = Random::new(most as u32 + share);
    let mut index = 0;
    while index < table.len() {
        if random.below(256) < share {
            table[index] = (random.below(2 * most as u32 + 1) as i16 - most as i16) as i8;
        }
        index += 1;
    }
    table
}

/// `count` weights that `order` has room for, extreme ones or any; none where there are not so many.
pub fn some(random: &mut Random, order: WeightOrder, count: usize) -> &'static [i8] {
    let tables = match order {
        WeightOrder::FourBitPairs => &FOUR_BITS,
        WeightOrder::TernaryPairs => &TERNARY,
        _ => &EIGHT_BITS,
    };
    let table = match (random.below(8), order) {
        (0, _) => &tables.high,
        (1, _) => &tables.low,
        (2, _) => &tables.alternating,
        (3, _) => &ZERO,
        (4 | 5, WeightOrder::Blocks) => &SPARSE,
        (6, WeightOrder::Blocks) => &RARE,
        _ => &tables.random,
    };
    let start = random.below(SLACK as u32) as usize;
    table.get(start..start + count).unwrap_or_default()
}
