//! The lock after failed sign-ins as somebody who does not exist. Without it, the lock of those who do exist would tell
//! them apart. It is kept in this process only, and for a bounded number of names.

use chrono::NaiveDateTime;
use quick_cache::sync::Cache;

use super::{CredentialKey, SignInError};
use crate::auth::Auth;
use crate::standing;

/// Names kept. About 60 bytes each.
const ENTRIES: usize = 16_384;

/// Failures by a keyed hash of the name.
#[derive(Debug)]
pub(crate) struct UnknownLogins(Cache<CredentialKey, Failures>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: i32,
    last: NaiveDateTime,
}

impl UnknownLogins {
    pub(crate) fn new() -> Self {
        Self(Cache::new(ENTRIES))
    }
}

impl Auth {
    /// Refuses while the name is locked.
    pub(super) fn check_unknown_lock(&self, login: &str) -> Result<(), SignInError> {
        let key = self.credential_key(login, "");
        let wait = self.inner.unknown_logins.0.get(&key).and_then(|failures| {
            standing::locked_for(failures.count, failures.last, self.inner.clock.now_naive())
        });
        match wait {
            Some(wait) => Err(SignInError::TooManyAttempts {
                retry_after: wait.to_std().unwrap_or_default(),
            }),
            None => Ok(()),
        }
    }

    /// Counts a failure, except where those of existing people are not counted either.
    pub(super) fn count_unknown_failure(&self, login: &str) {
        if self.inner.config.read_only {
            return;
        }
        let key = self.credential_key(login, "");
        let logins = &self.inner.unknown_logins.0;
        let count = logins.get(&key).map_or(0, |failures| failures.count);
        let failures = Failures {
            count: count.saturating_add(1),
            last: self.inner.clock.now_naive(),
        };
        logins.insert(key, failures);
    }
}
