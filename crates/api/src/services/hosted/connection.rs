//! Calls of a service's REST API: one credential, one deadline for everything that a request asks, bounded pages.

use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pierhead_client::{Answer, Client, Outgoing};
use pierhead_config::Secret;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::json_path::text;
use super::oauth1::Signer;
use super::{HostError, Result};

/// How long everything together that one request asks may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a connection is tried for a request that must not be sent twice.
const CONNECTS: usize = 3;
/// Between two of these.
const PAUSE: Duration = Duration::from_millis(500);
/// Most pages of one list.
const MOST_PAGES: usize = 50;
/// Most bytes of all pages of one list.
const LARGEST_LIST: usize = 32 * 1024 * 1024;
/// Longest text of a service that is passed on, in characters.
const LONGEST_TOLD: usize = 300;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What stands for itself in a segment of a path (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Who asks.
#[derive(Clone)]
pub(crate) enum Credential {
    /// The value of `Authorization`.
    Header(HeaderValue),
    /// A signature of each request.
    OAuth1(Signer),
}

impl Credential {
    /// `Authorization: <scheme> <token>`.
    pub(crate) fn token(scheme: &str, token: &Secret) -> Self {
        Self::header(&format!("{scheme} {}", token.expose()))
    }

    /// `Authorization: Basic …`.
    pub(crate) fn basic(user: &str, password: Option<&Secret>) -> Self {
        let password = password.map(Secret::expose).unwrap_or_default();
        Self::header(&format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{password}"))
        ))
    }

    fn header(text: &str) -> Self {
        // What is no header value is no credential, either; the service will say so.
        let mut value =
            HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("Bearer invalid"));
        value.set_sensitive(true);
        Self::Header(value)
    }
}

/// A service's API for one request of a caller.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    /// For messages.
    service: &'static str,
    /// Without a slash at the end.
    base: String,
    credential: Credential,
    accept: HeaderValue,
    /// For one call.
    patience: Duration,
    deadline: Instant,
}

/// How a service divides lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging {
    /// Items of a page.
    pub(crate) size: usize,
    /// The parameter for that.
    pub(crate) parameter: &'static str,
}

impl Connection {
    /// To an API at `base`.
    pub(crate) fn new(
        client: &Client,
        service: &'static str,
        patience: Duration,
        base: &str,
        credential: Credential,
    ) -> Self {
        Self {
            client: client.clone(),
            service,
            base: base.trim_end_matches('/').to_owned(),
            credential,
            accept: JSON,
            patience,
            deadline: Instant::now() + PATIENCE,
        }
    }

    /// The same, asking for another media type.
    pub(crate) fn accepting(self, accept: &'static str) -> Self {
        Self {
            accept: HeaderValue::from_static(accept),
            ..self
        }
    }

    /// The same with all its time before it: what failed for want of time has to be undone nevertheless.
    pub(crate) fn renewed(&self) -> Self {
        Self {
            deadline: Instant::now() + PATIENCE,
            ..self.clone()
        }
    }

    /// The same with this much time, for what can be done without.
    pub(crate) fn within(&self, budget: Duration) -> Self {
        Self {
            deadline: self.deadline.min(Instant::now() + budget),
            ..self.clone()
        }
    }

