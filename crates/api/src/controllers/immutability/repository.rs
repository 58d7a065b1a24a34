//! Policies of the repository.

use axum::extract::State;
use serde::Deserialize;

use super::{
    ImmutabilityPolicyConfig, ImmutabilityPolicyView, ImmutabilityPolicyViewList, PolicyId,
};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{Admin, AllSuperusers, InRepository, Superusers};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::immutability;
use crate::services::policy_owner::Owner;
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("immutability_policy")
        .add(route!(list_policies).when(|config| config.tags.feature_immutable_tags))
        .add(route!(create_policy).when(|config| config.tags.feature_immutable_tags))
        .add(route!(get_policy).when(|config| config.tags.feature_immutable_tags))
        .add(route!(update_policy).when(|config| config.tags.feature_immutable_tags))
        .add(route!(delete_policy).when(|config| config.tags.feature_immutable_tags))
}

#[derive(Deserialize)]
struct PolicyPath {
    policy_uuid: String,
}

/// List the immutability policies of the repository.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/immutabilitypolicy/",
    operation_id = "listRepositoryImmutabilityPolicies",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses((status = 200, body = ImmutabilityPolicyViewList, description = "The policies"))
)]
async fn list_policies(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<ImmutabilityPolicyViewList>> {
    let owner = Owner::Repository(guard.repository()?.clone());
    Ok(Json(immutability::list(&api, &owner).await?.into()))
}

/// Create an immutability policy for the repository.
#[utoipa::path(
    post,
    path = "/api/v1/repository/{repository}/immutabilitypolicy/",
    operation_id = "createRepositoryImmutabilityPolicy",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    request_body = ImmutabilityPolicyConfig,
    responses((status = 201, body = PolicyId, description = "The policy's id"))
)]
async fn create_policy(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Body(new): Body<ImmutabilityPolicyConfig>,
) -> Result<Created<PolicyId>> {
    let owner = Owner::Repository(guard.repository()?.clone());
    let actor = guard.caller().actor();
    let uuid = immutability::create(&api, actor, owner, new.into()).await?;
    Ok(Created(PolicyId { uuid }))
}

/// Get an immutability policy of the repository.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/immutabilitypolicy/{policy_uuid}",
    operation_id = "getRepositoryImmutabilityPolicy",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("policy_uuid" = String, Path, description = "The unique ID of the policy")
    ),
    responses((status = 200, body = ImmutabilityPolicyView, description = "The policy"))
)]
async fn get_policy(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
) -> Result<Json<ImmutabilityPolicyView>> {
    let owner = Owner::Repository(guard.repository()?.clone());
    let found = immutability::find(&api, &owner, &path.policy_uuid).await?;
    Ok(Json(found.into()))
}

/// Update an immutability policy of the repository.
#[utoipa::path(
    put,
    path = "/api/v1/repository/{repository}/immutabilitypolicy/{policy_uuid}",
    operation_id = "updateRepositoryImmutabilityPolicy",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("policy_uuid" = String, Path, description = "The unique ID of the policy")
    ),
    request_body = ImmutabilityPolicyConfig,
    responses((status = 204, description = "Updated"))
)]
async fn update_policy(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
    Body(change): Body<ImmutabilityPolicyConfig>,
) -> Result<NoContent> {
    let owner = Owner::Repository(guard.repository()?.clone());
    let actor = guard.caller().actor();
    immutability::update(&api, actor, owner, path.policy_uuid, change.into()).await?;
    Ok(NoContent)
}

/// Delete an immutability policy of the repository.
#[utoipa::path(
    delete,
    path = "/api/v1/repository/{repository}/immutabilitypolicy/{policy_uuid}",
    operation_id = "deleteRepositoryImmutabilityPolicy",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("policy_uuid" = String, Path, description = "The unique ID of the policy")
    ),
    responses((status = 200, body = PolicyId, description = "The policy's id"))
)]
async fn delete_policy(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
) -> Result<Json<PolicyId>> {
    let owner = Owner::Repository(guard.repository()?.clone());
    let actor = guard.caller().actor();
    immutability::delete(&api, actor, owner, path.policy_uuid.clone()).await?;
    Ok(Json(PolicyId {
        uuid: path.policy_uuid,
    }))
}
