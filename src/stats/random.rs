//! Random streams: the same numbers on any machine, for ever.
//!
//! A stream is named by what it is for, so that a copied plan never repeats
//! another's draws, and is split by index, so that work shared among threads
//! gives the same numbers as work done alone.

use std::convert::Infallible;

use sha2::{Digest, Sha256};

/// Changes only if the numbers of all streams are meant to change.
const VERSION: &str = "pilot random 1";

/// A named source of independent generators.
///
/// *Formula* — root = SHA-256 of [`VERSION`](self), purpose, name and seed
/// (8 bytes, little-endian), each preceded by its length in bytes as 8
/// little-endian bytes; no two different triples share an encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream([u8; 32]);

impl Stream {
    /// The stream of one purpose ("permutation", "assignment"), name (the pilot's) and seed.
    pub fn new(purpose: &str, name: &str, seed: u64) -> Self {
        let mut hash = Sha256::new();
        for part in [
            VERSION.as_bytes(),
            purpose.as_bytes(),
            name.as_bytes(),
            &seed.to_le_bytes(),
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Stream(hash.finalize().into())
    }

    /// The generator of one sub-stream.
    ///
    /// *Formula* — state = SHA-256(root, index as 8 little-endian bytes), read
    /// as four little-endian words.
    pub fn generator(&self, index: u64) -> Generator {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(self.0)
            .chain_update(index.to_le_bytes())
            .finalize()
            .into();
        let mut state = [0; 4];
        for (word, bytes) in state.iter_mut().zip(digest.chunks_exact(8)) {
            *word = bytes
                .iter()
                .rev()
                .fold(0, |w, &byte| (w << 8) | u64::from(byte));
        }
        Generator(state)
    }
}

/// xoshiro256++, with the draws that `pilot` needs.
///
/// Deviates use the `libm` crate's logarithm, which gives the same bits on
/// every machine; the operating system's does not.
///
/// *Source* — Blackman, D. and Vigna, S. (2021), Scrambled linear pseudorandom
/// number generators, ACM TOMS 47(4), 36.
#[derive(Debug, Clone)]
pub struct Generator([u64; 4]);

impl Generator {
    /// The next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A uniform number strictly between 0 and 1, symmetric about ½ (52 bits).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        // 52 bits, since with 53 the largest value would round to 1; through i64, which the
        // processor converts in one step.
        ((self.bits() >> 12) as i64 as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// A uniform integer in 0..n, exactly; 0 where n is 0.
    ///
    /// *Source* — Lemire, D. (2019), Fast random integer generation in an
    /// interval, ACM TOMACS 29(1), 3.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        let mut wide = u128::from(self.bits()) * u128::from(n);
        if (wide as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (wide as u64) < threshold {
                wide = u128::from(self.bits()) * u128::from(n);
            }
        }
        (wide >> 64) as u64
    }

    /// A standard normal deviate.
    ///
    /// *Source* — Marsaglia's polar method (1964); the second deviate is thrown
    /// away, so that each call uses the stream alike.
    pub fn normal(&mut self) -> f64 {
        loop {
            let u = 2.0 * self.uniform() - 1.0;
            let v = 2.0 * self.uniform() - 1.0;
            let s = u * u + v * v;
            if s < 1.0 && s > 0.0 {
                return u * (-2.0 * libm::log(s) / s).sqrt();
            }
        }
    }

    /// A gamma deviate of the given shape > 0 and scale 1 (χ² with d degrees is twice shape d/2).
    ///
    /// *Source* — Marsaglia, G. and Tsang, W. (2000), ACM TOMS 26(3), 363-372;
    /// shapes below 1 by their boost U^(1/shape).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.uniform(), 1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root > 0.0 {
                let v = root * root * root;
                if libm::log(self.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                    return d * v;
                }
            }
        }
    }

    /// Puts a slice in random order, every order equally likely (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

impl rand::rand_core::TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.bits() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.bits())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.bits().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xoshiro_matches_the_authors_vector() {
        // The vector of rand_xoshiro and of the authors' C code for state 1, 2, 3, 4.
        let mut g = Generator([1, 2, 3, 4]);
        let expected = [
            41943041,
            58720359,
            3588806011781223,
            3591011842654386,
            9228616714210784205,
            9973669472204895162,
            14011001112246962877,
            12406186145184390807,
            15849039046786891736,
            10450023813501588000,
        ];
        assert_eq!(expected.map(|_| g.bits()), expected);
    }

    #[test]
    fn streams_never_change() {
        // Recomputed by tests/reference/scripts/streams.py.
        let mut g = Stream::new("permutation", "fees-education", 8_274_462_913).generator(7);
        let expected: [u64; 3] = [
            15119130250342144686,
            8573716035453773282,
            9220816672526184420,
        ];
        assert_eq!(expected.map(|_| g.bits()), expected);
    }

    #[test]
    fn framing_keeps_names_apart() {
        assert_ne!(Stream::new("ab", "c", 1), Stream::new("a", "bc", 1));
        assert_ne!(Stream::new("a", "b", 1), Stream::new("a", "b", 2));
        let s = Stream::new("a", "b", 1);
        assert_ne!(s.generator(0).bits(), s.generator(1).bits());
    }

    #[test]
    fn uniform_stays_inside() {
        // All-zero and all-one bits are the extremes.
        assert!(0.5 * (1.0 / (1u64 << 52) as f64) > 0.0);
        assert!(((u64::MAX >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64) < 1.0);
    }

    #[test]
    fn deviates_have_their_moments() {
        let mut g = Stream::new("test", "deviates", 1).generator(0);
        let n = 200_000;
        let mean = |f: &mut dyn FnMut() -> f64| (0..n).map(|_| f()).sum::<f64>() / f64::from(n);
        // Each bound is five standard errors of the mean.
        assert!(mean(&mut || g.normal()).abs() < 5.0 / 447.0);
        assert!((mean(&mut || g.normal().powi(2)) - 1.0).abs() < 5.0 * 2f64.sqrt() / 447.0);
        for shape in [0.3, 1.0, 2.5, 80.0] {
            let bound = 5.0 * f64::sqrt(shape) / 447.0;
            assert!(
                (mean(&mut || g.gamma(shape)) - shape).abs() < bound,
                "{shape}"
            );
        }
        assert!((mean(&mut || g.below(7) as f64) - 3.0).abs() < 5.0 * 2.0 / 447.0);
    }

    #[test]
    fn below_zero_and_one_are_zero() {
        let mut g = Stream::new("test", "below", 1).generator(0);
        assert_eq!((g.below(0), g.below(1)), (0, 0));
    }
}
