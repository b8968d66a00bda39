//! Numbers that look random, and are the same in every run.

/// Xorshift by Marsaglia, 32 bits.
pub struct Random(u32);

impl Random {
    /// A sequence of its own for each seed.
    pub const fn new(seed: u32) -> Self {
        // Spread over all bits, and not 0, from which nothing but zeros would come.
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9) ^ 0x5EED_5EED | 1 << 31);
        random.next();
        random.next();
        random
    }

    /// Any number but 0.
    pub const fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number in `0..bound`; 0 where that is empty.
    pub const fn below(&mut self, bound: u32) -> u32 {
        ((self.next() as u64 * bound as u64) >> 32) as u32
    }

    /// One byte, 0 among them.
    pub const fn byte(&mut self) -> u8 {
        (self.next() >> 24) as u8
    }
}