    /// GET, as JSON.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        let answer = self.ask(path, query).await?;
        self.json(&answer.body)
    }

    /// GET, as it comes.
    pub(crate) async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer> {
        self.call(Method::GET, path, query, None).await
    }

    /// POST of JSON that makes something; gives what the answer says under `id`.
    pub(crate) async fn create(&self, path: &str, body: &Value, id: &str) -> Result<Value> {
        let answer = self.call(Method::POST, path, &[], Some(body)).await?;
        let mut made = self.json(&answer.body)?;
        match made.get_mut(id).map(Value::take) {
            Some(id @ (Value::Number(_) | Value::String(_))) => Ok(id),
            _ => Err(self.unexpected("what it was to make")),
        }
    }

    /// DELETE; what is gone already is as good.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        match self.call(Method::DELETE, path, &[], None).await {
            Err(error) if !error.is_status(StatusCode::NOT_FOUND) => Err(error),
            _ => Ok(()),
        }
    }

    /// The items of a list of which each page is a JSON list and has a number.
    pub(crate) async fn numbered(
        &self,
        path: &str,
        query: &[(&str, &str)],
        paging: Paging,
        limit: Option<usize>,
    ) -> Result<Vec<Value>> {
        let limit = limit.unwrap_or(usize::MAX);
        let paging = Paging {
            size: paging.size.min(limit),
            ..paging
        };
        let mut items = Vec::new();
        let keep = |found| {
            items.extend(found);
            items.len() < limit
        };
        self.numbered_pages(path, query, paging, keep).await?;
        items.truncate(limit);
        Ok(items)
    }

    /// Whether an item of such a list is meant. The pages behind the first such item are not asked for.
    pub(crate) async fn any_numbered(
        &self,
        path: &str,
        paging: Paging,
        is_meant: impl Fn(&Value) -> bool + Send + Sync,
    ) -> Result<bool> {
        let mut found_it = false;
        let look = |found: Vec<Value>| {
            found_it = found.iter().any(&is_meant);
            !found_it
        };
        self.numbered_pages(path, &[], paging, look).await?;
        Ok(found_it)
    }

    /// Gives each page to `take`, until that wants no more.
    async fn numbered_pages(
        &self,
        path: &str,
        query: &[(&str, &str)],
        paging: Paging,
        mut take: impl FnMut(Vec<Value>) -> bool + Send,
    ) -> Result<()> {
        let mut room = LARGEST_LIST;
        let size = paging.size.to_string();
        for page in 1..=MOST_PAGES {
            let page = page.to_string();
            let mut query = query.to_vec();
            query.extend([(paging.parameter, &*size), ("page", &*page)]);
            let Value::Array(found) = self.page(path, &query, &mut room).await? else {
                return Err(self.unexpected("a list"));
            };
            if found.len() > paging.size {
                return Err(self.unexpected("a page of the size that was asked for"));
            }
            let is_last = found.len() < paging.size;
            if !take(found) || is_last {
                break;
            }
        }
        Ok(())
    }

    /// The items of a list of which each page is `{values, next}`. Of `next` only the query is believed.
    pub(crate) async fn linked(
        &self,
        path: &str,
        query: &[(&str, &str)],
        paging: Paging,
        limit: Option<usize>,
    ) -> Result<Vec<Value>> {
        let limit = limit.unwrap_or(usize::MAX);
        let size = paging.size.min(limit).to_string();
        let mut next: Vec<(String, String)> = query
            .iter()
            .chain(&[(paging.parameter, &*size)])
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let (mut items, mut room) = (Vec::new(), LARGEST_LIST);
        for _ in 0..MOST_PAGES {
            let query: Vec<(&str, &str)> =
                next.iter().map(|(key, value)| (&**key, &**value)).collect();
            let mut page = self.page(path, &query, &mut room).await?;
            let Some(Value::Array(found)) = page.get_mut("values").map(Value::take) else {
                return Err(self.unexpected("a list of values"));
            };
            items.extend(found);
            let following = text(&page, "next").and_then(|next| Url::parse(next).ok());
            let following: Option<Vec<(String, String)>> =
                following.map(|url| url.query_pairs().into_owned().collect());
            match following {
                // A page that follows itself is the last one.
                Some(following) if items.len() < limit && following != next => next = following,
                _ => break,
            }
        }
        items.truncate(limit);
        Ok(items)
    }

    /// A page of a list, if there is room for it.
    async fn page(&self, path: &str, query: &[(&str, &str)], room: &mut usize) -> Result<Value> {
        let answer = self.ask(path, query).await?;
        *room = room.checked_sub(answer.body.len()).ok_or_else(|| {
            let text = format!(
                "A list of the {} API has more than {LARGEST_LIST} bytes",
                self.service
            );
            tracing::warn!("{text}");
            HostError::Failed(text)
        })?;
        self.json(&answer.body)
    }

    /// An answer of a 2xx status.
    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer> {
        let wrong = |_| HostError::Failed(format!("The address of {} is no URL", self.service));
        let mut url = Url::parse(&format!("{}{path}", self.base)).map_err(wrong)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let authorization = match &self.credential {
            Credential::Header(value) => value.clone(),
            Credential::OAuth1(signer) => signer.authorization(&method, &url, &[])?,
        };
        let mut headers = HeaderMap::from_iter([
            (AUTHORIZATION, authorization),
            (ACCEPT, self.accept.clone()),
        ]);
        let body = match body {
            None => Bytes::new(),
            Some(body) => {
                headers.insert(CONTENT_TYPE, JSON);
                Bytes::from(body.to_string())
            }
        };
        let outgoing = Outgoing {
            method,
            url: url.into(),
            headers,
            body,
        };
        let deadline = self.deadline.min(Instant::now() + self.patience);
        send(&self.client, self.service, outgoing, deadline, 1).await
    }

    fn json(&self, body: &[u8]) -> Result<Value> {
        serde_json::from_slice(body).map_err(|_| self.unexpected("JSON"))
    }

    /// What is said of an answer that is something else than `expected`.
    pub(crate) fn unexpected(&self, expected: &str) -> HostError {
        let text = format!(
            "The {} API answered with something else than {expected}",
            self.service
        );
        tracing::warn!("{text}");
        HostError::Failed(text)
    }
}

