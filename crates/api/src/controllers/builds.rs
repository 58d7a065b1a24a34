//! Builds of a repository (api-v1.md §5.18).

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use chrono::{DateTime, NaiveDateTime};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::dates;
use crate::error::{Error, Result};
use crate::extract::{Body, Path, Query, body};
use crate::guard::{
    Admin, AllSuperusers, AnyScope, InRepository, Normal, Read, SignedIn, Superusers, Write,
};
use crate::json::{self, Json};
use crate::route::{Routes, route};
use crate::services::builds::{self, BuildLogs, BuildRequest, Sight, Start};
use crate::services::{notifications, stored_files};
use crate::state::Api;
use crate::views::build::BuildView;

mod files;
mod superuser;

/// Builds of an answer if nobody says how many.
const USUAL: i64 = 5;

/// The routes of this domain.
pub(crate) fn routes() -> Routes {
    Routes::tagged("build")
        .add(route!(get_repo_builds))
        .add(route!(request_repo_build))
        .add(route!(get_repo_build))
        .add(route!(cancel_repo_build))
        .add(route!(get_repo_build_status))
        .add(route!(get_repo_build_logs))
        .add(route!(get_filedrop_url).internal())
        .merge(superuser::routes())
        .merge(files::routes())
}

/// Which builds are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct BuildList {
    /// At most how many; 5 if it is missing, and never more than 100.
    limit: Option<i64>,
    /// Only builds since then, in seconds since 1970.
    since: Option<i64>,
}

/// Builds, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Builds {
    pub(super) builds: Vec<BuildView>,
}

/// A build to request: of an uploaded context, or of an archive that is fetched.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RepositoryBuildRequest {
    /// The id of an uploaded build context.
    #[serde(default, deserialize_with = "body::present")]
    file_id: Option<String>,
    /// The URL of a `.tar.gz`.
    #[serde(default, deserialize_with = "body::present")]
    archive_url: Option<String>,
    /// The folder of the Dockerfile.
    #[serde(default, deserialize_with = "body::present")]
    subdirectory: Option<String>,
    /// The Dockerfile, instead of its folder.
    #[serde(default, deserialize_with = "body::present")]
    dockerfile_path: Option<String>,
    /// The folder that is built; that of the Dockerfile if it is missing.
    #[serde(default, deserialize_with = "body::present")]
    context: Option<String>,
    /// The robot that pulls base images.
    #[serde(default, deserialize_with = "body::present")]
    pull_robot: Option<String>,
    /// The tags that the image gets; `latest` if they are missing.
    #[serde(default, deserialize_with = "body::present")]
    docker_tags: Option<Vec<String>>,
}

/// A build of a path.
#[derive(Debug, Deserialize)]
pub(crate) struct OneBuild {
    pub(super) build_uuid: String,
}

/// Where a build's log begins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogStart {
    /// The first line.
    start: Option<i64>,
}

/// A part of a build's log, or where it lies.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum BuildLogView {
    /// It lies in the archive.
    Archived {
        /// Where to fetch it.
        logs_url: String,
    },
    /// It is being written.
    Running {
        /// The first line.
        start: i64,
        /// How many lines there are.
        total: i64,
        /// The lines.
        #[schema(value_type = Vec<Object>)]
        logs: Vec<Value>,
    },
}

impl From<BuildLogs> for BuildLogView {
    fn from(logs: BuildLogs) -> Self {
        match logs {
            BuildLogs::Archived { url } => Self::Archived { logs_url: url },
            BuildLogs::Running { start } => Self::Running {
                start,
                total: 0,
                logs: Vec::new(),
            },
        }
    }
}

/// A file that somebody wants to upload.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FileDropRequest {
    /// Its media type.
    #[serde(rename = "mimeType")]
    _mime_type: String,
}

/// Where a file may be uploaded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileDrop {
    /// A URL for one PUT.
    url: String,
    /// The id of the file from then on.
    file_id: String,
}

async fn sight<R, X>(api: &Api, guard: &InRepository<R, X>) -> Result<Sight>
where
    R: crate::guard::RepositoryRole,
    X: crate::guard::Elevated,
{
    let name = guard.name();
    Sight::of(api, guard.caller(), name.namespace(), name.repository()).await
}

/// A repository's builds.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/build/", operation_id = "getRepoBuilds",
    params(("repository" = String, Path, description = "Namespace and name of the repository"), BuildList),
    responses((status = 200, body = Builds, description = "The builds, newest first")))]
pub(crate) async fn get_repo_builds(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Query(list): Query<BuildList>,
) -> Result<Json<Builds>> {
    let since = match list.since {
        None => DateTime::UNIX_EPOCH.naive_utc(),
        Some(seconds) => since(seconds)?,
    };
    let limit = list.limit.unwrap_or(USUAL);
    let found = builds::list(&api, guard.repository()?, since, limit).await?;
    let sight = sight(&api, &guard).await?;
    Ok(Json(Builds {
        builds: found
            .into_iter()
            .map(|build| BuildView::new(&api, build, sight))
            .collect(),
    }))
}

fn since(seconds: i64) -> Result<NaiveDateTime> {
    // Years that a database can hold.
    const YEARS: std::ops::RangeInclusive<i64> = -30_000_000_000..=250_000_000_000;
    dates::from_epoch(seconds)
        .filter(|_| YEARS.contains(&seconds))
        .ok_or_else(|| Error::parameter("since", "not a time that anything could have happened at"))
}

