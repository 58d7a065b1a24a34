//! Hooks of repositories.

use axum::extract::State;
use serde::Deserialize;

use super::{NotificationCreateRequest, NotificationView, Notifications, Queued};
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{Admin, AllSuperusers, InRepository, Superusers};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::services::notifications::{self, Owner};
use crate::state::Api;

/// The routes of these hooks.
pub(super) fn routes() -> Routes {
    Routes::tagged("repositorynotification")
        .add(route!(list_repo_notifications))
        .add(route!(create_repo_notification))
        .add(route!(get_repo_notification))
        .add(route!(delete_repo_notification))
        .add(route!(reset_repository_notification_failures))
        .add(route!(test_repo_notification))
}

/// The hook of a path.
#[derive(Debug, Deserialize)]
pub(crate) struct OneHook {
    uuid: String,
}

/// The hooks of a repository.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/notification/", operation_id = "listRepoNotifications", params(("repository" = String, Path, description = "Namespace and name of the repository")),
    responses((status = 200, body = Notifications, description = "The hooks")))]
pub(crate) async fn list_repo_notifications(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<Notifications>> {
    let found = notifications::list(&api, &Owner::repository(guard.repository()?)).await?;
    Ok(Json(found.into()))
}

/// Makes a hook.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/notification/", operation_id = "createRepoNotification", params(("repository" = String, Path, description = "Namespace and name of the repository")),
    request_body = NotificationCreateRequest,
    responses((status = 201, body = NotificationView, description = "The hook")))]
pub(crate) async fn create_repo_notification(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Body(request): Body<NotificationCreateRequest>,
) -> Result<Created<NotificationView>> {
    let owner = Owner::repository(guard.repository()?);
    let actor = guard.caller().actor();
    let made = notifications::create(&api, actor, owner, request.into()).await?;
    Ok(Created(made.into()))
}

/// One hook.
#[utoipa::path(get, path = "/api/v1/repository/{repository}/notification/{uuid}", operation_id = "getRepoNotification", params(("repository" = String, Path, description = "Namespace and name of the repository"), ("uuid" = String, Path, description = "The hook")),
    responses((status = 200, body = NotificationView, description = "The hook")))]
pub(crate) async fn get_repo_notification(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(OneHook { uuid }): Path<OneHook>,
) -> Result<Json<NotificationView>> {
    let found = notifications::find(&api, &Owner::repository(guard.repository()?), &uuid).await?;
    Ok(Json(found.into()))
}

/// Removes a hook.
#[utoipa::path(delete, path = "/api/v1/repository/{repository}/notification/{uuid}", operation_id = "deleteRepoNotification", params(("repository" = String, Path, description = "Namespace and name of the repository"), ("uuid" = String, Path, description = "The hook")),
    responses((status = 204, description = "The hook is gone")))]
pub(crate) async fn delete_repo_notification(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(OneHook { uuid }): Path<OneHook>,
) -> Result<NoContent> {
    let owner = Owner::repository(guard.repository()?);
    notifications::delete(&api, guard.caller().actor(), owner, uuid).await?;
    Ok(NoContent)
}

/// Forgets the failures of a hook, so that it is delivered again.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/notification/{uuid}", operation_id = "resetRepositoryNotificationFailures", params(("repository" = String, Path, description = "Namespace and name of the repository"), ("uuid" = String, Path, description = "The hook")),
    responses((status = 204, description = "The failures are forgotten")))]
pub(crate) async fn reset_repository_notification_failures(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(OneHook { uuid }): Path<OneHook>,
) -> Result<NoContent> {
    let owner = Owner::repository(guard.repository()?);
    notifications::reset(&api, guard.caller().actor(), owner, uuid).await?;
    Ok(NoContent)
}

/// Delivers made-up data through a hook.
#[utoipa::path(post, path = "/api/v1/repository/{repository}/notification/{uuid}/test", operation_id = "testRepoNotification", params(("repository" = String, Path, description = "Namespace and name of the repository"), ("uuid" = String, Path, description = "The hook")),
    responses((status = 200, body = Queued, description = "The delivery is queued")))]
pub(crate) async fn test_repo_notification(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(OneHook { uuid }): Path<OneHook>,
) -> Result<Json<Queued>> {
    let owner = Owner::repository(guard.repository()?);
    let performer = notifications::performer(guard.caller());
    notifications::test(&api, performer, owner, &uuid).await?;
    Ok(Json(Queued {}))
}
