//! Damage that is the same in every run: random numbers from a seed.

/// xorshift64*, so that a failure can be repeated.
pub(crate) struct Xorshift(pub(crate) u64);

impl Xorshift {
    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}
