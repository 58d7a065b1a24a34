//! Exports of audit logs: the request becomes an item of the queue that Quay's export worker reads as well (`exportactionlogs`),
//! with an audit row of its own. Requests that are refused leave an audit row, too.

use pierhead_auth::accounts::{Actor, Event};
use pierhead_client::AddressGuard;
use pierhead_db::queries::queue::{self, NewItem};
use pierhead_db::{RepositoryId, UserId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::logs::Span;
use crate::error::{Error, Result};
use crate::state::Api;

/// How often an export is tried.
const TRIES: i32 = 3;
/// The longest address of a person that is stored, in bytes (RFC 5321 §4.5.3.1 allows 254).
const LONGEST_EMAIL: usize = 254;

/// What is to be exported, and who is told where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    /// The namespace's row.
    pub(crate) namespace: UserId,
    /// The namespace's name.
    pub(crate) namespace_name: String,
    /// One repository instead of everything.
    pub(crate) repository: Option<(RepositoryId, String)>,
    /// From when to when.
    pub(crate) span: Span,
    /// The URL that is called.
    pub(crate) callback_url: Option<String>,
    /// The address that gets a mail.
    pub(crate) callback_email: Option<String>,
}

/// What audit rows tell of an export.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct To<'a> {
    /// The URL that was to be called.
    pub(crate) url: Option<&'a str>,
    /// The address that was to get a mail.
    pub(crate) email: Option<&'a str>,
    /// The name of the repository, without its namespace.
    pub(crate) repository: Option<&'a str>,
}

impl Export {
    fn to(&self) -> To<'_> {
        To {
            url: self.callback_url.as_deref(),
            email: self.callback_email.as_deref(),
            repository: self.repository.as_ref().map(|(_, name)| name.as_str()),
        }
    }
}

/// Queues an export; returns its id.
pub(crate) async fn queue(api: &Api, actor: Actor, export: Export) -> Result<String> {
    let export = Export {
        callback_url: export.callback_url.filter(|url| !url.is_empty()),
        callback_email: export.callback_email.filter(|email| !email.is_empty()),
        ..export
    };
    if let Err((reason, refusal)) = check(api, &export).await {
        record_refusal(api, actor, export.namespace, &export.to(), reason).await?;
        return Err(refusal);
    }
    let id = Uuid::new_v4().to_string();
    let body = json!({
        "export_id": id,
        "repository_id": export.repository.as_ref().map(|(id, _)| id.0),
        "namespace_id": export.namespace.0,
        "namespace_name": export.namespace_name,
        "repository_name": export.repository.as_ref().map(|(_, name)| name),
        "start_time": us_day(export.span.start),
        "end_time": us_day(export.span.end),
        "callback_url": export.callback_url,
        "callback_email": export.callback_email,
    })
    .to_string();
    let mut metadata = about(api, &export.to());
    metadata.insert("export_id".to_owned(), json!(id));
    metadata.insert("message".to_owned(), json!("queued for export"));
    let event = Event {
        kind: "export_logs_success",
        account: export.namespace,
        repository: None,
        metadata: metadata.into(),
    };
    let queue = api.config().queues.export_action_logs_queue_name.clone();
    let (accounts, now) = (api.accounts().clone(), api.accounts().now());
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let item = NewItem {
                    queue_name: &queue::name(&queue, &[&export.namespace_name]),
                    body: &body,
                    available_after: now,
                    retries: TRIES,
                    state_id: &Uuid::new_v4().to_string(),
                };
                queue::insert(conn, &item).await?;
                accounts.record(conn, &actor, now, event).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    Ok(id)
}

/// What is wrong: for the audit row, and for the caller.
async fn check(api: &Api, export: &Export) -> Result<(), (&'static str, Error)> {
    let invalid = |text: &str| ("invalid request", Error::invalid_request(text));
    if let Some(url) = &export.callback_url {
        let guard = AddressGuard::public_only(&api.config().mirroring.ssrf_allowed_hosts);
        guard.resolve_url(url).await.map_err(|refused| {
            if refused.is_blocked() {
                invalid("Invalid callback URL")
            } else {
                invalid(&refused.to_string())
            }
        })?;
    }
    if let Some(email) = &export.callback_email {
        let usable = email.contains('@')
            && email.len() <= LONGEST_EMAIL
            && !email
                .chars()
                .any(|char| char.is_control() || char.is_whitespace());
        if !usable {
            return Err(invalid("Invalid callback e-mail"));
        }
    }
    if export.span.is_reversed() {
        let text = "Invalid time span selected";
        return Err((text, Error::invalid_request(text)));
    }
    Ok(())
}

async fn record_refusal(
    api: &Api,
    actor: Actor,
    namespace: UserId,
    to: &To<'_>,
    reason: &'static str,
) -> Result<()> {
    let mut metadata = about(api, to);
    metadata.insert("error".to_owned(), json!(reason));
    let event = Event {
        kind: "export_logs_failure",
        account: namespace,
        repository: None,
        metadata: metadata.into(),
    };
    let (accounts, now) = (api.accounts().clone(), api.accounts().now());
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                accounts.record(conn, &actor, now, event).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Leaves the audit row of an export that was refused before it was looked at, if there is such a namespace.
pub(crate) async fn refuse(
    api: &Api,
    actor: Actor,
    namespace: &str,
    to: &To<'_>,
    reason: &'static str,
) -> Result<()> {
    if api.is_read_only() {
        return Ok(());
    }
    let found = api.auth().namespace_rights(None, namespace).await?.id;
    let Some(found) = found else {
        return Ok(());
    };
    record_refusal(api, actor, found, to, reason).await
}

/// The keys that both kinds of audit rows have.
fn about(api: &Api, to: &To<'_>) -> Map<String, Value> {
    let mut about = Map::new();
    about.insert("date/time".to_owned(), json!(api.clock().unix()));
    about.insert("url".to_owned(), json!(to.url));
    about.insert("email".to_owned(), json!(to.email));
    if let Some(name) = to.repository {
        about.insert("repo".to_owned(), json!(name));
    }
    about
}

/// `MM/DD/YYYY`.
fn us_day(date: chrono::NaiveDateTime) -> String {
    date.format("%m/%d/%Y").to_string()
}
