//! Row-major weights of the cases: windows into tables in flash, since small parts have no RAM for them.

use crate::random::Random;

/// Weights of each table: as many as the largest layer has.
pub const MOST_WEIGHTS: usize = if cfg!(feature = "microbit") { 1024 } else { 14 * 1024 };

/// Room behind, so that a window may start anywhere in it.
const SLACK: usize = 64;

type Table = [i8; MOST_WEIGHTS + SLACK];

static HIGH: Table = [127; MOST_WEIGHTS + SLACK];
static LOW: Table = [-127; MOST_WEIGHTS + SLACK];
static ZERO: Table = [0; MOST_WEIGHTS + SLACK];
static ALTERNATING: Table = {
    let mut table = HIGH;
    let mut index = 0;
    while index < table.len() {
        table[index] = LOW[index];
        index += 2;
    }
    table
};
static RANDOM: Table = {
    let mut table = ZERO;
    let mut random = Random::new(1);
    let mut index = 0;
    while index < table.len() {
        table[index] = (random.below(255) as i16 - 127) as i8;
        index += 1;
    }
    table
};

/// `count` weights, extreme ones or any; none where there are not so many.
pub fn some(random: &mut Random, count: usize) -> &'static [i8] {
    let table = match random.below(8) {
        0 => &HIGH,
        1 => &LOW,
        2 => &ALTERNATING,
        3 => &ZERO,
        _ => &RANDOM,
    };
    let start = random.below(SLACK as u32) as usize;
    table.get(start..start + count).unwrap_or_default()
}
