//! What the console asks while it sets up a trigger of a hosted git service.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use pierhead_auth::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::OneTrigger;
use crate::error::{Error, Result};
use crate::extract::{Body, OptionalBody, Path};
use crate::guard::{Admin, AllSuperusers, InRepository, Normal, Superusers};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::triggers::{
    self, Analysis, Found, Namespace, Puller, Service, Source, Trigger,
};
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

/// The settings chosen so far; those of the trigger if there are none.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(value_type = Object)]
pub(crate) struct BuildTriggerSubdirRequest(Map<String, Value>);

/// Settings to look at.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BuildTriggerAnalyzeRequest {
    /// Any settings.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
}

/// Where sources are looked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BuildTriggerSourcesRequest {
    /// The namespace of the hosted service.
    namespace: Option<String>,
}

/// The Dockerfiles of a source, or why they cannot be listed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum TriggerSubdirs {
    /// They are these.
    Success {
        /// From the root of the source.
        dockerfile_paths: Vec<String>,
        /// For each the folders that can be its context.
        #[serde(rename = "contextMap")]
        context_map: BTreeMap<String, Vec<String>>,
    },
    /// It did not work.
    Error {
        /// Why.
        message: String,
    },
}

/// What is to be known of settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TriggerAnalysis {
    /// Whether a build could pull what it is built on.
    Known {
        /// The namespace of the base image; that of the trigger if the image is elsewhere.
        namespace: String,
        /// The repository of the base image, if it is in this registry.
        name: Option<String>,
        /// Robots that could pull it.
        robots: Vec<PullerView>,
        /// `publicbase`, `requiresrobot`, `warning` or `error`.
        #[schema(value_type = String)]
        status: &'static str,
        message: Option<String>,
        /// The caller administers the namespace of the trigger.
        is_admin: bool,
    },
    /// It did not work.
    Problem {
        /// `error` or `notimplemented`.
        #[schema(value_type = String)]
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

/// A robot that could pull a base image.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PullerView {
    name: String,
    /// `user`.
    #[schema(value_type = String)]
    kind: &'static str,
    is_robot: bool,
    /// It may pull the base image already.
    can_read: bool,
}

/// What a field can be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldValues {
    #[schema(value_type = Vec<Object>)]
    values: Vec<Value>,
}

/// Repositories of a hosted service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggerSources {
    sources: Vec<Source>,
}

/// Namespaces of a hosted service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggerNamespaces {
    namespaces: Vec<Namespace>,
}

/// A field of a trigger of a path.
#[derive(Debug, Deserialize)]
pub(crate) struct OneField {
    trigger_uuid: String,
    field_name: String,
}

impl From<Puller> for PullerView {
    fn from(robot: Puller) -> Self {
        Self {
            name: robot.name,
            kind: "user",
            is_robot: true,
            can_read: robot.can_read,
        }
    }
}

impl From<Analysis> for TriggerAnalysis {
    fn from(analysis: Analysis) -> Self {
        Self::Known {
            namespace: analysis.namespace,
            name: analysis.name,
            robots: analysis.robots.into_iter().map(Into::into).collect(),
            status: analysis.status,
            message: analysis.message,
            is_admin: analysis.is_admin,
        }
    }
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

/// A plain git repository has nobody who could be asked what there is. Quay answers that without words.
fn has_host(trigger: &Trigger) -> Result<()> {
    match trigger.service() {
        Service::CustomGit => Err(Error::message(StatusCode::NOT_IMPLEMENTED, "")),
        _ => Ok(()),
    }
}

/// Lists the folders that could be built.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/subdir",
    operation_id = "listBuildTriggerSubdirs",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = BuildTriggerSubdirRequest,
    responses((status = 200, body = TriggerSubdirs, description = "The Dockerfiles, or why they cannot be listed"),
        (status = 501, description = "There is nobody who could be asked")))]
pub(crate) async fn list_build_trigger_subdirs(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(BuildTriggerSubdirRequest(chosen)): Body<BuildTriggerSubdirRequest>,
) -> Result<Json<TriggerSubdirs>> {
    let trigger = own(&api, &guard, &trigger_uuid).await?;
    has_host(&trigger)?;
    let config = trigger.config_or(&chosen);
    let found = triggers::dockerfiles(&api, &trigger, config).await?;
    Ok(Json(match found {
        Found::Found(dockerfile_paths) => TriggerSubdirs::Success {
            context_map: triggers::contexts(&dockerfile_paths),
            dockerfile_paths,
        },
        Found::Problem(message) => TriggerSubdirs::Error { message },
    }))
}

