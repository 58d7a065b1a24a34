//! How long an answer read from the database is believed.
//!
//! Invariant: an answer is used only while it is younger than [`FRESH_MS`] and nobody has said since *before it was read*
//! that what it is about has changed. So a change made through this instance is seen by the next request, even if a
//! slow query that started before the change ends after it; a change made elsewhere is seen within [`FRESH_MS`].
//!
//! What an answer is about is a number in a fixed table of counters. Two things may share a counter; then one is read
//! again when only the other changed, which costs a statement and nothing else.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

/// How old an answer about principals, repositories and permissions may be, in milliseconds.
pub(crate) const FRESH_MS: u64 = 5_000;

/// Counters. 8 KiB.
const STRIPES: usize = 1024;

/// Counts changes.
#[derive(Debug)]
pub(crate) struct Generations {
    everything: AtomicU64,
    stripes: Box<[AtomicU64]>,
}

/// The counters of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stripe(u16);

impl Stripe {
    /// Where changes of `subject` are counted.
    pub(crate) fn of(subject: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        Self((hasher.finish() % STRIPES as u64) as u16)
    }
}

/// When an answer was asked for, and what had changed by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    asked_ms: u64,
    everything: u64,
    stripes: [Stripe; 2],
    counts: [u64; 2],
}

impl Generations {
    pub(crate) fn new() -> Self {
        Self {
            everything: AtomicU64::new(0),
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// To be taken *before* the database is asked about these two things.
    pub(crate) fn stamp(&self, now_ms: u64, stripes: [Stripe; 2]) -> Stamp {
        Stamp {
            asked_ms: now_ms,
            everything: self.everything.load(Ordering::SeqCst),
            stripes,
            counts: stripes.map(|stripe| self.count(stripe)),
        }
    }

    /// Whether the answer with that stamp may still be used.
    pub(crate) fn is_fresh(&self, stamp: &Stamp, now_ms: u64) -> bool {
        now_ms.saturating_sub(stamp.asked_ms) < FRESH_MS
            && self.everything.load(Ordering::SeqCst) == stamp.everything
            && stamp.stripes.map(|stripe| self.count(stripe)) == stamp.counts
    }

    /// What has been said of a thing so far: another value later means that it may have changed.
    pub(crate) fn seen(&self, stripe: Stripe) -> [u64; 2] {
        [self.everything.load(Ordering::SeqCst), self.count(stripe)]
    }

    /// Says that a thing has changed. To be called after the change is committed.
    pub(crate) fn changed(&self, stripe: Stripe) {
        self.stripes[usize::from(stripe.0)].fetch_add(1, Ordering::SeqCst);
    }

    /// Says that anything may have changed.
    pub(crate) fn everything_changed(&self) {
        self.everything.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self, stripe: Stripe) -> u64 {
        self.stripes[usize::from(stripe.0)].load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_asked_for_before_a_change_is_never_used_after_it() {
        let generations = Generations::new();
        let ann = Stripe::of("ann");
        let stamp = generations.stamp(0, [ann, Stripe::of("repository")]);
        assert!(generations.is_fresh(&stamp, 1));
        generations.changed(ann);
        assert!(!generations.is_fresh(&stamp, 1));
        assert!(generations.is_fresh(&generations.stamp(1, [ann, ann]), 1));
        generations.everything_changed();
        assert!(!generations.is_fresh(&stamp, 1));
    }

    #[test]
    fn an_answer_is_used_for_five_seconds() {
        let generations = Generations::new();
        let stamp = generations.stamp(1_000, [Stripe::of(1), Stripe::of(2)]);
        assert!(generations.is_fresh(&stamp, 5_999));
        assert!(!generations.is_fresh(&stamp, 6_000));
    }
}
