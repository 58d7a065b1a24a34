//! Policies of the organization.

use axum::extract::State;
use serde::Deserialize;

use super::{AutoPrunePolicyConfig, AutoPrunePolicyView, AutoPrunePolicyViewList, PolicyId};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{AllSuperusers, InOrganization, OrgAdmin, Superusers};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::autoprune;
use crate::services::policy_owner::Owner;
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("policy")
        .add(route!(list_policies).when(|config| config.tags.feature_auto_prune))
        .add(route!(create_policy).when(|config| config.tags.feature_auto_prune))
        .add(route!(get_policy).when(|config| config.tags.feature_auto_prune))
        .add(route!(update_policy).when(|config| config.tags.feature_auto_prune))
        .add(route!(delete_policy).when(|config| config.tags.feature_auto_prune))
}

#[derive(Deserialize)]
struct OwnerPath {
    orgname: String,
}

#[derive(Deserialize)]
struct PolicyPath {
    orgname: String,
    policy_uuid: String,
}

/// List the auto-prune policies of the organization.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/autoprunepolicy/",
    operation_id = "listOrganizationAutoPrunePolicies",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = AutoPrunePolicyViewList, description = "The policies"))
)]
async fn list_policies(
    _: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<OwnerPath>,
) -> Result<Json<AutoPrunePolicyViewList>> {
    let owner = Owner::Namespace(path.orgname);
    Ok(Json(autoprune::list(&api, &owner).await?.into()))
}

/// Create an auto-prune policy for the organization.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/autoprunepolicy/",
    operation_id = "createOrganizationAutoPrunePolicy",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = AutoPrunePolicyConfig,
    responses((status = 201, body = PolicyId, description = "The policy's id"))
)]
async fn create_policy(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<OwnerPath>,
    Body(new): Body<AutoPrunePolicyConfig>,
) -> Result<Created<PolicyId>> {
    let owner = Owner::Namespace(path.orgname);
    let actor = guard.caller().actor();
    let uuid = autoprune::create(&api, actor, owner, new.into()).await?;
    Ok(Created(PolicyId { uuid }))
}

/// Get an auto-prune policy of the organization.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/autoprunepolicy/{policy_uuid}",
    operation_id = "getOrganizationAutoPrunePolicy",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("policy_uuid" = String, Path, description = "The unique ID of the policy")
    ),
    responses((status = 200, body = AutoPrunePolicyView, description = "The policy"))
)]
async fn get_policy(
    _: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
) -> Result<Json<AutoPrunePolicyView>> {
    let owner = Owner::Namespace(path.orgname);
    let found = autoprune::find(&api, &owner, &path.policy_uuid).await?;
    Ok(Json(found.into()))
}

/// Update an auto-prune policy of the organization.
#[utoipa::path(
    put,
    path = "/api/v1/organization/{orgname}/autoprunepolicy/{policy_uuid}",
    operation_id = "updateOrganizationAutoPrunePolicy",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("policy_uuid" = String, Path, description = "The unique ID of the policy")
    ),
    request_body = AutoPrunePolicyConfig,
    responses((status = 204, description = "Updated"))
)]
async fn update_policy(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
    Body(change): Body<AutoPrunePolicyConfig>,
) -> Result<NoContent> {
    let owner = Owner::Namespace(path.orgname);
    let actor = guard.caller().actor();
    autoprune::update(&api, actor, owner, path.policy_uuid, change.into()).await?;
    Ok(NoContent)
}

/// Delete an auto-prune policy of the organization.
#[utoipa::path(
    delete,
    path = "/api/v1/organization/{orgname}/autoprunepolicy/{policy_uuid}",
    operation_id = "deleteOrganizationAutoPrunePolicy",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("policy_uuid" = String, Path, description = "The unique ID of the policy")
    ),
    responses((status = 200, body = PolicyId, description = "The policy's id"))
)]
async fn delete_policy(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
) -> Result<Json<PolicyId>> {
    let owner = Owner::Namespace(path.orgname);
    let actor = guard.caller().actor();
    autoprune::delete(&api, actor, owner, path.policy_uuid.clone()).await?;
    Ok(Json(PolicyId {
        uuid: path.policy_uuid,
    }))
}
