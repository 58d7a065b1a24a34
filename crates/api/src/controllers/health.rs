//! `/health` and its relatives (registry.md §21): for anybody, never refused, never a cached answer. Who operates the registry
//! also sees why something is unhealthy.
//!
//! Left out: `/health/dbrevision`, which Quay has with billing only; checkers other than `LocalHealthCheck`, which ask AWS
//! about its own database service.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use pierhead_http::LoggedPath;
use serde_json::{Map, Value, json};

use super::superuser::CONFIG_PROVIDER;
use super::{NO_CACHE, unknown};
use crate::caller::same_token;
use crate::extract::Path;
use crate::guard::{Anyone, HEALTH_DEBUG, HealthReader};
use crate::health::{Outcome, Report};
use crate::json;
use crate::route::Routes;
use crate::session::Session;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/health", instance)
        .get("/health/instance", instance)
        .get("/health/endtoend", end_to_end)
        .get("/health/enabledebug/{secret}", enable_debug)
        .get("/health/warning", warning)
        .get("/status", end_to_end)
}

/// `GET /health`, `/health/instance`: whether this process can serve.
async fn instance(reader: HealthReader, State(api): State<Api>) -> Response {
    answer(&api, &reader, &api.0.health.instance().await)
}

/// `GET /health/endtoend`, `/status`: whether everything behind the registry works.
async fn end_to_end(reader: HealthReader, State(api): State<Api>) -> Response {
    answer(&api, &reader, &api.0.health.end_to_end().await)
}

/// `GET /health/warning`: what will make this process unhealthy if nobody acts.
async fn warning(reader: HealthReader, State(api): State<Api>) -> Response {
    answer(&api, &reader, &api.0.health.warning().await)
}

/// `GET /health/enabledebug/<secret>`: with `ENABLE_HEALTH_DEBUG_SECRET`, lets this session see details.
async fn enable_debug(
    _: Anyone,
    State(api): State<Api>,
    Path(secret): Path<String>,
    axum::Extension(session): axum::Extension<Session>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let expected = api.config().health.enable_health_debug_secret.as_ref();
    let mut response = if expected.is_some_and(|expected| same_token(expected.expose(), &secret)) {
        session.set(HEALTH_DEBUG, json!(true));
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        let headers = [(CONTENT_TYPE, html), (CACHE_CONTROL, NO_CACHE)];
        (headers, "Health check debug information enabled").into_response()
    } else {
        unknown::path(uri, headers).await
    };
    let logged = LoggedPath("/health/enabledebug/<redacted>");
    response.extensions_mut().insert(logged);
    response
}

fn answer(api: &Api, reader: &HealthReader, report: &Report) -> Response {
    let status = if report.is_healthy() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let services: Map<String, Value> = report
        .services()
        .iter()
        .map(|(name, outcome)| ((*name).to_owned(), json!(outcome.is_healthy())))
        .collect();
    let mut data = json!({ "services": services });
    if reader.sees_details() {
        data["services_expanded"] = expanded(report);
        // Quay's notes are about databases of AWS.
        data["notes"] = json!([]);
        data["is_testing"] = json!(api.config().server.testing);
        data["config_provider"] = json!(CONFIG_PROVIDER);
        data["local_service_key_id"] = json!(api.0.health.service_key_id());
        data["hostname"] = json!(api.0.config.health.machine);
    }
    let body = json!({ "data": data, "status_code": status.as_u16() });
    ([(CACHE_CONTROL, NO_CACHE)], json::compact(status, body)).into_response()
}

/// Each service with why it is unhealthy, or what there is to say of it.
fn expanded(report: &Report) -> Value {
    let services = report.services().iter().map(|(name, outcome)| {
        let mut service = json!({ "status": outcome.is_healthy() });
        match outcome {
            Outcome::Healthy(None) => {}
            Outcome::Healthy(Some(note)) => service["message"] = json!(note),
            Outcome::Unhealthy(reason) => service["failure"] = json!(**reason),
        }
        ((*name).to_owned(), service)
    });
    Value::Object(services.collect())
}
