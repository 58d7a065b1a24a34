//! `…/manifests/<reference>`.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT};
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Limited};
use pierhead_oci::{Digest, Reference, ReferenceError, Tag};

use crate::audit::Event;
use crate::error::{Code, Error, Result, insert};
use crate::guard::Admitted;
use crate::handlers::query;
use crate::router::Call;
use crate::service::push::PushRequest;
use crate::state::Registry;

/// `Docker-Content-Digest`.
pub(crate) const DOCKER_CONTENT_DIGEST: HeaderName =
    HeaderName::from_static("docker-content-digest");
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

/// `GET` and `HEAD`: the bytes as pushed.
///
/// The stored type is served whatever `Accept` says, as the OCI specification has it; Quay converts to schema 1, which no
/// client of today reads. An index is served to a client that accepts only the type of its children, too: clients that
/// matter accept indexes.
pub(crate) async fn pull(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
) -> Result<Response> {
    let repository = caller.repository()?;
    let (manifest, tag) = match reference(call.target)? {
        Reference::Tag(tag) => {
            let manifest = registry
                .manifest_by_tag(repository.id, tag.as_str())
                .await?;
            (manifest, Some(tag))
        }
        Reference::Digest(digest) => (
            registry.manifest_by_digest(repository.id, digest).await?,
            None,
        ),
    };
    if call.method == Method::GET {
        let event = call.event(caller)?;
        let entry = event.pull(
            registry,
            tag.as_ref().map(Tag::as_str),
            manifest.digest_header.to_str().unwrap_or_default(),
            manifest.content_type.to_str().unwrap_or_default(),
        );
        registry.record(entry).await?;
        event.announce(registry, "pull_repo");
        if let Some(counts) = &registry.pull_counts {
            let tag = tag.as_ref().map(Tag::as_str);
            counts.count(repository.id, tag, manifest.digest, registry.clock.utc());
        }
    }
    let mut response = Response::new(Body::from(manifest.bytes.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, manifest.content_type.clone());
    headers.insert(DOCKER_CONTENT_DIGEST, manifest.digest_header.clone());
    headers.insert(CONTENT_LENGTH, HeaderValue::from(manifest.bytes.len()));
    Ok(response)
}

/// `PUT`.
pub(crate) async fn push(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
    body: Body,
) -> Result<Response> {
    let repository = caller.repository()?;
    let reference = reference(call.target)?;
    let tags = query::values(call.query, "tag")
        .map(|tag| {
            Tag::parse(&tag).map_err(|error| Error::saying(Code::TAG_INVALID, error.to_string()))
        })
        .collect::<Result<Vec<_>>>()?;
    let content_type = call
        .headers
        .get(CONTENT_TYPE)
        .map(|value| {
            value
                .to_str()
                .map_err(|_| Error::detailed(Code::MANIFEST_UNSUPPORTED, "malformed Content-Type"))
        })
        .transpose()?;
    let bytes = read_body(body, registry.config.manifest_limits.max_bytes).await?;
    let event = call.event(caller)?;
    let request = PushRequest {
        repository,
        reference: reference.clone(),
        tags: tags.clone(),
        content_type,
        bytes,
    };
    let pushed = registry.push_manifest(request, &event).await?;
    registry.measures.pushed(pushed.media_type);
    for _ in 0..pushed.tags {
        event.announce(registry, "push_repo");
    }
    let digest = pushed.digest.to_string();
    let mut response = (StatusCode::CREATED, "OK").into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    let (base, name) = (registry.config.base_url(), &repository.name);
    insert(
        headers,
        LOCATION,
        &format!("{base}/v2/{name}/manifests/{digest}"),
    );
    insert(headers, DOCKER_CONTENT_DIGEST, &digest);
    if let Some(subject) = pushed.subject {
        insert(headers, OCI_SUBJECT, &subject.to_string());
    }
    if matches!(reference, Reference::Digest(_)) {
        for tag in tags {
            if let Ok(value) = HeaderValue::from_str(tag.as_str()) {
                headers.append(OCI_TAG, value);
            }
        }
    }
    Ok(response)
}

/// `DELETE`.
pub(crate) async fn delete(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
) -> Result<Response> {
    let repository = caller.repository()?;
    let ended = match reference(call.target)? {
        Reference::Tag(tag) => registry.delete_tag(repository.id, tag.as_str()).await?,
        Reference::Digest(digest) => registry.delete_manifest(repository.id, digest).await?,
    };
    let event = call.event(caller)?;
    for tag in ended {
        let entry = event.delete(registry, &tag.name, &tag.digest);
        registry.record(entry).await?;
        event.announce(registry, "delete_tag");
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

fn reference(text: &str) -> Result<Reference> {
    Reference::parse(text).map_err(|error| match error {
        ReferenceError::Digest(error) => Error::detailed(Code::DIGEST_INVALID, error.to_string()),
        ReferenceError::Tag(error) => Error::saying(Code::TAG_INVALID, error.to_string()),
    })
}

/// The digest of a path.
pub(crate) fn digest(text: &str) -> Result<Digest> {
    Digest::parse(text).map_err(|error| Error::detailed(Code::DIGEST_INVALID, error.to_string()))
}

async fn read_body(body: Body, limit: usize) -> Result<Bytes> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Error::detailed(
            Code::MANIFEST_TOO_LARGE,
            format!("a manifest may have at most {limit} bytes"),
        )),
        Err(error) => Err(Error::Body(error.to_string())),
    }
}

impl Call<'_> {
    /// What the audit log needs to know of this request.
    pub(crate) fn event(&self, caller: &Admitted) -> Result<Event> {
        Ok(Event {
            repository: caller.repository()?.clone(),
            bearer: caller.bearer.clone(),
            ip: self.peer,
            user_agent: self.headers.get(USER_AGENT).cloned(),
        })
    }
}
