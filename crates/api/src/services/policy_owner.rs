//! Whose a policy is: of a namespace, for all its repositories, or of one repository.

use std::sync::Arc;

use pierhead_auth::Repository;
use pierhead_auth::accounts::Event;
use pierhead_db::queries::users;
use pierhead_db::{Conn, RepositoryId, UserId};
use serde_json::{Map, Value, json};

use super::namespaces;
use crate::error::Result;

/// Whose policy a request is about.
#[derive(Clone, Debug)]
pub(crate) enum Owner {
    /// A person's or organization's, by name.
    Namespace(String),
    /// A repository's.
    Repository(Arc<Repository>),
}

/// An owner whose rows are known.
#[derive(Clone, Debug)]
pub(crate) struct PolicyOwner {
    /// The person or organization.
    pub(crate) namespace: UserId,
    /// Its name.
    namespace_name: String,
    /// The repository, if it is one's.
    pub(crate) repository: Option<RepositoryId>,
    /// Its name without the namespace.
    repository_name: Option<String>,
}

impl Owner {
    /// The name of the person or organization.
    pub(crate) fn namespace(&self) -> &str {
        match self {
            Self::Namespace(name) => name,
            Self::Repository(repository) => repository.name.namespace(),
        }
    }

    /// Finds the rows for a change that a disabled person or organization may not see: `None` for those.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn resolve_enabled(&self, conn: &mut Conn) -> Result<Option<PolicyOwner>> {
        let enabled = users::find(conn, self.namespace())
            .await?
            .is_some_and(|account| account.enabled && !account.robot);
        if !enabled {
            return Ok(None);
        }
        self.resolve(conn).await.map(Some)
    }

    /// Finds the rows.
    ///
    /// # Errors
    /// 404 when there is no such namespace.
    pub(crate) async fn resolve(&self, conn: &mut Conn) -> Result<PolicyOwner> {
        Ok(match self {
            Self::Namespace(name) => PolicyOwner {
                namespace: namespaces::find(conn, name).await?.id,
                namespace_name: name.clone(),
                repository: None,
                repository_name: None,
            },
            Self::Repository(repository) => PolicyOwner {
                namespace: UserId(repository.namespace_id.0),
                namespace_name: repository.name.namespace().to_owned(),
                repository: Some(repository.id),
                repository_name: Some(repository.name.repository().to_owned()),
            },
        })
    }
}

impl PolicyOwner {
    /// An audit row in the log of the namespace, with the keys that name the owner.
    pub(crate) fn event(&self, kind: &'static str, keys: Map<String, Value>) -> Event {
        let mut metadata = Map::from_iter([("namespace".to_owned(), json!(self.namespace_name))]);
        if let Some(name) = &self.repository_name {
            metadata.insert("repo".to_owned(), json!(name));
        }
        metadata.extend(keys);
        Event {
            kind,
            account: self.namespace,
            repository: self.repository,
            metadata: Value::Object(metadata),
        }
    }
}
