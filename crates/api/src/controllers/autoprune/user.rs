//! Policies of the currently logged in user.

use axum::extract::State;
use serde::Deserialize;

use super::{AutoPrunePolicyConfig, AutoPrunePolicyView, AutoPrunePolicyViewList, PolicyId};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{AdminUser, SignedIn};
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
struct PolicyPath {
    policy_uuid: String,
}

/// List the auto-prune policies of the currently logged in user.
#[utoipa::path(
    get,
    path = "/api/v1/user/autoprunepolicy/",
    operation_id = "listUserAutoPrunePolicies",
    responses((status = 200, body = AutoPrunePolicyViewList, description = "The policies"))
)]
async fn list_policies(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
) -> Result<Json<AutoPrunePolicyViewList>> {
    let owner = Owner::Namespace(guard.user().username.clone());
    Ok(Json(autoprune::list(&api, &owner).await?.into()))
}

/// Create an auto-prune policy for the currently logged in user.
#[utoipa::path(
    post,
    path = "/api/v1/user/autoprunepolicy/",
    operation_id = "createUserAutoPrunePolicy",
    request_body = AutoPrunePolicyConfig,
    responses((status = 201, body = PolicyId, description = "The policy's id"))
)]
async fn create_policy(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Body(new): Body<AutoPrunePolicyConfig>,
) -> Result<Created<PolicyId>> {
    let owner = Owner::Namespace(guard.user().username.clone());
    let actor = guard.caller().actor();
    let uuid = autoprune::create(&api, actor, owner, new.into()).await?;
    Ok(Created(PolicyId { uuid }))
}

/// Get an auto-prune policy of the currently logged in user.
#[utoipa::path(
    get,
    path = "/api/v1/user/autoprunepolicy/{policy_uuid}",
    operation_id = "getUserAutoPrunePolicy",
    params(("policy_uuid" = String, Path, description = "The unique ID of the policy")),
    responses((status = 200, body = AutoPrunePolicyView, description = "The policy"))
)]
async fn get_policy(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
) -> Result<Json<AutoPrunePolicyView>> {
    let owner = Owner::Namespace(guard.user().username.clone());
    let found = autoprune::find(&api, &owner, &path.policy_uuid).await?;
    Ok(Json(found.into()))
}

/// Update an auto-prune policy of the currently logged in user.
#[utoipa::path(
    put,
    path = "/api/v1/user/autoprunepolicy/{policy_uuid}",
    operation_id = "updateUserAutoPrunePolicy",
    params(("policy_uuid" = String, Path, description = "The unique ID of the policy")),
    request_body = AutoPrunePolicyConfig,
    responses((status = 204, description = "Updated"))
)]
async fn update_policy(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
    Body(change): Body<AutoPrunePolicyConfig>,
) -> Result<NoContent> {
    let owner = Owner::Namespace(guard.user().username.clone());
    let actor = guard.caller().actor();
    autoprune::update(&api, actor, owner, path.policy_uuid, change.into()).await?;
    Ok(NoContent)
}

/// Delete an auto-prune policy of the currently logged in user.
#[utoipa::path(
    delete,
    path = "/api/v1/user/autoprunepolicy/{policy_uuid}",
    operation_id = "deleteUserAutoPrunePolicy",
    params(("policy_uuid" = String, Path, description = "The unique ID of the policy")),
    responses((status = 200, body = PolicyId, description = "The policy's id"))
)]
async fn delete_policy(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<PolicyPath>,
) -> Result<Json<PolicyId>> {
    let owner = Owner::Namespace(guard.user().username.clone());
    let actor = guard.caller().actor();
    autoprune::delete(&api, actor, owner, path.policy_uuid.clone()).await?;
    Ok(Json(PolicyId {
        uuid: path.policy_uuid,
    }))
}
