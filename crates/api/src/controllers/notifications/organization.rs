//! Hooks of organizations.

use axum::extract::State;
use serde::Deserialize;

use super::{NotificationCreateRequest, NotificationView, Notifications, Queued};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{AllSuperusers, Elevated, InOrganization, OrgAdminUnscoped, Superusers};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::notifications::{self, Owner};
use crate::state::Api;

/// The routes of these hooks.
pub(super) fn routes() -> Routes {
    Routes::tagged("namespacenotification")
        .add(route!(list_org_notifications).when(|config| config.quota.feature_quota_notifications))
        .add(
            route!(create_org_notification).when(|config| config.quota.feature_quota_notifications),
        )
        .add(route!(get_org_notification).when(|config| config.quota.feature_quota_notifications))
        .add(
            route!(delete_org_notification).when(|config| config.quota.feature_quota_notifications),
        )
        .add(
            route!(reset_org_notification_failures)
                .when(|config| config.quota.feature_quota_notifications),
        )
        .add(route!(test_org_notification).when(|config| config.quota.feature_quota_notifications))
}

/// The hook of a path.
#[derive(Debug, Deserialize)]
pub(crate) struct OneHook {
    uuid: String,
}

fn owner<X: Elevated>(guard: &InOrganization<OrgAdminUnscoped, X>) -> Result<Owner> {
    let organization = guard.organization()?;
    Ok(Owner::namespace(organization.id, &organization.name))
}

/// The hooks of an organization.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/notifications", operation_id = "listOrgNotifications", params(("orgname" = String, Path, description = "The organization")),
    responses((status = 200, body = Notifications, description = "The hooks")))]
pub(crate) async fn list_org_notifications(
    guard: InOrganization<OrgAdminUnscoped, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<Notifications>> {
    let found = notifications::list(&api, &owner(&guard)?).await?;
    Ok(Json(found.into()))
}

/// Makes a hook.
#[utoipa::path(post, path = "/api/v1/organization/{orgname}/notifications", operation_id = "createOrgNotification", params(("orgname" = String, Path, description = "The organization")),
    request_body = NotificationCreateRequest,
    responses((status = 201, body = NotificationView, description = "The hook")))]
pub(crate) async fn create_org_notification(
    guard: InOrganization<OrgAdminUnscoped, Superusers>,
    State(api): State<Api>,
    Body(request): Body<NotificationCreateRequest>,
) -> Result<Created<NotificationView>> {
    let owner = owner(&guard)?;
    let actor = guard.caller().actor();
    let made = notifications::create(&api, actor, owner, request.into()).await?;
    Ok(Created(made.into()))
}

/// One hook.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/notifications/{uuid}", operation_id = "getOrgNotification", params(("orgname" = String, Path, description = "The organization"), ("uuid" = String, Path, description = "The hook")),
    responses((status = 200, body = NotificationView, description = "The hook")))]
pub(crate) async fn get_org_notification(
    guard: InOrganization<OrgAdminUnscoped, AllSuperusers>,
    State(api): State<Api>,
    Path(OneHook { uuid }): Path<OneHook>,
) -> Result<Json<NotificationView>> {
    let found = notifications::find(&api, &owner(&guard)?, &uuid).await?;
    Ok(Json(found.into()))
}

/// Removes a hook.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/notifications/{uuid}", operation_id = "deleteOrgNotification", params(("orgname" = String, Path, description = "The organization"), ("uuid" = String, Path, description = "The hook")),
    responses((status = 204, description = "The hook is gone")))]
pub(crate) async fn delete_org_notification(
    guard: InOrganization<OrgAdminUnscoped, Superusers>,
    State(api): State<Api>,
    Path(OneHook { uuid }): Path<OneHook>,
) -> Result<NoContent> {
    let owner = owner(&guard)?;
    notifications::delete(&api, guard.caller().actor(), owner, uuid).await?;
    Ok(NoContent)
}

/// Forgets the failures of a hook, so that it is delivered again.
#[utoipa::path(post, path = "/api/v1/organization/{orgname}/notifications/{uuid}", operation_id = "resetOrgNotificationFailures", params(("orgname" = String, Path, description = "The organization"), ("uuid" = String, Path, description = "The hook")),
    responses((status = 204, description = "The failures are forgotten")))]
pub(crate) async fn reset_org_notification_failures(
    guard: InOrganization<OrgAdminUnscoped, Superusers>,
    State(api): State<Api>,
    Path(OneHook { uuid }): Path<OneHook>,
) -> Result<NoContent> {
    let owner = owner(&guard)?;
    notifications::reset(&api, guard.caller().actor(), owner, uuid).await?;
    Ok(NoContent)
}

/// Delivers made-up data through a hook.
#[utoipa::path(post, path = "/api/v1/organization/{orgname}/notifications/{uuid}/test", operation_id = "testOrgNotification", params(("orgname" = String, Path, description = "The organization"), ("uuid" = String, Path, description = "The hook")),
    responses((status = 200, body = Queued, description = "The delivery is queued")))]
pub(crate) async fn test_org_notification(
    guard: InOrganization<OrgAdminUnscoped, Superusers>,
    State(api): State<Api>,
    Path(OneHook { uuid }): Path<OneHook>,
) -> Result<Json<Queued>> {
    let owner = owner(&guard)?;
    let performer = notifications::performer(guard.caller());
    notifications::test(&api, performer, owner, &uuid).await?;
    Ok(Json(Queued {}))
}
