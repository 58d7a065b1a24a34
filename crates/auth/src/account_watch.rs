//! Waiting for what changes an account, for whoever does something on its behalf for long: a stream of events ends when its
//! session does.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::auth::Inner;
use crate::freshness::Stripe;

/// Tells when an account may have changed: when this instance was told so ([`crate::Auth::forget_principal`],
/// [`crate::Auth::forget_everything`]). What other instances change it does not tell.
pub struct AccountWatch {
    auth: Arc<Inner>,
    told: watch::Receiver<()>,
    stripe: Stripe,
    seen: [u64; 2],
}

impl AccountWatch {
    pub(crate) fn new(auth: Arc<Inner>, stripe: Stripe) -> Self {
        let told = auth.told.subscribe();
        let seen = auth.generations.seen(stripe);
        Self {
            auth,
            told,
            stripe,
            seen,
        }
    }

    /// Waits for the next change; at once if there was one since the last. Two accounts may share a counter: then it returns
    /// although nothing changed, so that the caller looks again for nothing.
    pub async fn changed(&mut self) {
        loop {
            // The sender lives as long as `auth`.
            let _ = self.told.changed().await;
            let seen = self.auth.generations.seen(self.stripe);
            if seen != self.seen {
                self.seen = seen;
                return;
            }
        }
    }
}

impl fmt::Debug for AccountWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountWatch").finish_non_exhaustive()
    }
}
