//! Who changes content through the management API. Rights were checked by whoever calls; here they are only recorded.

use std::sync::Arc;

use pierhead_auth::Repository;
use pierhead_auth::accounts::{Accounts, AccountsError, Actor, Event};
use pierhead_db::{Conn, UserId};
use serde_json::{Value, json};

/// Somebody who changes a repository, and where that is written down.
#[derive(Clone, Debug)]
pub struct Author {
    /// Writes the audit rows.
    pub accounts: Accounts,
    /// On whose behalf.
    pub actor: Actor,
    /// The name that Quay puts into the metadata of changes to tags.
    pub username: Option<String>,
    /// What is changed.
    pub repository: Arc<Repository>,
}

impl Author {
    /// Writes an audit row in the transaction of the change. `keys` come beside the repository's names; null ones stay.
    pub(crate) async fn record(
        &self,
        conn: &mut Conn,
        kind: &'static str,
        keys: &[(&str, Value)],
    ) -> Result<(), AccountsError> {
        let name = &self.repository.name;
        let mut metadata = json!({ "repo": name.repository(), "namespace": name.namespace() });
        for (key, value) in keys {
            metadata[*key] = value.clone();
        }
        let event = Event {
            kind,
            account: UserId(self.repository.namespace_id.0),
            repository: Some(self.repository.id),
            metadata,
        };
        let now = self.accounts.now();
        self.accounts.record(conn, &self.actor, now, event).await
    }

    /// The same for a tag, with the name of its author.
    pub(crate) async fn record_tag(
        &self,
        conn: &mut Conn,
        kind: &'static str,
        tag: &str,
        keys: &[(&str, Value)],
    ) -> Result<(), AccountsError> {
        let mut all = vec![("username", json!(self.username)), ("tag", json!(tag))];
        all.extend_from_slice(keys);
        self.record(conn, kind, &all).await
    }
}
