//! What the console asks while it sets up a trigger of a hosted git service. None can be reached from here, which is what these
//! answer, in the form that the console shows.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::OneTrigger;
use crate::error::{Error, Result};
use crate::extract::{Body, OptionalBody, Path};
use crate::guard::{Admin, AllSuperusers, InRepository, Normal, Superusers};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::triggers::{self, Service, Trigger};
use crate::state::Api;

/// The routes of hosted services.
pub(super) fn routes() -> Routes {
    Routes::tagged("trigger")
        .add(route!(list_build_trigger_subdirs).internal())
        .add(route!(analyze_build_trigger).internal())
        .add(route!(list_trigger_field_values).internal())
        .add(route!(list_trigger_build_sources).internal())
        .add(route!(list_trigger_build_source_namespaces).internal())
}

/// Any settings.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BuildTriggerSubdirRequest {}

/// Settings to look at.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BuildTriggerAnalyzeRequest {
    /// Any settings.
    #[serde(rename = "config")]
    #[schema(value_type = Object)]
    _config: Map<String, Value>,
}

/// Where sources are looked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BuildTriggerSourcesRequest {
    /// The namespace of the hosted service.
    namespace: Option<String>,
}

/// That it did not work, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggerProblem {
    /// `error` or `notimplemented`.
    #[schema(value_type = String)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// A field of a trigger of a path.
#[derive(Debug, Deserialize)]
pub(crate) struct OneField {
    trigger_uuid: String,
}

/// The trigger, if the caller is who set it up.
async fn own(
    api: &Api,
    guard: &InRepository<Admin, Superusers>,
    trigger_uuid: &str,
) -> Result<Trigger> {
    let trigger = triggers::find(api, guard.repository()?, trigger_uuid).await?;
    if triggers::administers(guard.caller(), &trigger) {
        Ok(trigger)
    } else {
        Err(Error::unauthorized(guard.caller()))
    }
}

/// Lists the folders that could be built.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/subdir",
    operation_id = "listBuildTriggerSubdirs",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = BuildTriggerSubdirRequest,
    responses((status = 200, body = TriggerProblem, description = "Why they cannot be listed")))]
pub(crate) async fn list_build_trigger_subdirs(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(_): Body<BuildTriggerSubdirRequest>,
) -> Result<Json<TriggerProblem>> {
    let trigger = own(&api, &guard, &trigger_uuid).await?;
    Ok(Json(TriggerProblem {
        status: "error",
        message: Some(trigger.service().unreachable()),
    }))
}

/// Looks at settings before a trigger is set up.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/analyze",
    operation_id = "analyzeBuildTrigger",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = BuildTriggerAnalyzeRequest,
    responses((status = 200, body = TriggerProblem, description = "Why they cannot be looked at")))]
pub(crate) async fn analyze_build_trigger(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(_): Body<BuildTriggerAnalyzeRequest>,
) -> Result<Json<TriggerProblem>> {
    let trigger = triggers::find(&api, guard.repository()?, &trigger_uuid).await?;
    Ok(Json(match trigger.service() {
        Service::CustomGit => TriggerProblem {
            status: "notimplemented",
            message: None,
        },
        hosted => TriggerProblem {
            status: "error",
            message: Some(format!(
                "Could not analyze the repository: {}",
                hosted.unreachable()
            )),
        },
    }))
}

/// Lists what a field of the settings can be.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/fields/{field_name}",
    operation_id = "listTriggerFieldValues",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger"),
        ("field_name" = String, Path, description = "The field")),
    responses((status = 404, description = "The field has no values that could be listed")))]
pub(crate) async fn list_trigger_field_values(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneField { trigger_uuid }): Path<OneField>,
    OptionalBody(_): OptionalBody<Value>,
) -> Result<Json<TriggerProblem>> {
    let trigger = triggers::find(&api, guard.repository()?, &trigger_uuid).await?;
    Err(match trigger.service() {
        Service::CustomGit => Error::not_found(),
        hosted => Error::invalid_request(hosted.unreachable()),
    })
}

/// Lists the sources in a namespace of a hosted service.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/sources",
    operation_id = "listTriggerBuildSources",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = BuildTriggerSourcesRequest,
    responses((status = 400, description = "The service cannot be reached")))]
pub(crate) async fn list_trigger_build_sources(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(request): Body<BuildTriggerSourcesRequest>,
) -> Result<Json<TriggerProblem>> {
    if request.namespace.is_none() {
        return Err(Error::invalid_request("namespace is required"));
    }
    let trigger = own(&api, &guard, &trigger_uuid).await?;
    Err(Error::invalid_request(trigger.service().unreachable()))
}

/// Lists the namespaces of a hosted service.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/namespaces",
    operation_id = "listTriggerBuildSourceNamespaces",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    responses((status = 400, description = "The service cannot be reached")))]
pub(crate) async fn list_trigger_build_source_namespaces(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
) -> Result<Json<TriggerProblem>> {
    let trigger = triggers::find(&api, guard.repository()?, &trigger_uuid).await?;
    if !triggers::administers(guard.caller(), &trigger) {
        return Err(Error::unauthorized(guard.caller()));
    }
    Err(Error::invalid_request(trigger.service().unreachable()))
}
