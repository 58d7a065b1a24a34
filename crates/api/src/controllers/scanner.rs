//! `/secscan` (api-v1.md §6.6): the security scanner tells that there is something new, and anybody may ask how far it is.

use axum::extract::Request;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use pierhead_config::Config;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::extract;
use crate::guard::Anyone;
use crate::json;
use crate::route::{Route, Routes};
use crate::services::scanner;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    let notification = Route::page(Method::POST, "/secscan/notification", notification);
    let status = Route::page(Method::GET, "/secscan/_backfill_status", backfill_status);
    Routes::pages()
        .add(notification.when(|config| {
            is_served(config)
                && config.scanner.feature_security_scanner
                && config.scanner.feature_security_notifications
        }))
        .add(status.when(is_served))
}

/// As in Quay, nothing for the scanner is served while an account is recovered.
fn is_served(config: &Config) -> bool {
    !config.users.account_recovery_mode
}

/// `POST /secscan/notification`: Clair has something to tell. The body is JSON, whatever its type says.
async fn notification(_: Anyone, State(api): State<Api>, request: Request) -> Result<&'static str> {
    let (parts, body) = request.into_parts();
    let authorization = parts.headers.get(AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    if !scanner::is_scanner(&api, authorization.unwrap_or_default()) {
        return Err(Error::Page {
            status: StatusCode::UNAUTHORIZED,
            text: "The token is missing or not signed with SECURITY_SCANNER_V4_PSK",
        });
    }
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let told = extract::read(body).await.map_err(|error| match error {
        Error::Message { status, .. } if status == StatusCode::BAD_REQUEST => {
            Error::not_understood()
        }
        other => other,
    })?;
    let (Some(Value::String(id)), Some(_)) = (told.get("notification_id"), told.get("callback"))
    else {
        return Err(Error::not_understood());
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
