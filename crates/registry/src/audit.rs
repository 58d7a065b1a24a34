//! Audit rows of pulls, pushes and deletes (`logentry3`): which kind, and which metadata, as Quay writes them.

mod metadata;
mod rules;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderValue;
use pierhead_auth::{Bearer, Credential, Repository};
use pierhead_db::queries::logs::{self, LogEntry};
use pierhead_db::queries::principals::CredentialTable;
use pierhead_oci::{Digest, RepositoryName};

use crate::audit::metadata::Metadata;
use crate::error::{Error, Result};
use crate::route::Operation;
use crate::state::Registry;

pub use crate::audit::rules::AuditConfig;

/// Longest user agent that is kept, in bytes.
const LONGEST_USER_AGENT: usize = 512;

/// Who did something to a repository, and from where.
#[derive(Clone, Debug)]
pub struct Event {
    /// The repository.
    pub repository: Arc<Repository>,
    /// The token of the request.
    pub bearer: Arc<Bearer>,
    /// Address of the client.
    pub ip: Option<IpAddr>,
    /// `User-Agent`.
    pub user_agent: Option<HeaderValue>,
}

impl Event {
    /// `pull_repo` by tag or by digest.
    pub fn pull(
        &self,
        registry: &Registry,
        tag: Option<&str>,
        digest: &str,
        media_type: &str,
    ) -> Option<LogEntry> {
        if !registry.config.audit.records_pulls(&self.repository) {
            return None;
        }
        let particular = match tag {
            Some(tag) => [("tag", tag), ("mediaType", media_type)],
            None => [("manifest_digest", digest), ("mediaType", media_type)],
        };
        self.entry(registry, "pull_repo", particular)
    }

    /// `push_repo` of a tag.
    pub fn push(&self, registry: &Registry, tag: &str, media_type: &str) -> Option<LogEntry> {
        let particular = [("tag", tag), ("mediaType", media_type)];
        self.entry(registry, "push_repo", particular)
    }

    /// `delete_tag`.
    pub fn delete(&self, registry: &Registry, tag: &str, digest: &str) -> Option<LogEntry> {
        self.entry(registry, "delete_tag", [("tag", tag), ("digest", digest)])
    }

    fn entry(
        &self,
        registry: &Registry,
        kind: &str,
        particular: [(&'static str, &str); 2],
    ) -> Option<LogEntry> {
        let name = &self.repository.name;
        if !registry.config.audit.records(name.namespace()) {
            return None;
        }
        let mut metadata = Metadata::new();
        metadata.text("repo", name.repository());
        metadata.text("namespace", name.namespace());
        if let Some(user_agent) = user_agent(self.user_agent.as_ref()) {
            metadata.text("user-agent", user_agent);
        }
        for (key, value) in particular {
            metadata.text(key, value);
        }
        let subject = self.bearer.subject();
        if let Some(subject) = subject {
            let key = if subject.user_id.is_none() {
                "token"
            } else {
                "username"
            };
            metadata.text(key, &subject.name);
            if subject.credential.table == CredentialTable::Robot {
                metadata.flag("is_robot");
            }
        }
        Some(LogEntry {
            kind: registry.enums.log_kind(kind)?,
            account: self.repository.namespace_id.0,
            performer: performer(&self.bearer),
            repository: Some(self.repository.id.0),
            datetime: registry.clock.utc(),
            ip: text(self.ip),
            metadata_json: metadata.finish(),
        })
    }
}

/// A request that its guard refused.
#[derive(Debug)]
pub(crate) struct Attempt<'r> {
    /// What was asked for.
    pub operation: Operation,
    /// The repository, which may not exist.
    pub name: &'r RepositoryName,
    /// Tag or digest; empty for an upload.
    pub target: &'r str,
    /// Address of the client.
    pub ip: Option<IpAddr>,
}

impl Registry {
    /// Puts a row on its way, if there is one. As in Quay, nothing is logged while nothing may be written.
    pub(crate) async fn record(&self, entry: Option<LogEntry>) -> Result<()> {
        match entry.filter(|_| !self.config.read_only) {
            Some(entry) => self.audit.record(entry).await.map_err(|_| Error::AuditLog),
            None => Ok(()),
        }
    }

