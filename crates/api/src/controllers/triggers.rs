//! Build triggers of a repository (api-v1.md §5.19).

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::builds::{self as build_controllers, Builds};
use crate::error::Result;
use crate::extract::{Body, Path, Query, body};
use crate::guard::{Admin, AllSuperusers, InRepository, Normal, Superusers};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::builds::{self, Sight};
use crate::services::triggers;
use crate::state::Api;
use crate::views::build::{BuildView, TriggerView};

mod hosted;
mod set_up;
mod webhooks;

/// Builds of an answer if nobody says how many.
const USUAL: i64 = 5;

/// What an administrator of the repository sees.
const ADMIN: Sight = Sight {
    public: false,
    read: true,
    write: true,
    admin: true,
};

/// The routes of this domain.
pub(crate) fn routes() -> Routes {
    Routes::tagged("trigger")
        .add(route!(list_build_triggers))
        .add(route!(get_build_trigger))
        .add(route!(update_build_trigger))
        .add(route!(delete_build_trigger))
        .add(route!(activate_build_trigger))
        .add(route!(manually_start_build_trigger))
        .add(route!(list_trigger_recent_builds))
        .merge(hosted::routes())
        .merge(set_up::routes())
        .merge(webhooks::routes())
}

/// A repository's triggers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Triggers {
    triggers: Vec<TriggerView>,
}

/// A trigger of a path.
#[derive(Debug, Deserialize)]
pub(crate) struct OneTrigger {
    trigger_uuid: String,
}

/// A trigger to switch.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UpdateTrigger {
    /// Whether it starts builds.
    enabled: bool,
}

/// A trigger to set up.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BuildTriggerActivateRequest {
    /// Its settings: `build_source`, `dockerfile_path`, `context` and more.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// The robot that pulls base images.
    #[serde(default, deserialize_with = "body::present")]
    pull_robot: Option<String>,
}

/// What is to be built.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunParameters {
    /// The branch, of hosted services.
    #[serde(default, deserialize_with = "body::present")]
    branch_name: Option<String>,
    /// The commit, of other git servers.
    #[serde(default, deserialize_with = "body::present")]
    commit_sha: Option<String>,
    /// The branch or tag, of hosted services: `kind` (`branch` or `tag`) and `name`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    refs: Option<Map<String, Value>>,
}

/// Which builds are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecentBuilds {
    /// At most how many; 5 if it is missing, and never more than 100.
    limit: Option<i64>,
}

/// A repository's triggers.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/trigger/", operation_id = "listBuildTriggers",
    params(("repository" = String, Path, description = "Namespace and name of the repository")),
    responses((status = 200, body = Triggers, description = "The triggers")))]
pub(crate) async fn list_build_triggers(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<Triggers>> {
    let found = triggers::list(&api, guard.repository()?).await?;
    Ok(Json(Triggers {
        triggers: found
            .into_iter()
            .map(|trigger| TriggerView::new(&api, trigger, ADMIN))
            .collect(),
    }))
}

/// One trigger.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}", operation_id = "getBuildTrigger",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    responses((status = 200, body = TriggerView, description = "The trigger")))]
pub(crate) async fn get_build_trigger(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
) -> Result<Json<TriggerView>> {
    let found = triggers::find(&api, guard.repository()?, &trigger_uuid).await?;
    Ok(Json(TriggerView::new(&api, found, ADMIN)))
}

/// Switches a trigger on or off. As in Quay the answer shows what anybody may see.
#[utoipa::path(put, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}", operation_id = "updateBuildTrigger",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = UpdateTrigger, responses((status = 200, body = TriggerView, description = "The trigger")))]
pub(crate) async fn update_build_trigger(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(UpdateTrigger { enabled }): Body<UpdateTrigger>,
) -> Result<Json<TriggerView>> {
    let actor = guard.caller().actor();
    let repository = guard.repository()?;
    let changed = triggers::switch(&api, actor, repository, trigger_uuid, enabled).await?;
    Ok(Json(TriggerView::new(&api, changed, Sight::default())))
}

/// Removes a trigger. The builds that it started stay.
#[utoipa::path(delete, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}",
    operation_id = "deleteBuildTrigger",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    responses((status = 204, description = "The trigger is gone")))]
pub(crate) async fn delete_build_trigger(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
) -> Result<NoContent> {
    let actor = guard.caller().actor();
    triggers::delete(&api, actor, guard.repository()?, trigger_uuid).await?;
    Ok(NoContent)
}

/// Sets a trigger up.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/activate",
    operation_id = "activateBuildTrigger",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = BuildTriggerActivateRequest,
    responses((status = 200, body = TriggerView, description = "The trigger")))]
pub(crate) async fn activate_build_trigger(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(request): Body<BuildTriggerActivateRequest>,
) -> Result<Json<TriggerView>> {
    let activated = triggers::activate(
        &api,
        guard.caller(),
        guard.repository()?,
        trigger_uuid,
        request.config,
        request.pull_robot.as_deref(),
    )
    .await?;
    Ok(Json(TriggerView::new(&api, activated, ADMIN)))
}

/// Starts a build by hand.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/start",
    operation_id = "manuallyStartBuildTrigger",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = RunParameters, responses((status = 201, body = BuildView, description = "The build is queued")))]
pub(crate) async fn manually_start_build_trigger(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(parameters): Body<RunParameters>,
) -> Result<Response> {
    let run = triggers::RunParameters {
        branch_name: parameters.branch_name,
        commit_sha: parameters.commit_sha,
        refs: parameters.refs,
    };
    let repository = guard.repository()?;
    let uuid = triggers::start(&api, guard.caller(), repository, &trigger_uuid, &run).await?;
    build_controllers::started(&api, &guard, &uuid).await
}

/// The builds that a trigger started.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/builds",
    operation_id = "listTriggerRecentBuilds",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger"), RecentBuilds),
    responses((status = 200, body = Builds, description = "The builds, newest first")))]
pub(crate) async fn list_trigger_recent_builds(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Query(RecentBuilds { limit }): Query<RecentBuilds>,
) -> Result<Json<Builds>> {
    let repository = guard.repository()?;
    // As in Quay a trigger that is not there has started no builds.
    let trigger = triggers::find_anywhere(&api, &trigger_uuid).await?;
    let found = match trigger {
        Some(trigger) => {
            let limit = limit.unwrap_or(USUAL);
            builds::list_of_trigger(&api, repository, trigger.row.id, limit).await?
        }
        None => Vec::new(),
    };
    let name = guard.name();
    let sight = Sight::of(&api, guard.caller(), name.namespace(), name.repository()).await?;
    Ok(Json(Builds {
        builds: found
            .into_iter()
            .map(|build| BuildView::new(&api, build, sight))
            .collect(),
    }))
}
