//! `/health` and its relatives (registry.md §21): no credentials, no secrets, never a cached answer.
//!
//! Left out: the details that Quay shows after `/health/enabledebug/<secret>` and to superusers, because there are no web
//! sessions yet; `/health/dbrevision`, which Quay has with billing only; checkers other than `LocalHealthCheck`, which ask
//! AWS about its own database service.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::NO_CACHE;
use crate::guard::Anyone;
use crate::health::Report;
use crate::json;
use crate::route::Routes;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/health", instance)
        .get("/health/instance", instance)
        .get("/health/endtoend", end_to_end)
        .get("/health/warning", warning)
        .get("/status", end_to_end)
}

/// `GET /health`, `/health/instance`: whether this process can serve.
async fn instance(_: Anyone, State(api): State<Api>) -> Response {
    answer(&api.0.health.instance().await)
}

/// `GET /health/endtoend`, `/status`: whether everything behind the registry works.
async fn end_to_end(_: Anyone, State(api): State<Api>) -> Response {
    answer(&api.0.health.end_to_end().await)
}

/// `GET /health/warning`: what will make this process unhealthy if nobody acts.
async fn warning(_: Anyone, State(api): State<Api>) -> Response {
    answer(&api.0.health.warning().await)
}

fn answer(report: &Report) -> Response {
    let status = if report.is_healthy() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({
        "data": { "services": report.services() },
        "status_code": status.as_u16(),
    });
    ([(CACHE_CONTROL, NO_CACHE)], json::compact(status, body)).into_response()
}
