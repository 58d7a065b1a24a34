//! `…/blobs/uploads/`.

use std::time::Instant;

use axum::body::Body;
use axum::http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue, LOCATION, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use pierhead_oci::range::UploadedRange;
use pierhead_oci::{ContentRange, Digest, RepositoryName};
use pierhead_storage::UploadName;

use crate::error::{Code, DOCKER_UPLOAD_UUID, Error, Result, insert};
use crate::guard::Admitted;
use crate::handlers::manifests::{DOCKER_CONTENT_DIGEST, digest};
use crate::handlers::query;
use crate::router::Call;
use crate::service::uploads::Receiving;
use crate::state::Registry;

/// `POST`: mounts (`mount`, `from`), pushes at once (`digest`), or begins a session.
pub(crate) async fn start(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
    body: Body,
) -> Result<Response> {
    let repository = caller.repository()?;
    if let Some(wanted) = query::value(call.query, "mount") {
        let wanted = digest(&wanted)?;
        if mount(registry, call, caller, wanted).await? {
            return Ok(created(registry, &repository.name, wanted));
        }
    } else if let Some(wanted) = query::value(call.query, "digest") {
        let wanted = digest(&wanted)?;
        let receiving = registry.receive_whole(wanted.algorithm()).await?;
        let receiving = receive(registry, receiving, body, None).await?;
        registry
            .finish_upload(repository.id, receiving, wanted)
            .await?;
        return Ok(created(registry, &repository.name, wanted));
    }
    let name = registry
        .start_upload(repository.id, &caller.owner())
        .await?;
    Ok(progress(
        registry,
        &repository.name,
        &name,
        0,
        StatusCode::ACCEPTED,
    ))
}

/// Links the blob from the repository that `from` names, or from any that the caller may read.
async fn mount(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
    wanted: Digest,
) -> Result<bool> {
    let target = caller.repository()?.id;
    let sources = match query::value(call.query, "from") {
        Some(from) => match RepositoryName::parse(&from, &registry.config.names) {
            Ok(name) => Vec::from_iter(registry.auth.readable(&caller.bearer, &name).await?),
            Err(_) => Vec::new(),
        },
        None => registry.readable_holders(&caller.bearer, wanted).await?,
    };
    for source in sources {
        if registry.mount_blob(target, source.id, wanted).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `GET`: how far it is.
pub(crate) async fn status(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
) -> Result<Response> {
    let repository = caller.repository()?;
    let session = registry
        .find_upload(repository.id, &caller.owner(), call.target)
        .await?;
    Ok(progress(
        registry,
        &repository.name,
        &session.name,
        session.received,
        StatusCode::NO_CONTENT,
    ))
}

/// `PATCH`: the next bytes.
pub(crate) async fn append(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
    body: Body,
) -> Result<Response> {
    let repository = caller.repository()?;
    let range = content_range(call.headers)?;
    let session = registry
        .find_upload(repository.id, &caller.owner(), call.target)
        .await?;
    let name = session.name.clone();
    let location = upload_location(registry, &repository.name, &name);
    let receiving = registry
        .receive_chunk(repository.id, session, range, &location, None)
        .await?;
    let receiving = receive(registry, receiving, body, range).await?;
    let received = registry.acknowledge_chunk(receiving).await?;
    Ok(progress(
        registry,
        &repository.name,
        &name,
        received,
        StatusCode::ACCEPTED,
    ))
}

/// `PUT`: the last bytes, if any, and the digest of all.
pub(crate) async fn finish(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
    body: Body,
) -> Result<Response> {
    let repository = caller.repository()?;
    let wanted = query::value(call.query, "digest").ok_or_else(|| {
        Error::Refused(Box::new(crate::error::Refusal {
            code: Code::BLOB_UPLOAD_INVALID,
            message: None,
            detail: serde_json::json!({"reason": "Missing digest arg on monolithic upload"}),
            retry_after: None,
        }))
    })?;
    let wanted = digest(&wanted)?;
    let range = content_range(call.headers)?;
    let session = registry
        .find_upload(repository.id, &caller.owner(), call.target)
        .await?;
    let location = upload_location(registry, &repository.name, &session.name);
    let receiving = registry
        .receive_chunk(
            repository.id,
            session,
            range,
            &location,
            Some(wanted.algorithm()),
        )
        .await?;
    let receiving = receive(registry, receiving, body, range).await?;
    registry
        .finish_upload(repository.id, receiving, wanted)
        .await?;
    Ok(created(registry, &repository.name, wanted))
}

/// `DELETE`.
pub(crate) async fn cancel(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
) -> Result<Response> {
    let repository = caller.repository()?;
    let session = registry
        .find_upload(repository.id, &caller.owner(), call.target)
        .await?;
    registry.cancel_upload(session).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Moves the body into the upload. A body that ends early, or that is not as long as its `Content-Range`, changes nothing.
async fn receive(
    registry: &Registry,
    mut receiving: Receiving,
    body: Body,
    range: Option<ContentRange>,
) -> Result<Receiving> {
    match move_body(registry, &mut receiving, body, range).await {
        Ok(()) => Ok(receiving),
        Err(error) => {
            registry.abandon(receiving).await;
            Err(error)
        }
    }
}

async fn move_body(
    registry: &Registry,
    receiving: &mut Receiving,
    mut body: Body,
    range: Option<ContentRange>,
) -> Result<()> {
    let began = Instant::now();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Error::Body(error.to_string()))?;
        if let Ok(bytes) = frame.into_data() {
            length += bytes.len() as u64;
            receiving.push(bytes).await?;
        }
    }
    registry.measures.blob_received(length);
    if length > 0 {
        let location = receiving.location();
        registry.measures.chunk_stored(location, began.elapsed());
    }
    match range {
        Some(range) if range.len() != length => Err(Error::saying(
            Code::SIZE_INVALID,
            format!(
                "Content-Range announces {} bytes, the body has {length}",
                range.len()
            ),
        )),
        _ => Ok(()),
    }
}

fn content_range(headers: &HeaderMap) -> Result<Option<ContentRange>> {
    let Some(value) = headers.get(CONTENT_RANGE) else {
        return Ok(None);
    };
    let malformed = || {
        Error::saying(
            Code::INVALID_REQUEST,
            "Content-Range is not `<first>-<last>`",
        )
    };
    let text = value.to_str().map_err(|_| malformed())?;
    ContentRange::parse(text).map(Some).map_err(|_| malformed())
}

fn upload_location(registry: &Registry, name: &RepositoryName, upload: &UploadName) -> String {
    let base = registry.config.base_url();
    format!("{base}/v2/{name}/blobs/uploads/{upload}")
}

fn progress(
    registry: &Registry,
    name: &RepositoryName,
    upload: &UploadName,
    received: u64,
    status: StatusCode,
) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    insert(headers, LOCATION, &upload_location(registry, name, upload));
    insert(headers, RANGE, &UploadedRange { received }.to_string());
    insert(headers, DOCKER_UPLOAD_UUID, upload.as_str());
    response
}

fn created(registry: &Registry, name: &RepositoryName, digest: Digest) -> Response {
    let mut response = StatusCode::CREATED.into_response();
    let headers = response.headers_mut();
    let base = registry.config.base_url();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    insert(
        headers,
        LOCATION,
        &format!("{base}/v2/{name}/blobs/{digest}"),
    );
    insert(headers, DOCKER_CONTENT_DIGEST, &digest.to_string());
    response
}
