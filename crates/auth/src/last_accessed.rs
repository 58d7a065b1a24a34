//! Recording when credentials are used: at most once a minute each, in the background, never in the way of an answer.

use chrono::TimeDelta;
use pierhead_db::Durability;
use pierhead_db::queries::principals::{self, CredentialTable};

use crate::auth::Auth;
use crate::standing::Standing;

/// Records that may be on their way at once. Beyond it a use is not recorded; the next one will be.
pub(crate) const TOUCHES_AT_ONCE: usize = 16;

impl Auth {
    /// Records that a credential was used now, if it is time to.
    pub(crate) fn touch(&self, standing: &Standing) {
        let config = &self.inner.config;
        let table = standing.credential.id.table;
        let threshold = match table {
            CredentialTable::AccessToken => return,
            CredentialTable::OAuthToken => config.oauth_last_accessed_threshold,
            _ if !config.user_last_accessed => return,
            _ => config.last_accessed_threshold,
        };
        if config.read_only {
            return;
        }
        let threshold = TimeDelta::from_std(threshold).unwrap_or(TimeDelta::MAX);
        let now = self.inner.clock.now_naive();
        let row = match (table, &standing.credential.account) {
            (CredentialTable::Password | CredentialTable::Robot, Some(account)) => account.id.0,
            _ => standing.credential.id.row,
        };
        let Some(unless_after) = now.checked_sub_signed(threshold) else {
            return;
        };
        let Ok(permit) = self.inner.touches.clone().try_acquire_owned() else {
            return;
        };
        if !standing.claim_touch(now, threshold) {
            return;
        }
        let db = self.inner.db.in_background();
        tokio::spawn(async move {
            let recorded: Result<u64, pierhead_db::Error> = db
                .write(Durability::Relaxed, move |conn| {
                    Box::pin(principals::touch(conn, table, row, now, unless_after))
                })
                .await;
            if let Err(error) = recorded {
                tracing::warn!(%error, "the use of a credential was not recorded");
            }
            drop(permit);
        });
    }
}
