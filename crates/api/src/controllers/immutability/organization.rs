//! Policies of the organization.

use axum::extract::State;
use serde::Deserialize;

use super::{
    ImmutabilityPolicyConfig, ImmutabilityPolicyView, ImmutabilityPolicyViewList, PolicyId,
};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{AllSuperusers, InOrganization, OrgAdmin, Superusers};
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
struct OwnerPath {
    orgname: String,
}

#[derive(Deserialize)]
struct PolicyPath {
    orgname: String,
    policy_uuid: String,
}

/// List the immutability policies of the organization.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/immutabilitypolicy/",
    operation_id = "listOrgImmutabilityPolicies",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = ImmutabilityPolicyViewList, description = "The policies"))
)]
async fn list_policies(
    _: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<OwnerPath>,
) -> Result<Json<ImmutabilityPolicyViewList>> {
    let owner = Owner::Namespace(path.orgname);
    Ok(Json(immutability::list(&api, &owner).await?.into()))
}

/// Create an immutability policy for the organization.
#[utoipa::path(
    post,
    path = "/api/v1/organization/{orgname}/immutabilitypolicy/",
    operation_id = "createOrgImmutabilityPolicy",
    params(("orgname" = String, Path, description = "The name of the organization")),
    request_body = ImmutabilityPolicyConfig,
    responses((status = 201, body = PolicyId, description = "The policy's id"))
)]
async fn create_policy(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<OwnerPath>,
    Body(new): Body<ImmutabilityPolicyConfig>,
) -> Result<Created<PolicyId>> {
    let owner = Owner::Namespace(path.orgname);
    let actor = guard.caller().actor();
    let uuid = immutability::create(&api, actor, owner, new.into()).await?;
    Ok(Created(PolicyId { uuid }))
}

/// Get an immutability policy of the organization.
#[utoipa::path(
    get,
    path = "/api/v1/organization/{orgname}/immutabilitypolicy/{policy_uuid}",
    operation_id = "getOrgImmutabilityPolicy",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("policy_uuid" = String, Path, description = "The unique ID of the policy")
    ),
    responses((status = 200, body = ImmutabilityPolicyView, description = "The policy"))
)]
async fn get_policy(
    _: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
) -> Result<Json<ImmutabilityPolicyView>> {
    let owner = Owner::Namespace(path.orgname);
    let found = immutability::find(&api, &owner, &path.policy_uuid).await?;
    Ok(Json(found.into()))
}

/// Update an immutability policy of the organization.
#[utoipa::path(
    put,
    path = "/api/v1/organization/{orgname}/immutabilitypolicy/{policy_uuid}",
    operation_id = "updateOrgImmutabilityPolicy",
    params(
        ("orgname" = String, Path, description = "The name of the organization"),
        ("policy_uuid" = String, Path, description = "The unique ID of the policy")
    ),
    request_body = ImmutabilityPolicyConfig,
    responses((status = 204, description = "Updated"))
)]
async fn update_policy(
    guard: InOrganization<OrgAdmin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
    Body(change): Body<ImmutabilityPolicyConfig>,
) -> Result<NoContent> {
    let owner = Owner::Namespace(path.orgname);
    let actor = guard.caller().actor();
    immutability::update(&api, actor, owner, path.policy_uuid, change.into()).await?;
    Ok(NoContent)
}

/// Delete an immutability policy of the organization.
#[utoipa::path(
    delete,
    path = "/api/v1/organization/{orgname}/immutabilitypolicy/{policy_uuid}",
    operation_id = "deleteOrgImmutabilityPolicy",
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
    immutability::delete(&api, actor, owner, path.policy_uuid.clone()).await?;
    Ok(Json(PolicyId {
        uuid: path.policy_uuid,
    }))
}
