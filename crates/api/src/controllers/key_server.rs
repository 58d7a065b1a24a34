//! `/keys/services`: the key server (api-v1.md §6.4), for reading.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::error::{Error, Result};
use crate::guard::Anyone;
use crate::json;
use crate::key_server::{self, Lookup};
use crate::route::Routes;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/keys/services/{service}/keys", list)
        .get("/keys/services/{service}/keys/{kid}", get)
}

/// `GET /keys/services/{service}/keys`.
async fn list(_: Anyone, State(api): State<Api>, Path(service): Path<String>) -> Result<Response> {
    let keys = key_server::list(&api.0.db, &service, api.0.clock.now_naive()).await?;
    Ok(json::compact(StatusCode::OK, json!({ "keys": keys })))
}

/// `GET /keys/services/{service}/keys/{kid}`.
async fn get(
    _: Anyone,
    State(api): State<Api>,
    Path((service, kid)): Path<(String, String)>,
) -> Result<Response> {
    let refused = |status, error: &str| Err(Error::web(status, error));
    match key_server::look_up(&api.0.db, &service, &kid, api.0.clock.now_naive()).await? {
        Lookup::Unknown => refused(StatusCode::NOT_FOUND, "Not Found"),
        Lookup::Unapproved => refused(StatusCode::CONFLICT, "The key is not approved"),
        Lookup::Expired => refused(StatusCode::FORBIDDEN, "The key has expired"),
        Lookup::Alive { jwk, max_age } => {
            let cache = format!("public, max-age={max_age}");
            let answer = json::compact(StatusCode::OK, jwk.into());
            Ok(([(CACHE_CONTROL, cache)], answer).into_response())
        }
    }
}

#[cfg(test)]
mod tests;
