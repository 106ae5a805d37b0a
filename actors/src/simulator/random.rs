//! Chance that repeats: the same seed gives the same sequence on every machine and in every version, which published
//! generators do not promise across releases.

/// SplitMix64.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in 0..1.
    pub fn unit(&mut self) -> f64 {
        // The upper 53 bits are what a double holds exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number with mean 0 and standard deviation 1, never beyond 3.5: the sum of twelve uniform numbers.
    pub fn normal(&mut self) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        (sum - 6.0).clamp(-3.5, 3.5)
    }
}

/// A quantity that wanders around zero: noise with a memory of `time_constant` seconds.
#[derive(Debug, Clone)]
pub(super) struct Wandering {
    value: f64,
    deviation: f64,
    time_constant: f64,
}

impl Wandering {
    pub fn new(deviation: f64, time_constant: f64) -> Self {
        Self { value: 0.0, deviation, time_constant }
    }

    pub fn value(&self) -> f64 {
        self.value
    }

    pub fn advance(&mut self, seconds: f64, random: &mut Random) {
        let kept = (-seconds / self.time_constant).exp();
        self.value = self.value * kept + self.deviation * (1.0 - kept * kept).sqrt() * random.normal();
    }
}
