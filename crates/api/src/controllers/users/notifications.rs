//! `/user/notifications`: what the console tells people (api-v1.md §5.1).

use axum::extract::State;
use pierhead_db::queries::user_notifications::UserNotification;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::dates;
use crate::error::Result;
use crate::extract::{Body, Path, Query, body};
use crate::guard::{AdminUser, SignedIn};
use crate::json::Json;
use crate::route::{Routes, route};
use crate::services::users::notifications;
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("user")
        .add(route!(list_user_notifications).internal())
        .add(route!(get_user_notification).internal())
        .add(route!(update_user_notification).internal())
}

/// A notification.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserNotificationView {
    /// A uuid.
    id: String,
    /// The organization it is for; null if it is for the person.
    organization: Option<String>,
    /// What has happened.
    kind: String,
    /// When (RFC 2822).
    created: String,
    /// More about it.
    #[schema(value_type = Object)]
    metadata: Value,
    /// Whether it was put away.
    dismissed: bool,
}

impl From<UserNotification> for UserNotificationView {
    fn from(found: UserNotification) -> Self {
        Self {
            id: found.uuid,
            organization: found.target_is_organization.then_some(found.target),
            kind: found.kind,
            created: dates::rfc2822(found.created),
            metadata: serde_json::from_str(&found.metadata_json).unwrap_or_default(),
            dismissed: found.dismissed,
        }
    }
}

/// Which part of the list.
#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    page: i64,
    #[serde(default = "default_limit")]
    limit: i64,
}

const fn default_limit() -> i64 {
    5
}

/// Notifications.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserNotifications {
    /// The newest first.
    notifications: Vec<UserNotificationView>,
    /// Whether there are more.
    additional: bool,
}

/// What the caller was told, and what the organizations were told that the caller administers.
#[utoipa::path(get, path = "/api/v1/user/notifications", operation_id = "listUserNotifications",
    params(("page" = Option<i64>, Query, description = "The page, from 1; 0 is the first, too"),
        ("limit" = Option<i64>, Query, description = "How many, at most 100; 5 without it")),
    responses((status = 200, body = UserNotifications, description = "What was not put away, the newest first")))]
pub(crate) async fn list_user_notifications(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Query(page): Query<Page>,
) -> Result<Json<UserNotifications>> {
    let listed = notifications::list(&api, guard.user().id, page.page, page.limit).await?;
    Ok(Json(UserNotifications {
        notifications: listed.notifications.into_iter().map(Into::into).collect(),
        additional: listed.more,
    }))
}

/// One notification.
#[utoipa::path(get, path = "/api/v1/user/notifications/{uuid}", operation_id = "getUserNotification",
    params(("uuid" = String, Path, description = "The uuid of the notification")),
    responses((status = 200, body = UserNotificationView, description = "The notification"),
        (status = 404, description = "There is none, or it is for somebody else")))]
pub(crate) async fn get_user_notification(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
) -> Result<Json<UserNotificationView>> {
    let found = notifications::find(&api, guard.user().id, &uuid).await?;
    Ok(Json(found.into()))
}

/// What is to change of a notification.
#[derive(Deserialize, ToSchema)]
pub(crate) struct UpdateNotification {
    /// Put it away, or bring it back.
    #[serde(default, deserialize_with = "body::present")]
    dismissed: Option<bool>,
}

/// Puts a notification away, or brings it back.
#[utoipa::path(put, path = "/api/v1/user/notifications/{uuid}", operation_id = "updateUserNotification",
    params(("uuid" = String, Path, description = "The uuid of the notification")), request_body = UpdateNotification,
    responses((status = 200, body = UserNotificationView, description = "The notification as it is now"),
        (status = 404, description = "There is none, or it is for somebody else")))]
pub(crate) async fn update_user_notification(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
    Body(given): Body<UpdateNotification>,
) -> Result<Json<UserNotificationView>> {
    let dismissed = given.dismissed.unwrap_or(false);
    let found = notifications::set_dismissed(&api, guard.user().id, uuid, dismissed).await?;
    Ok(Json(found.into()))
}