/// Requests a build.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/build/", operation_id = "requestRepoBuild",
    params(("repository" = String, Path, description = "Namespace and name of the repository")),
    request_body = RepositoryBuildRequest,
    responses((status = 201, body = BuildView, description = "The build is queued")))]
pub(crate) async fn request_repo_build(
    guard: Normal<InRepository<Write, Superusers>>,
    State(api): State<Api>,
    Body(request): Body<RepositoryBuildRequest>,
) -> Result<Response> {
    let caller = guard.caller();
    let repository = guard.repository()?;
    let request = BuildRequest {
        file_id: request.file_id,
        archive_url: request.archive_url,
        subdirectory: request.subdirectory,
        dockerfile_path: request.dockerfile_path,
        context: request.context,
        pull_robot: request.pull_robot,
        docker_tags: request.docker_tags,
    };
    let (prepared, robot) = builds::prepare(&api, caller, request).await?;
    let who = Start {
        actor: builds::unnamed(caller),
        performer: notifications::performer(caller),
        manual_user: caller.user().map(|user| user.username.clone()),
        robot,
    };
    let uuid = builds::start(&api, repository, prepared, who).await?;
    started(&api, &guard, &uuid).await
}

/// A build that was queued just now, with the address of its status.
pub(super) async fn started<R, X>(
    api: &Api,
    guard: &InRepository<R, X>,
    uuid: &str,
) -> Result<Response>
where
    R: crate::guard::RepositoryRole,
    X: crate::guard::Elevated,
{
    let build = builds::find(api, guard.repository()?, uuid).await?;
    let sight = sight(api, guard).await?;
    let view = BuildView::new(api, build, sight);
    let mut response = json::answer(StatusCode::CREATED, &view);
    let location = format!("/api/v1/repository/{}/build/{uuid}/status", guard.name());
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// One build.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/build/{build_uuid}", operation_id = "getRepoBuild",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("build_uuid" = String, Path, description = "The build")),
    responses((status = 200, body = BuildView, description = "The build")))]
pub(crate) async fn get_repo_build(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Path(OneBuild { build_uuid }): Path<OneBuild>,
) -> Result<Json<BuildView>> {
    let build = builds::find(&api, guard.repository()?, &build_uuid).await?;
    let sight = sight(&api, &guard).await?;
    Ok(Json(BuildView::new(&api, build, sight)))
}

/// Calls off a build that still waits.
#[utoipa::path(delete, path = "/api/v1/repository/{repository}/build/{build_uuid}", operation_id = "cancelRepoBuild",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("build_uuid" = String, Path, description = "The build")),
    responses((status = 201, body = String, description = "The build is called off")))]
pub(crate) async fn cancel_repo_build(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneBuild { build_uuid }): Path<OneBuild>,
) -> Result<json::Created<&'static str>> {
    builds::cancel(&api, guard.caller(), guard.repository()?, build_uuid).await?;
    Ok(json::Created("Okay"))
}

/// How far a build is.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/build/{build_uuid}/status", operation_id = "getRepoBuildStatus",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("build_uuid" = String, Path, description = "The build")),
    responses((status = 200, body = BuildView, description = "The build")))]
pub(crate) async fn get_repo_build_status(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Path(OneBuild { build_uuid }): Path<OneBuild>,
) -> Result<Json<BuildView>> {
    let build = builds::located(&api, guard.repository()?, &build_uuid).await?;
    let sight = sight(&api, &guard).await?;
    Ok(Json(BuildView::new(&api, build, sight)))
}

/// A build's log.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/build/{build_uuid}/logs", operation_id = "getRepoBuildLogs",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("build_uuid" = String, Path, description = "The build"), LogStart),
    responses((status = 200, body = BuildLogView, description = "The log, or where it lies")))]
pub(crate) async fn get_repo_build_logs(
    guard: InRepository<Read, AllSuperusers>,
    State(api): State<Api>,
    Path(OneBuild { build_uuid }): Path<OneBuild>,
    Query(from): Query<LogStart>,
) -> Result<Json<BuildLogView>> {
    let caller = guard.caller();
    let elevated = caller.is_global_readonly() || caller.has_full_access();
    let readers = api.config().builds.feature_reader_build_logs;
    if !readers && !elevated && !sight(&api, &guard).await?.write {
        return Err(Error::unauthorized(caller));
    }
    let build = builds::located(&api, guard.repository()?, &build_uuid).await?;
    let logs = builds::logs(&api, &build, from.start.unwrap_or_default());
    Ok(Json(logs.into()))
}

/// Prepares the upload of a build context.
#[utoipa::path(post, path = "/api/v1/filedrop/", operation_id = "getFiledropUrl", request_body = FileDropRequest,
    responses((status = 200, body = FileDrop, description = "Where to upload it")))]
pub(crate) async fn get_filedrop_url(
    _: SignedIn<AnyScope>,
    State(api): State<Api>,
    Body(_): Body<FileDropRequest>,
) -> Result<Json<FileDrop>> {
    let (file_id, permit) = stored_files::prepare_upload(&api)?;
    let url = format!(
        "{}/userfiles/{file_id}?permit={permit}",
        api.0.config.base_url()
    );
    Ok(Json(FileDrop { url, file_id }))
}
