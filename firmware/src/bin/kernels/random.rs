//! A deterministic random number generator.

/// Xorshift by Marsaglia, 32 bits.
pub struct Random(u32);

impl Random {
    pub const fn new(seed: u32) -> Self {
        // Spread over all bits, and not 0: xorshift of 0 is 0.
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9) ^ 0x5EED_5EED | 1 << 31);
        random.next();
        random.next();
        random
    }

    /// Returns any number but 0.
    pub const fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// Returns a number below `bound`; 0 if `bound` is 0.
    pub const fn below(&mut self, bound: u32) -> u32 {
        ((self.next() as u64 * bound as u64) >> 32) as u32
    }

    pub const fn byte(&mut self) -> u8 {
        (self.next() >> 24) as u8
    }
}
