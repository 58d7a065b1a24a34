//! Content trust (`FEATURE_SIGNING`): which tags of a repository are signed, as the server of trust metadata (`TUF_SERVER`) tells
//! it. The metadata is shown, not verified: clients do that. As in Quay, a server that does not answer, or with nonsense, is
//! like one that has no metadata; the log says so.
//!
//! Where Quay follows delegations without end, at most [`MOST_ROLES`] are read, each once, within a time that is bounded
//! whatever the servers do ([`PATIENCES`]); a role that is not read is `null`, as one that cannot be.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use axum::http::header::{AUTHORIZATION, HeaderValue};
use axum::http::{Method, StatusCode};
use pierhead_auth::accounts::Actor;
use pierhead_client::{Answer, Client, Error as CallError, Outgoing};
use pierhead_oci::RepositoryName;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::error::{Error, ErrorType, Result};
use crate::state::Api;

/// The role whose targets are the tags that Docker trusts.
const RELEASES: &str = "targets/releases";
/// The role that delegates to others.
const TARGETS: &str = "targets";
/// Roles whose metadata is read.
const MOST_ROLES: usize = 100;
/// How often `TUF_API_TIMEOUT_SECONDS`, the time for one answer, may pass until no further role is asked for.
const PATIENCES: u32 = 5;
/// What Quay answers when another server fails.
const DOWNSTREAM_ISSUE: u16 = 520;

#[derive(Deserialize)]
struct Metadata {
    signed: Map<String, Value>,
}

/// The tags that each role has signed, by the role's name: `{targets: {tag: …}, expiration}`, `null` for a role whose metadata
/// cannot be had.
pub(crate) async fn delegations(
    api: &Api,
    repository: &RepositoryName,
) -> Result<Map<String, Value>> {
    let server = Server::of(api, repository)?;
    let patience = api.config().signing.tuf_api_timeout_seconds;
    let patience = Duration::from_secs(patience.into()) * PATIENCES;
    let mut deadline = Instant::now() + patience;
    let mut found = Map::new();
    let mut waiting = vec![TARGETS.to_owned()];
    let mut seen = HashSet::new();
    while let Some(role) = waiting.pop() {
        if seen.len() == MOST_ROLES || !seen.insert(role.clone()) {
            continue;
        }
        let read = if is_role(&role) && Instant::now() < deadline {
            server.read(&role).await?
        } else {
            Read::Nothing
        };
        let signed = match read {
            Read::Signed(signed) => signed,
            Read::Nothing => {
                found.insert(role, Value::Null);
                continue;
            }
            Read::TooLate => {
                deadline = Instant::now();
                found.insert(role, Value::Null);
                continue;
            }
        };
        if let Some(targets) = signed.get("targets").filter(|targets| is_filled(targets)) {
            let expiration = signed.get("expires").unwrap_or(&Value::Null);
            found.insert(
                role,
                json!({ "targets": targets, "expiration": expiration }),
            );
        }
        let roles = signed
            .get("delegations")
            .and_then(|delegations| delegations["roles"].as_array());
        let names = roles
            .into_iter()
            .flatten()
            .filter_map(|role| role["name"].as_str());
        // The first one is asked for next, with what it delegates to.
        waiting.extend(names.rev().map(str::to_owned));
    }
    Ok(found)
}

/// Switches content trust on or off. What was signed before is deleted: it would not be of this time.
///
/// # Errors
/// 520 `downstream_issue` if that cannot be deleted; what accounts say.
pub(crate) async fn change(
    api: &Api,
    actor: &Actor,
    repository: &RepositoryName,
    enabled: bool,
) -> Result<()> {
    let server = Server::of(api, repository)?;
    if let Read::Signed(signed) = server.read(RELEASES).await?
        && signed.get("targets").is_some_and(is_filled)
        && !server.delete().await?
    {
        let status = StatusCode::from_u16(DOWNSTREAM_ISSUE).unwrap_or(StatusCode::BAD_GATEWAY);
        return Err(Error::exception(
            ErrorType::DownstreamIssue,
            status,
            "Unable to delete downstream trust metadata",
        ));
    }
    api.accounts()
        .set_trust(
            actor,
            repository.namespace(),
            repository.repository(),
            enabled,
        )
        .await?;
    api.auth().forget_repository(repository);
    Ok(())
}

