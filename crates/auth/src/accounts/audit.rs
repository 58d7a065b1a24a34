//! Audit rows: who did what. Written in the transaction of the change, so that neither exists without the other.

use chrono::NaiveDateTime;
use pierhead_db::queries::logs::{self, LogEntry};
use pierhead_db::{Conn, RepositoryId, UserId};
use serde_json::{Map, Value};

use super::{Accounts, AccountsError, Result};

/// On whose behalf a change is made. Recorded, never checked.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// The person or robot; nobody for the operator at the command line.
    pub user: Option<UserId>,
    /// The person's name, when they change an account of somebody else as a superuser.
    pub superuser: Option<String>,
    /// The caller's address.
    pub ip: Option<String>,
    /// Keys that the kind of credential adds to the metadata of every row (database.md §4.8).
    pub context: Map<String, Value>,
}

impl Actor {
    /// The operator at the command line, who is no account.
    pub fn operator() -> Self {
        Self::default()
    }

    /// A person or robot.
    pub fn user(id: UserId) -> Self {
        Self {
            user: Some(id),
            ..Self::default()
        }
    }
}

/// One row to write.
#[derive(Clone, Debug)]
pub struct Event {
    /// `logentrykind.name`.
    pub kind: &'static str,
    /// The namespace whose log it belongs to.
    pub account: UserId,
    /// The repository it is about.
    pub repository: Option<RepositoryId>,
    /// The keys of database.md §4.8 for the kind, a JSON object.
    pub metadata: Value,
}

impl Accounts {
    /// Writes an audit row in the transaction of what it tells.
    ///
    /// # Errors
    /// When the database does not know the kind, or fails.
    pub async fn record(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        now: NaiveDateTime,
        event: Event,
    ) -> Result<()> {
        let kind = self.0.enums.log_kind(event.kind);
        let kind = kind.ok_or(AccountsError::NoLogKind(event.kind))?;
        let mut metadata = event.metadata;
        if let Value::Object(keys) = &mut metadata {
            for (key, value) in &actor.context {
                keys.entry(key).or_insert_with(|| value.clone());
            }
        }
        let entry = LogEntry {
            kind,
            account: event.account.0,
            performer: actor.user.map(|user| user.0),
            repository: event.repository.map(|repository| repository.0),
            datetime: now,
            ip: actor.ip.as_deref().map(Into::into),
            metadata_json: metadata.to_string().into(),
        };
        logs::insert(conn, &[entry]).await?;
        Ok(())
    }
}