    /// Records that somebody without the permission tried something, where the configuration wants to know. Costs a statement,
    /// which no request does that is allowed.
    pub(crate) async fn record_refusal(
        &self,
        attempt: &Attempt<'_>,
        bearer: &Bearer,
    ) -> Result<()> {
        let config = &self.config.audit;
        let (namespace, repository) = (attempt.name.namespace(), attempt.name.repository());
        let Some(kind) = config.failure(attempt.operation) else {
            return Ok(());
        };
        if self.config.read_only || !config.records(namespace) {
            return Ok(());
        }
        let place = {
            let mut conn = self.db.read().await?;
            logs::find_place(&mut conn, namespace, repository).await?
        };
        let mut metadata = Metadata::new();
        metadata.text("namespace", namespace);
        metadata.text("repo", repository);
        if !attempt.target.is_empty() {
            let digest = Digest::parse(attempt.target).is_ok();
            metadata.text(
                if digest { "manifest_digest" } else { "tag" },
                attempt.target,
            );
        }
        metadata.text(
            "message",
            match (place.namespace, place.repository) {
                (None, _) => "Namespace does not exist",
                (_, None) => "Repository does not exist",
                _ => "access to the requested resource is not authorized",
            },
        );
        let account = place
            .namespace
            .or(config.service_account)
            .or(place.first_account);
        let (Some(kind), Some(account)) = (self.enums.log_kind(kind), account) else {
            return Ok(());
        };
        self.record(Some(LogEntry {
            kind,
            account,
            performer: performer(bearer),
            repository: place.repository,
            datetime: self.clock.utc(),
            ip: text(attempt.ip),
            metadata_json: metadata.finish(),
        }))
        .await
    }

    /// `login_success` of a credential that asked the token endpoint for no repository, as `docker login` does.
    pub(crate) async fn record_login(
        &self,
        credential: &Credential,
        ip: Option<IpAddr>,
        agent: Option<&HeaderValue>,
    ) -> Result<()> {
        let entry = login(credential, user_agent(agent)).and_then(|(account, metadata)| {
            Some(LogEntry {
                kind: self.enums.log_kind("login_success")?,
                account,
                performer: Some(account),
                repository: None,
                datetime: self.clock.utc(),
                ip: text(ip),
                metadata_json: metadata.finish(),
            })
        });
        self.record(entry).await
    }
}

/// Account and metadata of a sign-in; `None` for a credential without an account.
fn login(credential: &Credential, user_agent: Option<&str>) -> Option<(i32, Metadata)> {
    let account = credential.account.as_ref()?;
    let (kind, key, value) = match credential.id.table {
        CredentialTable::Robot => ("robot", "robot", &account.username),
        CredentialTable::AppToken => (
            "app_specific_token",
            "app_specific_token_title",
            credential.title.as_ref()?,
        ),
        CredentialTable::OAuthToken => ("oauth", "oauth_token_id", credential.reference.as_ref()?),
        CredentialTable::AccessToken => ("token", "token", credential.reference.as_ref()?),
        CredentialTable::Password => ("user", "username", &account.username),
    };
    let mut metadata = Metadata::new();
    metadata.text("type", "v2auth");
    metadata.text("kind", kind);
    match user_agent {
        Some(user_agent) => metadata.text("useragent", user_agent),
        None => metadata.nothing("useragent"),
    }
    metadata.text(key, value);
    Some((account.id.0, metadata))
}

fn performer(bearer: &Bearer) -> Option<i32> {
    bearer.subject()?.user_id.map(|user| user.0)
}

fn text(ip: Option<IpAddr>) -> Option<Arc<str>> {
    ip.map(|ip| ip.to_string().into())
}

/// A user agent as it is kept: bounded, and text.
fn user_agent(value: Option<&HeaderValue>) -> Option<&str> {
    let text = value?.to_str().ok()?;
    // Of ASCII, so that every byte is a character.
    Some(text.get(..LONGEST_USER_AGENT).unwrap_or(text))
}
