//! `…/tags/list`.

use axum::http::StatusCode;
use axum::http::header::LINK;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::error::{Code, Result, answer, insert};
use crate::guard::Admitted;
use crate::handlers::query;
use crate::router::Call;
use crate::state::Registry;

/// `GET`: a page of tags in the order of their bytes, with a `Link` to the next one.
pub(crate) async fn list(
    registry: &Registry,
    call: &Call<'_>,
    caller: &Admitted,
) -> Result<Response> {
    let repository = caller.repository()?;
    let name = &repository.name;
    let most = registry.config.page_size;
    // Quay: no number is the default, and a negative one is none at all.
    let limit = match query::value(call.query, "n").map(|n| n.parse::<i64>()) {
        Some(Ok(n)) => u64::try_from(n).unwrap_or_default().min(most),
        _ => most,
    };
    let last = query::value(call.query, "last").unwrap_or_default();
    if last.len() > 1024 {
        return Err(Code::TAG_INVALID.into());
    }
    let (tags, more) = registry
        .list_tags(repository.id, last.trim(), limit as usize)
        .await?;
    let mut response = answer(
        StatusCode::OK,
        &json!({ "name": name.to_string(), "tags": tags }),
    );
    if let Some(last) = tags.last().filter(|_| more) {
        let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
        insert(
            response.headers_mut(),
            LINK,
            &format!("</v2/{name}/tags/list?n={limit}&last={last}>; rel=\"next\""),
        );
    }
    Ok(response)
}
