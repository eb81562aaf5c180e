//! Which keys occur more than once, found in 8 bytes a key.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher};

use datafusion::execution::memory_pool::MemoryReservation;

use foldhash::quality::FixedState;

use crate::error::Result;

use super::session;

/// Keys are kept apart by the first bits of their hash, so that each heap fits a processor's cache.
const HEAPS: usize = 256;

/// The hash of a key; the same on every machine and thread.
pub fn hash(key: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// The hash of a whole number (the finaliser of SplitMix64); no two numbers share one.
fn hash_number(number: i64) -> u64 {
    let mut z = number as u64;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Hashes of all keys seen by one thread.
pub struct Hashes {
    heaps: Vec<Vec<u64>>,
    count: usize,
    memory: MemoryReservation,
}

impl Hashes {
    /// None yet; memory is accounted for in `memory`.
    pub fn new(memory: MemoryReservation) -> Self {
        Hashes {
            heaps: vec![Vec::new(); HEAPS],
            count: 0,
            memory,
        }
    }

    /// Adds a key.
    ///
    /// # Errors
    /// No memory left to remember it.
    pub fn add(&mut self, key: &[u8]) -> Result<()> {
        self.push(hash(key))
    }

    /// Adds a key that is a whole number; not to be mixed with keys of text.
    ///
    /// # Errors
    /// As [`Hashes::add`].
    pub fn add_number(&mut self, key: i64) -> Result<()> {
        self.push(hash_number(key))
    }

    fn push(&mut self, hash: u64) -> Result<()> {
        self.heaps[(hash >> 56) as usize].push(hash);
        self.count += 1;
        if self.count.is_multiple_of(1 << 16) {
            // A vector that grows holds twice its length at worst.
            let bytes = 2 * size_of::<u64>() * (1 << 16);
            self.memory.try_grow(bytes).map_err(session::error)?;
        }
        Ok(())
    }
}

/// Hashes that occur more than once; with few exceptions, those of repeated keys.
pub fn repeated(threads: usize, mut seen: Vec<Hashes>) -> HashSet<u64> {
    let mut heaps: Vec<Vec<Vec<u64>>> = (0..HEAPS).map(|_| Vec::new()).collect();
    for hashes in &mut seen {
        for (heap, own) in heaps.iter_mut().zip(hashes.heaps.drain(..)) {
            heap.push(own);
        }
    }
    let share = HEAPS.div_ceil(threads);
    let mut found = HashSet::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = heaps
            .chunks_mut(share)
            .map(|heaps| scope.spawn(move || heaps.iter_mut().flat_map(twice).collect::<Vec<_>>()))
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(hashes) => found.extend(hashes),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    found
}

fn twice(heap: &mut Vec<Vec<u64>>) -> Vec<u64> {
    let mut all = heap.pop().unwrap_or_default();
    for other in heap.drain(..) {
        all.extend(other);
    }
    all.sort_unstable();
    all.windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect()
}
