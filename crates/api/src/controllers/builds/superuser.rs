//! Builds of any repository, for superusers (api-v1.md §5.22).

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::{BuildLogView, LogStart};
use crate::error::{Error, ErrorType, Result};
use crate::extract::{Path, Query};
use crate::guard::{Fresh, SuperuserOnly};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::builds::{self, Shown, Sight};
use crate::services::stored_files;
use crate::state::Api;
use crate::views::build::BuildView;

/// The routes of superusers.
pub(super) fn routes() -> Routes {
    Routes::tagged("superuser")
        .add(route!(build_logs).when(|config| config.users.feature_super_users))
        .add(route!(build_logs_archive).when(|config| config.users.feature_super_users))
        .add(route!(build_status).when(|config| config.users.feature_super_users))
        .add(route!(build).when(|config| config.users.feature_super_users))
}

fn invalid_response(text: String) -> Error {
    Error::exception(ErrorType::InvalidResponse, StatusCode::BAD_REQUEST, text)
}

fn unknown(uuid: &str) -> Error {
    invalid_response(format!("Unable to locate a build by id: {uuid}"))
}

async fn view(api: &Api, guard: &SuperuserOnly, shown: Shown) -> Result<BuildView> {
    let (namespace, name) = (&shown.build.namespace, &shown.build.name);
    let sight = Sight::of(api, guard.caller(), namespace, name).await?;
    Ok(BuildView::new(api, shown, sight))
}

/// A build's log.
#[utoipa::path(get, path = "/api/v1/superuser/{build_uuid}/logs", operation_id = "getRepoBuildLogsSuperUser",
    params(("build_uuid" = String, Path, description = "The build"), LogStart),
    responses((status = 200, body = BuildLogView, description = "The log, or where it lies")))]
pub(crate) async fn build_logs(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(build_uuid): Path<String>,
    Query(from): Query<LogStart>,
) -> Result<Json<BuildLogView>> {
    let found = builds::find_anywhere(&api, &build_uuid).await?;
    let build = found.ok_or_else(|| unknown(&build_uuid))?;
    let logs = builds::logs(&api, &build, from.start.unwrap_or_default());
    Ok(Json(logs.into()))
}

/// A build's log from the archive.
#[utoipa::path(get, path = "/api/v1/superuser/{build_uuid}/logs/archive",
    operation_id = "getRepoBuildLogsArchiveSuperUser", params(("build_uuid" = String, Path, description = "The build")),
    responses((status = 200, description = "The log")))]
pub(crate) async fn build_logs_archive(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(build_uuid): Path<String>,
) -> Result<Response> {
    let found = builds::find_anywhere(&api, &build_uuid).await?;
    found.ok_or_else(|| unknown(&build_uuid))?;
    let log = stored_files::build_log(&api, &build_uuid).await?;
    let log = log.ok_or_else(|| invalid_response("Archived logs not available".to_owned()))?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, json)], log).into_response())
}

/// How far a build is.
#[utoipa::path(get, path = "/api/v1/superuser/{build_uuid}/status", operation_id = "getRepoBuildStatusSuperUser",
    params(("build_uuid" = String, Path, description = "The build")),
    responses((status = 200, body = BuildView, description = "The build")))]
pub(crate) async fn build_status(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(build_uuid): Path<String>,
) -> Result<Json<BuildView>> {
    let found = builds::find_anywhere(&api, &build_uuid).await?;
    let build = found.ok_or_else(|| unknown(&build_uuid))?;
    Ok(Json(view(&api, &guard, build).await?))
}

/// One build.
#[utoipa::path(get, path = "/api/v1/superuser/{build_uuid}/build", operation_id = "getRepoBuildSuperUser",
    params(("build_uuid" = String, Path, description = "The build")),
    responses((status = 200, body = BuildView, description = "The build")))]
pub(crate) async fn build(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(build_uuid): Path<String>,
) -> Result<Json<BuildView>> {
    let found = builds::find_anywhere(&api, &build_uuid).await?;
    let build = found.ok_or_else(Error::not_found)?;
    Ok(Json(view(&api, &guard, build).await?))
}