/// Looks at settings before a trigger is set up.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/analyze",
    operation_id = "analyzeBuildTrigger",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = BuildTriggerAnalyzeRequest,
    responses((status = 200, body = TriggerAnalysis, description = "What is to be known of them")))]
pub(crate) async fn analyze_build_trigger(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(request): Body<BuildTriggerAnalyzeRequest>,
) -> Result<Json<TriggerAnalysis>> {
    let repository = guard.repository()?;
    let trigger = triggers::find(&api, repository, &trigger_uuid).await?;
    let config = trigger.config_or(&request.config);
    let found = triggers::analyze(&api, guard.caller(), repository, &trigger, config).await?;
    Ok(Json(match found {
        Some(Found::Found(analysis)) => analysis.into(),
        Some(Found::Problem(message)) => TriggerAnalysis::Problem {
            status: "error",
            message: Some(message),
        },
        None => TriggerAnalysis::Problem {
            status: "notimplemented",
            message: None,
        },
    }))
}

/// Lists what a field of the settings can be.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/fields/{field_name}",
    operation_id = "listTriggerFieldValues",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger"),
        ("field_name" = String, Path, description = "`refs`, `branch_name` or `tag_name`")),
    responses((status = 200, body = FieldValues, description = "What it can be"),
        (status = 404, description = "The field has no values that could be listed"),
        (status = 501, description = "There is nobody who could be asked")))]
pub(crate) async fn list_trigger_field_values(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneField {
        trigger_uuid,
        field_name,
    }): Path<OneField>,
    OptionalBody(chosen): OptionalBody<Map<String, Value>>,
) -> Result<Json<FieldValues>> {
    let trigger = triggers::find(&api, guard.repository()?, &trigger_uuid).await?;
    if !guard.has(Role::Admin) {
        return Err(Error::unauthorized(guard.caller()));
    }
    has_host(&trigger)?;
    let chosen = chosen.unwrap_or_default();
    let config = trigger.config_or(&chosen);
    let values = triggers::values(&api, &trigger, config, &field_name).await?;
    let values = values.ok_or_else(Error::not_found)?;
    Ok(Json(FieldValues { values }))
}

/// Lists the sources in a namespace of a hosted service.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/sources",
    operation_id = "listTriggerBuildSources",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    request_body = BuildTriggerSourcesRequest,
    responses((status = 200, body = TriggerSources, description = "The sources"),
        (status = 501, description = "There is nobody who could be asked")))]
pub(crate) async fn list_trigger_build_sources(
    guard: Normal<InRepository<Admin, Superusers>>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
    Body(request): Body<BuildTriggerSourcesRequest>,
) -> Result<Json<TriggerSources>> {
    let namespace = request.namespace;
    let namespace = namespace.ok_or_else(|| Error::invalid_request("namespace is required"))?;
    let trigger = own(&api, &guard, &trigger_uuid).await?;
    has_host(&trigger)?;
    let sources = triggers::sources(&api, &trigger, &namespace).await?;
    Ok(Json(TriggerSources { sources }))
}

/// Lists the namespaces of a hosted service.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/trigger/{trigger_uuid}/namespaces",
    operation_id = "listTriggerBuildSourceNamespaces",
    params(("repository" = String, Path, description = "Namespace and name of the repository"),
        ("trigger_uuid" = String, Path, description = "The trigger")),
    responses((status = 200, body = TriggerNamespaces, description = "The namespaces"),
        (status = 501, description = "There is nobody who could be asked")))]
pub(crate) async fn list_trigger_build_source_namespaces(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(OneTrigger { trigger_uuid }): Path<OneTrigger>,
) -> Result<Json<TriggerNamespaces>> {
    let trigger = triggers::find(&api, guard.repository()?, &trigger_uuid).await?;
    if !triggers::administers(guard.caller(), &trigger) {
        return Err(Error::unauthorized(guard.caller()));
    }
    has_host(&trigger)?;
    let namespaces = triggers::namespaces(&api, &trigger).await?;
    Ok(Json(TriggerNamespaces { namespaces }))
}
