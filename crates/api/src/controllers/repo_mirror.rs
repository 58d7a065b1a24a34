//! Mirrors of repositories (api-v1.md §5.16): `/repository/{repository}/mirror`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use pierhead_auth::Repository;
use pierhead_auth::accounts::Actor;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use pierhead_db::queries::repo_mirrors::RepoMirror;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::dates;
use crate::error::Result;
use crate::extract::Body;
use crate::guard::{Admin, AllSuperusers, InRepository, Superusers};
use crate::json::{self, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::remote_credentials;
use crate::services::repo_mirrors::{self, ChangeMirror, NewMirror, status_name};
use crate::services::user_events;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::tagged("mirror")
        .add(route!(get_repo_mirror_config).when(|config| config.mirroring.feature_repo_mirror))
        .add(route!(create_repo_mirror_config).when(|config| config.mirroring.feature_repo_mirror))
        .add(route!(change_repo_mirror_config).when(|config| config.mirroring.feature_repo_mirror))
        .add(route!(sync_now).when(|config| config.mirroring.feature_repo_mirror))
        .add(route!(sync_cancel).when(|config| config.mirroring.feature_repo_mirror))
}

/// Which tags are mirrored.
#[derive(Serialize, ToSchema)]
struct RootRuleView {
    /// `tag_glob_csv`.
    rule_kind: &'static str,
    /// Globs.
    rule_value: Vec<String>,
}

/// The mirror of a repository. The password is never shown.
#[derive(Serialize, ToSchema)]
struct MirrorView {
    is_enabled: bool,
    /// `PULL`.
    mirror_type: &'static str,
    external_reference: String,
    external_registry_username: Option<String>,
    #[schema(value_type = Object)]
    external_registry_config: Map<String, Value>,
    /// Seconds.
    sync_interval: i32,
    /// ISO 8601.
    sync_start_date: Option<String>,
    /// ISO 8601.
    sync_expiration_date: Option<String>,
    sync_retries_remaining: i32,
    /// `NEVER_RUN`, `SYNC_NOW`, `SYNCING`, `SUCCESS`, `FAIL` or `CANCEL`.
    sync_status: &'static str,
    root_rule: RootRuleView,
    robot_username: String,
    /// Seconds.
    skopeo_timeout_interval: i64,
    /// Empty for all.
    architecture_filter: Vec<String>,
}

impl MirrorView {
    fn of(api: &Api, mirror: RepoMirror) -> Result<Self> {
        let column = EncryptedColumn::MIRROR_USERNAME;
        let username = mirror.external_registry_username.as_deref();
        let architectures = mirror.architecture_filter.as_deref().unwrap_or("null");
        let architectures: Option<Vec<String>> = json_text::read(Some(architectures))?;
        Ok(Self {
            is_enabled: mirror.is_enabled,
            mirror_type: "PULL",
            external_reference: mirror.external_reference,
            external_registry_username: remote_credentials::shown(api.cipher(), column, username),
            external_registry_config: json_text::read(Some(&mirror.external_registry_config))?,
            sync_interval: mirror.sync_interval,
            sync_start_date: mirror.sync_start_date.map(dates::iso_exact),
            sync_expiration_date: mirror.sync_expiration_date.map(dates::iso_exact),
            sync_retries_remaining: mirror.sync_retries_remaining,
            sync_status: status_name(mirror.sync_status),
            root_rule: RootRuleView {
                rule_kind: "tag_glob_csv",
                rule_value: json_text::read(Some(&mirror.rule_value))?,
            },
            robot_username: mirror.robot,
            skopeo_timeout_interval: mirror.skopeo_timeout,
            architecture_filter: architectures.unwrap_or_default(),
        })
    }
}

/// Audit rows about mirrors name the program that asked.
fn actor(caller: &Caller) -> Actor {
    let mut actor = caller.actor();
    let context = &mut actor.context;
    context.insert("user-agent".to_owned(), json!(caller.user_agent()));
    if let Some(user) = caller.user() {
        context.insert("username".to_owned(), json!(user.username));
    }
    actor
}

/// Tells the caller of as many changes to the mirror, as Quay does.
fn tell(api: &Api, caller: &Caller, repository: &Repository, changes: usize) {
    for _ in 0..changes {
        user_events::tell(api, caller, &repository.name, "repo_mirror_config_changed");
    }
}

/// Return the mirror configuration of a repository.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/mirror",
    operation_id = "getRepoMirrorConfig",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses((status = 200, body = MirrorView, description = "The mirror"))
)]
async fn get_repo_mirror_config(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<MirrorView>> {
    let mirror = repo_mirrors::find(&api, guard.repository()?).await?;
    Ok(Json(MirrorView::of(&api, mirror)?))
}

/// Make a repository a mirror of one of another registry.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/mirror",
    operation_id = "createRepoMirrorConfig",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    request_body = NewMirror,
    responses((status = 201, body = String, description = "Empty"))
)]
async fn create_repo_mirror_config(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Body(new): Body<NewMirror>,
) -> Result<Response> {
    let repository = guard.repository()?.clone();
    repo_mirrors::create(&api, actor(guard.caller()), repository.clone(), new).await?;
    tell(&api, guard.caller(), &repository, 1);
    Ok(json::answer(StatusCode::CREATED, ""))
}

/// Change the mirror configuration of a repository.
#[utoipa::path(
    put,
    path = "/api/v1/repository/{repository}/mirror",
    operation_id = "changeRepoMirrorConfig",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    request_body = ChangeMirror,
    responses((status = 201, body = String, description = "Empty"))
)]
async fn change_repo_mirror_config(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Body(change): Body<ChangeMirror>,
) -> Result<Response> {
    let repository = guard.repository()?.clone();
    let actor = actor(guard.caller());
    let changes = repo_mirrors::change(&api, actor, repository.clone(), change).await?;
    tell(&api, guard.caller(), &repository, changes);
    Ok(json::answer(StatusCode::CREATED, ""))
}

/// Ask for a run of the mirror at once.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/mirror/sync-now",
    operation_id = "syncNow",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses((status = 204, description = "A worker will begin"))
)]
async fn sync_now(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
) -> Result<NoContent> {
    let repository = guard.repository()?.clone();
    repo_mirrors::sync_now(&api, actor(guard.caller()), repository.clone()).await?;
    tell(&api, guard.caller(), &repository, 1);
    Ok(NoContent)
}

/// Cancel a run of the mirror.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/mirror/sync-cancel",
    operation_id = "syncCancel",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses((status = 204, description = "Cancelled"))
)]
async fn sync_cancel(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
) -> Result<NoContent> {
    let repository = guard.repository()?.clone();
    repo_mirrors::sync_cancel(&api, actor(guard.caller()), repository.clone()).await?;
    tell(&api, guard.caller(), &repository, 1);
    Ok(NoContent)
}
