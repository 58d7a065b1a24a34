//! Hooks of people's own namespaces.

use axum::extract::State;

use super::{NotificationCreateRequest, NotificationView, Notifications, Queued};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{AdminUser, SignedIn};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::notifications::{self, Owner};
use crate::state::Api;

/// The routes of these hooks.
pub(super) fn routes() -> Routes {
    Routes::tagged("namespacenotification")
        .add(
            route!(list_user_namespace_notifications)
                .when(|config| config.quota.feature_quota_notifications),
        )
        .add(
            route!(create_user_namespace_notification)
                .when(|config| config.quota.feature_quota_notifications),
        )
        .add(
            route!(get_user_namespace_notification)
                .when(|config| config.quota.feature_quota_notifications),
        )
        .add(
            route!(delete_user_namespace_notification)
                .when(|config| config.quota.feature_quota_notifications),
        )
        .add(
            route!(reset_user_namespace_notification_failures)
                .when(|config| config.quota.feature_quota_notifications),
        )
        .add(
            route!(test_user_namespace_notification)
                .when(|config| config.quota.feature_quota_notifications),
        )
}

fn owner(guard: &SignedIn<AdminUser>) -> Owner {
    Owner::namespace(guard.user().id, &guard.user().username)
}

/// The hooks of the caller's own namespace.
#[utoipa::path(get, path = "/api/v1/user/namespacenotifications", operation_id = "listUserNamespaceNotifications",
    responses((status = 200, body = Notifications, description = "The hooks")))]
pub(crate) async fn list_user_namespace_notifications(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
) -> Result<Json<Notifications>> {
    let found = notifications::list(&api, &owner(&guard)).await?;
    Ok(Json(found.into()))
}

/// Makes a hook.
#[utoipa::path(post, path = "/api/v1/user/namespacenotifications", operation_id = "createUserNamespaceNotification",
    request_body = NotificationCreateRequest,
    responses((status = 201, body = NotificationView, description = "The hook")))]
pub(crate) async fn create_user_namespace_notification(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Body(request): Body<NotificationCreateRequest>,
) -> Result<Created<NotificationView>> {
    let owner = owner(&guard);
    let actor = guard.caller().actor();
    let made = notifications::create(&api, actor, owner, request.into()).await?;
    Ok(Created(made.into()))
}

/// One hook.
#[utoipa::path(get, path = "/api/v1/user/namespacenotifications/{uuid}", operation_id = "getUserNamespaceNotification", params(("uuid" = String, Path, description = "The hook")),
    responses((status = 200, body = NotificationView, description = "The hook")))]
pub(crate) async fn get_user_namespace_notification(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
) -> Result<Json<NotificationView>> {
    let found = notifications::find(&api, &owner(&guard), &uuid).await?;
    Ok(Json(found.into()))
}

/// Removes a hook.
#[utoipa::path(delete, path = "/api/v1/user/namespacenotifications/{uuid}", operation_id = "deleteUserNamespaceNotification", params(("uuid" = String, Path, description = "The hook")),
    responses((status = 204, description = "The hook is gone")))]
pub(crate) async fn delete_user_namespace_notification(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
) -> Result<NoContent> {
    let owner = owner(&guard);
    notifications::delete(&api, guard.caller().actor(), owner, uuid).await?;
    Ok(NoContent)
}

/// Forgets the failures of a hook, so that it is delivered again.
#[utoipa::path(post, path = "/api/v1/user/namespacenotifications/{uuid}", operation_id = "resetUserNamespaceNotificationFailures", params(("uuid" = String, Path, description = "The hook")),
    responses((status = 204, description = "The failures are forgotten")))]
pub(crate) async fn reset_user_namespace_notification_failures(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
) -> Result<NoContent> {
    let owner = owner(&guard);
    notifications::reset(&api, guard.caller().actor(), owner, uuid).await?;
    Ok(NoContent)
}

/// Delivers made-up data through a hook.
#[utoipa::path(post, path = "/api/v1/user/namespacenotifications/{uuid}/test", operation_id = "testUserNamespaceNotification", params(("uuid" = String, Path, description = "The hook")),
    responses((status = 200, body = Queued, description = "The delivery is queued")))]
pub(crate) async fn test_user_namespace_notification(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
) -> Result<Json<Queued>> {
    let owner = owner(&guard);
    let performer = notifications::performer(guard.caller());
    notifications::test(&api, performer, owner, &uuid).await?;
    Ok(Json(Queued {}))
}
