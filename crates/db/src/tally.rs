//! How many statements were executed, those of requests and those of background work apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts statements for one of the two kinds of work. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    counts: Arc<Counts>,
    background: bool,
}

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    background: AtomicU64,
}

impl Tally {
    /// The same counts, for background work.
    pub(crate) fn of_background(&self) -> Self {
        Self {
            counts: self.counts.clone(),
            background: true,
        }
    }

    pub(crate) fn count(&self) {
        let count = if self.background {
            &self.counts.background
        } else {
            &self.counts.requests
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn for_requests(&self) -> u64 {
        self.counts.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn in_background(&self) -> u64 {
        self.counts.background.load(Ordering::Relaxed)
    }
}
