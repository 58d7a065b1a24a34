//! `…/referrers/<digest>`.

use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pierhead_db::ManifestId;
use pierhead_oci::media_type::OCI_INDEX;
use serde_json::json;

use crate::error::{Code, Error, Result, insert};
use crate::guard::Admitted;
use crate::handlers::manifests::digest;
use crate::handlers::query;
use crate::router::Call;
use crate::service::referrers::Referrers;
use crate::state::Registry;

/// `GET`: an image index of what refers to the digest; empty if nothing does or nothing has that digest.
pub(crate) async fn list(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
) -> Result<Response> {
    if !registry.config.referrers_api {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    let subject = digest(call.target)?;
    let artifact_type =
        query::value(call.query, "artifactType").filter(|wanted| !wanted.is_empty());
    let last = match query::value(call.query, "last").map(|last| last.parse::<i32>()) {
        None => ManifestId(0),
        Some(Ok(last)) => ManifestId(last),
        Some(Err(_)) => {
            return Err(Error::saying(
                Code::INVALID_REQUEST,
                "`last` is not from a Link of this registry",
            ));
        }
    };
    let page = match &caller.access.repository {
        None => Referrers::default(),
        Some(repository) => {
            registry
                .referrers(repository.id, subject, artifact_type.as_deref(), last)
                .await?
        }
    };
    let index = json!({
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": page.descriptors,
    });
    let mut response = (StatusCode::OK, index.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(OCI_INDEX));
    if artifact_type.is_some() {
        headers.insert(
            "oci-filters-applied",
            HeaderValue::from_static("artifactType"),
        );
    }
    if let Some(next) = page.next {
        let filter = artifact_type.map_or_else(String::new, |wanted| {
            format!(
                "&artifactType={}",
                utf8_percent_encode(&wanted, NON_ALPHANUMERIC)
            )
        });
        let name = call.name;
        insert(
            headers,
            LINK,
            &format!("</v2/{name}/referrers/{subject}?last={next}{filter}>; rel=\"next\""),
        );
    }
    Ok(response)
}
