//! Telling a cached answer that it is out of date, without a race.
//!
//! Whoever fills a cache reads the generation of the key *before* it asks the database and stores it with the answer.
//! Whoever changes the database advances the generation after the commit and before it answers. A cached answer counts
//! only while its generation is the current one, so an answer read before a change is never served after it.
//!
//! Generations are kept for stripes of keys: a change may cost an unrelated key a miss, and never makes one stale.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Stripes of one kind of key; a power of two.
const STRIPES: usize = 4096;

/// Generations of one kind of key.
#[derive(Debug)]
pub(crate) struct Generations {
    hasher: RandomState,
    stripes: Box<[AtomicU64]>,
}

/// The generation of a key at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl Default for Generations {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Generations {
    /// The generation now.
    pub(crate) fn of(&self, key: &impl Hash) -> Generation {
        Generation(self.stripe(key).load(Ordering::Acquire))
    }

    /// Makes every earlier answer about the key count no more.
    pub(crate) fn advance(&self, key: &impl Hash) {
        self.stripe(key).fetch_add(1, Ordering::AcqRel);
    }

    fn stripe(&self, key: &impl Hash) -> &AtomicU64 {
        let hash = self.hasher.hash_one(key) as usize;
        &self.stripes[hash & (STRIPES - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_from_before_a_change_counts_no_more() {
        let generations = Generations::default();
        let before = generations.of(&(1, "latest"));
        assert_eq!(generations.of(&(1, "latest")), before);
        generations.advance(&(1, "latest"));
        assert_ne!(generations.of(&(1, "latest")), before);
    }
}
