//! One commit at a time for each digest: two pushes of the same new content make one row of it.

use std::hash::{BuildHasher as _, RandomState};

use pierhead_oci::Digest;
use tokio::sync::{Mutex, MutexGuard};

/// Locks; different digests may share one, which costs a wait and nothing else.
const LOCKS: usize = 256;

/// A lock for each digest.
#[derive(Debug)]
pub struct DigestLocks {
    hasher: RandomState,
    locks: Box<[Mutex<()>]>,
}

impl Default for DigestLocks {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
        }
    }
}

impl DigestLocks {
    /// Waits for the digest's lock.
    pub async fn lock(&self, digest: &Digest) -> MutexGuard<'_, ()> {
        let at = self.hasher.hash_one(digest) as usize % LOCKS;
        self.locks[at].lock().await
    }
}
