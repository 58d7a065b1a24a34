//! `/secscan` (api-v1.md §6.6): the security scanner tells that there is something new, and anybody may ask how far it is.

use axum::extract::Request;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::error::{Error, NOT_UNDERSTOOD, Result};
use crate::extract;
use crate::guard::Anyone;
use crate::json;
use crate::route::{Route, Routes};
use crate::services::scanner;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    let notification = Route::page(Method::POST, "/secscan/notification", notification);
    Routes::pages()
        .add(notification.when(|config| {
            config.scanner.feature_security_scanner && config.scanner.feature_security_notifications
        }))
        .get("/secscan/_backfill_status", backfill_status)
}

/// `POST /secscan/notification`: Clair has something to tell. The body is JSON, whatever its type says.
async fn notification(_: Anyone, State(api): State<Api>, request: Request) -> Result<&'static str> {
    let (parts, body) = request.into_parts();
    let authorization = parts.headers.get(AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    if !scanner::is_scanner(&api, authorization.unwrap_or_default()) {
        let text = "The token is missing or not signed with SECURITY_SCANNER_V4_PSK";
        return Err(Error::web(StatusCode::UNAUTHORIZED, text));
    }
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let told = extract::read(body).await?;
    let (Some(id), true) = (told.get("notification_id"), told.get("callback").is_some()) else {
        return Err(Error::web(StatusCode::BAD_REQUEST, NOT_UNDERSTOOD));
    };
    let Value::String(id) = id else {
        return Err(Error::web(StatusCode::BAD_REQUEST, NOT_UNDERSTOOD));
    };
    scanner::enqueue(&api, id).await?;
    Ok("Okay")
}

/// `GET /secscan/_backfill_status`: how many of the manifests a scanner has looked at.
async fn backfill_status(_: Anyone, State(api): State<Api>) -> Result<Response> {
    let backfill_percent = api.backfill().percent(api.db()).await?;
    let status = json!({ "backfill_percent": backfill_percent });
    Ok(json::compact(StatusCode::OK, status))
}
