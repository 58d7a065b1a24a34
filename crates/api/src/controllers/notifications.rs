//! Notification hooks of repositories, organizations and people (api-v1.md §5.12).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::extract::body;
use crate::route::Routes;
use crate::services::notifications::{NewNotification, Notification};

mod organization;
mod repository;
mod user;

/// The routes of this domain.
pub(crate) fn routes() -> Routes {
    repository::routes()
        .merge(organization::routes())
        .merge(user::routes())
}

/// A hook: what somebody is told about, and how.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
pub(crate) struct NotificationView {
    uuid: String,
    /// For people.
    title: Option<String>,
    /// What they are told about.
    event: String,
    /// How they are told.
    method: String,
    /// Settings of the method.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// Settings of the event.
    #[schema(value_type = Object)]
    event_config: Map<String, Value>,
    /// Failed deliveries in a row; from three on nothing is delivered.
    number_of_failures: i32,
}

impl From<Notification> for NotificationView {
    fn from(notification: Notification) -> Self {
        Self {
            uuid: notification.uuid,
            title: notification.title,
            event: notification.event,
            method: notification.method,
            config: notification.config,
            event_config: notification.event_config,
            number_of_failures: notification.number_of_failures,
        }
    }
}

/// Hooks, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notifications {
    notifications: Vec<NotificationView>,
}

impl From<Vec<Notification>> for Notifications {
    fn from(notifications: Vec<Notification>) -> Self {
        Self {
            notifications: notifications
                .into_iter()
                .map(NotificationView::from)
                .collect(),
        }
    }
}

/// A hook to make.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NotificationCreateRequest {
    /// What somebody wants to be told about.
    event: String,
    /// How: `quay_notification`, `email`, `webhook`, `slack`, `flowdock` or `hipchat`.
    method: String,
    /// Settings of the method.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// Settings of the event.
    #[serde(rename = "eventConfig")]
    #[schema(value_type = Object)]
    event_config: Map<String, Value>,
    /// For people.
    #[serde(default, deserialize_with = "body::present")]
    title: Option<String>,
}

impl From<NotificationCreateRequest> for NewNotification {
    fn from(request: NotificationCreateRequest) -> Self {
        Self {
            event: request.event,
            method: request.method,
            config: request.config,
            event_config: request.event_config,
            title: request.title,
        }
    }
}

/// Nothing to tell.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queued {}
