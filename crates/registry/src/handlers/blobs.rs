//! `…/blobs/<digest>`.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_http::FileSlice;
use pierhead_oci::BlobRange;

use crate::error::{Code, Result, answer, body, insert};
use crate::guard::Admitted;
use crate::handlers::manifests::{DOCKER_CONTENT_DIGEST, digest};
use crate::router::Call;
use crate::service::blobs::BlobContent;
use crate::state::Registry;

/// `GET` and `HEAD`, with ranges.
pub(crate) async fn pull(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
) -> Result<Response> {
    let repository = caller.repository()?;
    let digest = digest(call.target)?;
    let blob = registry
        .find_blob(repository.id, digest)
        .await?
        .ok_or(Code::BLOB_UNKNOWN)?;
    let is_head = call.method == Method::HEAD;
    let (size, content) = match blob.size {
        Some(size) if is_head => (size, None),
        _ => {
            let content = registry.open_blob(&blob, digest).await?;
            (content.size(), Some(content))
        }
    };
    let range = match call.headers.get(RANGE).map(HeaderValue::to_str) {
        Some(Ok(range)) if !is_head => BlobRange::parse(range, size),
        _ => BlobRange::Whole,
    };
    let (status, start, length) = match &range {
        BlobRange::Whole => (StatusCode::OK, 0, size),
        BlobRange::Part(part) => (StatusCode::PARTIAL_CONTENT, part.start, part.len()),
        BlobRange::Unsatisfiable => {
            let mut response = answer(
                StatusCode::RANGE_NOT_SATISFIABLE,
                &body(
                    "RANGE_INVALID",
                    &format!("the blob has {size} bytes"),
                    &serde_json::json!({}),
                ),
            );
            insert(
                response.headers_mut(),
                CONTENT_RANGE,
                &format!("bytes */{size}"),
            );
            return Ok(response);
        }
    };
    if !is_head {
        registry.measures.blob_pulled(length);
    }
    let body = match content {
        None => Body::empty(),
        Some(_) if is_head => Body::empty(),
        Some(BlobContent::Memory(bytes)) => {
            Body::from(bytes.slice(start as usize..(start + length) as usize))
        }
        Some(BlobContent::File(file, _)) => FileSlice::new(file, start, length).into_body(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=31536000"));
    insert(headers, DOCKER_CONTENT_DIGEST, &digest.to_string());
    if let BlobRange::Part(part) = range {
        insert(headers, CONTENT_RANGE, &part.content_range(size));
    }
    Ok(response)
}

/// `DELETE`: takes the blob away from this repository.
pub(crate) async fn delete(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
) -> Result<Response> {
    let repository = caller.repository()?;
    registry
        .delete_blob(repository.id, digest(call.target)?)
        .await?;
    Ok(StatusCode::ACCEPTED.into_response())
}