/// Whether the name of a role, which whoever signs chooses, stays below the metadata of its repository in a URL.
fn is_role(name: &str) -> bool {
    name.split('/').all(|part| {
        !matches!(part, "" | "." | "..")
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    })
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

/// What came of asking for the metadata of a role.
enum Read {
    /// The part of it that is signed.
    Signed(Map<String, Value>),
    /// There is none, or none that is understood.
    Nothing,
    /// No server answered in time.
    TooLate,
}

/// The servers of trust metadata, about one repository.
struct Server<'a> {
    api: &'a Api,
    client: Option<&'a Client>,
    /// The repository's name there.
    name: String,
    /// `Authorization` for reading: one signature however many roles there are.
    reader: HeaderValue,
}

impl<'a> Server<'a> {
    fn of(api: &'a Api, repository: &RepositoryName) -> Result<Self> {
        let prefix = api.config().signing.tuf_gun_prefix.as_deref();
        let prefix = prefix
            .filter(|prefix| !prefix.is_empty())
            .unwrap_or(&api.0.config.hostname);
        let name = format!("{}/{repository}", prefix.trim_end_matches('/'));
        Ok(Self {
            api,
            client: api.trust_metadata(),
            reader: bearer(api, &name, "pull")?,
            name,
        })
    }

    /// The metadata of a role, from the first server that answers.
    async fn read(&self, role: &str) -> Result<Read> {
        let Some(client) = self.client else {
            return Ok(Read::Nothing);
        };
        let signing = &self.api.config().signing;
        let servers = signing
            .tuf_server
            .iter()
            .chain(&signing.tuf_readonly_failover_endpoints);
        let mut outcome = Read::Nothing;
        for server in servers {
            let path = format!("{role}.json");
            let answer = client
                .send(self.request(Method::GET, server.as_url(), &path, self.reader.clone())?)
                .await;
            match answer.and_then(Answer::json::<Metadata>) {
                Ok(metadata) if !metadata.signed.is_empty() => {
                    return Ok(Read::Signed(metadata.signed));
                }
                Ok(_) => {
                    tracing::warn!(name = self.name, role, "the trust metadata is not signed");
                    return Ok(Read::Nothing);
                }
                Err(error) => {
                    let late = matches!(error, CallError::TimedOut { .. });
                    outcome = if late { Read::TooLate } else { Read::Nothing };
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        name = self.name,
                        role,
                        "no trust metadata"
                    );
                    if matches!(error, CallError::NotJson { .. }) {
                        break;
                    }
                }
            }
        }
        Ok(outcome)
    }

    /// Deletes all metadata. Whether that worked.
    async fn delete(&self) -> Result<bool> {
        let server = self.api.config().signing.tuf_server.as_ref();
        let (Some(client), Some(server)) = (self.client, server) else {
            return Ok(false);
        };
        let writer = bearer(self.api, &self.name, "*")?;
        let request = self.request(Method::DELETE, server.as_url(), "", writer)?;
        let answer = client.send(request).await;
        let failure = match answer {
            Ok(answer) if answer.status.is_success() => return Ok(true),
            Ok(answer) => CallError::Status {
                url: answer.url,
                status: answer.status.as_u16(),
            },
            Err(error) => error,
        };
        tracing::error!(
            error = &failure as &dyn std::error::Error,
            name = self.name,
            "trust metadata could not be deleted"
        );
        Ok(false)
    }

    fn request(
        &self,
        method: Method,
        server: &Url,
        path: &str,
        bearer: HeaderValue,
    ) -> Result<Outgoing> {
        let url = server
            .join(&format!("/v2/{}/_trust/tuf/{path}", self.name))
            .map_err(|error| Error::Internal(format!("an address of trust metadata: {error}")))?;
        let outgoing = Outgoing {
            method,
            ..Outgoing::get(url)
        };
        Ok(outgoing.header(AUTHORIZATION, bearer))
    }
}

/// `Authorization` for the trust metadata of `name`.
fn bearer(api: &Api, name: &str, action: &str) -> Result<HeaderValue> {
    let no_token = |error| Error::Internal(format!("a token for trust metadata: {error}"));
    let token = api.auth().trust_token(name, action);
    let token = token.map_err(|error| no_token(error.to_string()))?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|error| no_token(error.to_string()))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}
