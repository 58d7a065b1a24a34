//! Audit rows of pulls, pushes and deletes (`logentry3`): which kind, and which metadata, as Quay writes them.

use std::net::IpAddr;
use std::sync::Arc;

use pierhead_auth::{Bearer, Credential, Repository};
use pierhead_db::enums::Enums;
use pierhead_db::queries::logs::LogEntry;
use pierhead_db::queries::principals::CredentialTable;
use serde_json::{Map, Value, json};

use crate::clock::Clock;

/// Longest user agent that is kept.
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
    pub user_agent: Option<String>,
}

impl Event {
    /// `pull_repo` by tag or by digest.
    pub fn pull(
        &self,
        enums: &Enums,
        clock: &Clock,
        tag: Option<&str>,
        digest: &str,
        media_type: &str,
    ) -> Option<LogEntry> {
        let particular = match tag {
            Some(tag) => [("tag", tag), ("mediaType", media_type)],
            None => [("manifest_digest", digest), ("mediaType", media_type)],
        };
        self.entry(enums, clock, "pull_repo", particular)
    }

    /// `push_repo` of a tag.
    pub fn push(
        &self,
        enums: &Enums,
        clock: &Clock,
        tag: &str,
        media_type: &str,
    ) -> Option<LogEntry> {
        let particular = [("tag", tag), ("mediaType", media_type)];
        self.entry(enums, clock, "push_repo", particular)
    }

    /// `delete_tag`.
    pub fn delete(
        &self,
        enums: &Enums,
        clock: &Clock,
        tag: &str,
        digest: &str,
    ) -> Option<LogEntry> {
        self.entry(
            enums,
            clock,
            "delete_tag",
            [("tag", tag), ("digest", digest)],
        )
    }

    fn entry(
        &self,
        enums: &Enums,
        clock: &Clock,
        kind: &str,
        particular: [(&str, &str); 2],
    ) -> Option<LogEntry> {
        let mut metadata = Map::new();
        let name = &self.repository.name;
        metadata.insert("repo".to_owned(), json!(name.repository()));
        metadata.insert("namespace".to_owned(), json!(name.namespace()));
        if let Some(user_agent) = &self.user_agent {
            metadata.insert("user-agent".to_owned(), json!(user_agent));
        }
        for (key, value) in particular {
            metadata.insert(key.to_owned(), json!(value));
        }
        if let Some(subject) = self.bearer.subject() {
            let key = if subject.user_id.is_none() {
                "token"
            } else {
                "username"
            };
            metadata.insert(key.to_owned(), json!(subject.name));
            if subject.credential.table == CredentialTable::Robot {
                metadata.insert("is_robot".to_owned(), Value::Bool(true));
            }
        }
        Some(LogEntry {
            kind: enums.log_kind(kind)?,
            account: self.repository.namespace_id.0,
            performer: self
                .bearer
                .subject()
                .and_then(|subject| subject.user_id)
                .map(|user| user.0),
            repository: Some(self.repository.id.0),
            datetime: clock.utc(),
            ip: self.ip.map(|ip| ip.to_string()),
            metadata_json: Value::Object(metadata).to_string(),
        })
    }
}

/// `login_success` of a credential that asked the token endpoint for no repository, as `docker login` does.
pub(crate) fn login(
    enums: &Enums,
    clock: &Clock,
    credential: &Credential,
    ip: Option<IpAddr>,
    user_agent: Option<&str>,
) -> Option<LogEntry> {
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
    let metadata = json!({
        "type": "v2auth",
        "kind": kind,
        "useragent": user_agent,
        key: value,
    });
    Some(LogEntry {
        kind: enums.log_kind("login_success")?,
        account: account.id.0,
        performer: Some(account.id.0),
        repository: None,
        datetime: clock.utc(),
        ip: ip.map(|ip| ip.to_string()),
        metadata_json: metadata.to_string(),
    })
}

/// A user agent as it is kept: bounded, and text.
pub(crate) fn user_agent(value: Option<&axum::http::HeaderValue>) -> Option<String> {
    let text = value?.to_str().ok()?;
    let end = text
        .char_indices()
        .nth(LONGEST_USER_AGENT)
        .map_or(text.len(), |(at, _)| at);
    Some(text[..end].to_owned())
}