/// Posts a form to an address that gives tokens. Codes count once, so it is sent once; but as long as there is no connection it
/// is tried again, within the time that everything together has.
pub(crate) async fn post_form(
    client: &Client,
    service: &'static str,
    url: &str,
    form: &[(&str, &str)],
    authorization: Option<HeaderValue>,
) -> Result<Answer> {
    let encoded = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    let mut outgoing = Outgoing::post(url, media_type, encoded).header(ACCEPT, JSON);
    if let Some(value) = authorization {
        let name: HeaderName = AUTHORIZATION;
        outgoing = outgoing.header(name, value);
    }
    let deadline = Instant::now() + PATIENCE;
    send(client, service, outgoing, deadline, CONNECTS).await
}

/// Sends a request once, with so many attempts to get a connection, and makes an error of an answer that has no 2xx status.
async fn send(
    client: &Client,
    service: &'static str,
    outgoing: Outgoing,
    deadline: Instant,
    connects: usize,
) -> Result<Answer> {
    let mut attempt = 1;
    let sent = loop {
        let sent = tokio::time::timeout_at(deadline, client.send(outgoing.clone())).await;
        match &sent {
            Ok(Err(error)) if error.is_unsent() && attempt < connects => {
                tracing::info!(%error, attempt, "no connection to the {service} API");
                attempt += 1;
                sleep_until(deadline.min(Instant::now() + PAUSE)).await;
            }
            _ => break sent,
        }
    };
    let answer = match sent {
        Ok(Ok(answer)) => answer,
        Ok(Err(pierhead_client::Error::TimedOut { .. })) | Err(_) => {
            let text = format!("Request to the {service} API timed out");
            tracing::warn!("{text}");
            return Err(HostError::Failed(text));
        }
        Ok(Err(error)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a request to the {service} API failed"
            );
            let text = format!("Request to the {service} API failed. The registry's log says why.");
            return Err(HostError::Failed(text));
        }
    };
    if answer.status.is_success() {
        return Ok(answer);
    }
    let (told, first_error) = told(&answer.body);
    tracing::debug!(
        status = answer.status.as_u16(),
        url = answer.url,
        "the {service} API refused"
    );
    Err(HostError::Answered {
        service,
        status: answer.status,
        told,
        first_error,
    })
}

/// What a service says about a refusal: its message, and the first of its errors.
fn told(body: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return (None, None);
    };
    let printable = |told: &str| {
        let printable = told.chars().filter(|char| !char.is_control());
        printable.take(LONGEST_TOLD).collect()
    };
    let first = body.get("errors").and_then(|errors| errors.get(0));
    let told = text(&body, "error.message").or_else(|| text(&body, "message"));
    let first = first.and_then(|error| text(error, "message"));
    (told.map(printable), first.map(printable))
}

/// `/` and the segments, each encoded; `None` when one would not be a segment.
pub(crate) fn path(segments: &[&str]) -> Option<String> {
    let mut path = String::new();
    for segment in segments {
        if matches!(*segment, "" | "." | "..") {
            return None;
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    Some(path)
}

#[cfg(test)]
mod tests;
