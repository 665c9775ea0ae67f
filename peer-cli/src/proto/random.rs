//! Repeatable randomness for the pure machines: the same seed, the same numbers. Nothing secret may come from it.

/// SplitMix64 (Steele, Lea and Flood 2014): one word of state, any seed is good.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// Starts the sequence of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next_word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Uniform in [0, 1), with the 53 bits that an `f64` can hold.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [-1, 1).
    pub(crate) fn signed_unit(&mut self) -> f64 {
        self.unit() * 2.0 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_sequence_of_seed_1234567() {
        // First outputs of the reference implementation in C.
        let mut random = Random::new(1_234_567);
        let words: Vec<u64> = (0..3).map(|_| random.next_word()).collect();
        assert_eq!(
            words,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn numbers_are_uniform_and_in_range() {
        let mut random = Random::new(0);
        let numbers: Vec<f64> = (0..100_000).map(|_| random.signed_unit()).collect();
        assert!(numbers.iter().all(|number| (-1.0..1.0).contains(number)));
        assert!((numbers.iter().sum::<f64>() / 1e5).abs() < 0.01);
        assert!(
            (numbers.iter().map(|number| number * number).sum::<f64>() / 1e5 - 1.0 / 3.0).abs()
                < 0.01
        );
    }
}
