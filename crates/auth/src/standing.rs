//! What is true of a credential now: whether it still counts, and what it allows at most.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{NaiveDateTime, TimeDelta};
use pierhead_db::RepositoryId;
use pierhead_db::queries::principals::{CredentialRow, CredentialTable};

use crate::cap::Cap;
use crate::credential::Credential;

/// Why a stored credential does not count, although its secret is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its time is over.
    Expired,
    /// Its account is disabled.
    Disabled,
    /// The account that owns the robot is disabled, or gone.
    OwnerDisabled,
}

/// A credential as the database has it.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) credential: Credential,
    pub(crate) cap: Cap,
    /// Role id and repository of an access token.
    pub(crate) token_role: Option<(i32, RepositoryId)>,
    email: Option<String>,
    expires_at: Option<NaiveDateTime>,
    disabled: Option<Refusal>,
    failed_attempts: i32,
    last_failure: Option<NaiveDateTime>,
    last_accessed: Option<NaiveDateTime>,
    touched: AtomicBool,
}

impl Standing {
    /// Reads a row; `None` when the credential does not exist (any more).
    pub(crate) fn from_row(table: CredentialTable, row: &CredentialRow) -> Option<Self> {
        let credential = Credential::from_row(table, row)?;
        let disabled = if credential.account.is_none() {
            None
        } else if row.enabled != Some(true) {
            Some(Refusal::Disabled)
        } else if row.owner_enabled != Some(true) {
            Some(Refusal::OwnerDisabled)
        } else {
            None
        };
        let cap = credential.cap();
        Some(Self {
            credential,
            cap,
            token_role: row.token_role_id.zip(row.token_repository_id),
            email: row.email.clone(),
            expires_at: row.expires_at,
            disabled,
            failed_attempts: row.invalid_login_attempts.unwrap_or(0),
            last_failure: row.last_invalid_login,
            last_accessed: row.last_accessed,
            touched: AtomicBool::new(false),
        })
    }

    /// Why it does not count at `now`, if so.
    pub(crate) fn refusal(&self, now: NaiveDateTime) -> Option<Refusal> {
        if self.expires_at.is_some_and(|end| end <= now) {
            return Some(Refusal::Expired);
        }
        self.disabled
    }

    /// Whether this is what somebody who signs in as `login` means.
    pub(crate) fn is_called(&self, login: &str) -> bool {
        let account = self.credential.account.as_ref();
        match self.credential.id.table {
            CredentialTable::Password => {
                account.is_some_and(|account| account.username == login)
                    || self.email.as_deref() == Some(login)
            }
            CredentialTable::Robot => account.is_some_and(|account| account.username == login),
            _ => true,
        }
    }

    /// How long sign-ins with a password are refused from `now` on, because too many failed.
    pub(crate) fn locked_for(&self, now: NaiveDateTime) -> Option<TimeDelta> {
        locked_for(self.failed_attempts, self.last_failure?, now)
    }

    /// Whether a good sign-in has failures to forget.
    pub(crate) fn has_failures(&self) -> bool {
        self.failed_attempts > 0
    }

    /// Whether this use is to be recorded: once for each reading of the row at most.
    pub(crate) fn claim_touch(&self, now: NaiveDateTime, threshold: TimeDelta) -> bool {
        self.last_accessed
            .is_none_or(|last| last + threshold <= now)
            && !self.touched.swap(true, Ordering::Relaxed)
    }
}

/// How long sign-ins are refused from `now` on, after that many failures of which the last was at `last`.
pub(crate) fn locked_for(
    failures: i32,
    last: NaiveDateTime,
    now: NaiveDateTime,
) -> Option<TimeDelta> {
    let wait = last + lock_after(failures) - now;
    (wait > TimeDelta::zero()).then_some(wait)
}

/// After `n` failures in a row the next attempt waits `5·(2^n − 1) / 10` seconds from the last one (database.md §4.1).
fn lock_after(failures: i32) -> TimeDelta {
    /// 34 years; more failures do not wait longer.
    const MOST_DOUBLINGS: u32 = 31;
    let doublings = u32::try_from(failures).unwrap_or(0).min(MOST_DOUBLINGS);
    TimeDelta::milliseconds(500 * ((1_i64 << doublings) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_doubles_with_each_failure() {
        assert_eq!(lock_after(0), TimeDelta::zero());
        assert_eq!(lock_after(1), TimeDelta::milliseconds(500));
        assert_eq!(lock_after(2), TimeDelta::milliseconds(1_500));
        assert_eq!(lock_after(10), TimeDelta::milliseconds(511_500));
        assert_eq!(lock_after(-1), TimeDelta::zero());
        assert_eq!(lock_after(i32::MAX), lock_after(31));
    }
}
