//! The banners that superusers show to everybody (api-v1.md §5.21).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use pierhead_db::queries::messages::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::Result;
use crate::extract::{Body, Path};
use crate::guard::{Fresh, Plainly, SuperuserOnly};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::global_messages;
use crate::state::Api;

/// The routes of this domain.
pub(crate) fn routes() -> Routes {
    Routes::tagged("globalmessages")
        .add(route!(get_global_messages))
        .add(route!(create_global_message).when(|config| config.users.feature_super_users))
        .add(route!(delete_global_message).when(|config| config.users.feature_super_users))
}

/// The banners.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GlobalMessages {
    messages: Vec<GlobalMessage>,
}

/// A banner.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GlobalMessage {
    uuid: String,
    /// Text in its media type. Whoever shows Markdown must remove what could run.
    content: String,
    /// `info`, `warning` or `error`.
    severity: String,
    /// `text/plain` or `text/markdown`.
    media_type: String,
}

impl From<Message> for GlobalMessage {
    fn from(message: Message) -> Self {
        Self {
            uuid: message.uuid,
            content: message.content,
            severity: message.severity,
            media_type: message.media_type,
        }
    }
}

/// A banner to show.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateMessage {
    message: NewMessage,
}

/// What a banner says.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewMessage {
    /// Text in its media type.
    content: String,
    media_type: MessageMediaType,
    severity: Severity,
}

/// How a banner is written.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) enum MessageMediaType {
    #[serde(rename = "text/plain")]
    Plain,
    #[serde(rename = "text/markdown")]
    Markdown,
}

/// How loud a banner is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Info,
    Warning,
    Error,
}

/// The banners that everybody sees.
#[utoipa::path(get, path = "/api/v1/messages", operation_id = "getGlobalMessages",
    responses((status = 200, body = GlobalMessages, description = "The banners")))]
pub(crate) async fn get_global_messages(
    _: Caller,
    State(api): State<Api>,
) -> Result<Json<GlobalMessages>> {
    let messages = global_messages::list(&api).await?;
    Ok(Json(GlobalMessages {
        messages: messages.into_iter().map(GlobalMessage::from).collect(),
    }))
}

/// Shows a banner to everybody.
#[utoipa::path(post, path = "/api/v1/messages", operation_id = "createGlobalMessage", request_body = CreateMessage,
    responses((status = 201, description = "The banner is shown")))]
pub(crate) async fn create_global_message(
    _: Fresh<Plainly<SuperuserOnly>>,
    State(api): State<Api>,
    Body(CreateMessage { message }): Body<CreateMessage>,
) -> Result<Response> {
    let media_type = match message.media_type {
        MessageMediaType::Plain => "text/plain",
        MessageMediaType::Markdown => "text/markdown",
    };
    let severity = match message.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    global_messages::create(&api, message.content, media_type, severity).await?;
    Ok(StatusCode::CREATED.into_response())
}

/// Removes a banner.
#[utoipa::path(delete, path = "/api/v1/message/{uuid}", operation_id = "deleteGlobalMessage",
    params(("uuid" = String, Path, description = "The banner")),
    responses((status = 204, description = "The banner is gone")))]
pub(crate) async fn delete_global_message(
    _: Fresh<Plainly<SuperuserOnly>>,
    State(api): State<Api>,
    Path(uuid): Path<String>,
) -> Result<NoContent> {
    global_messages::delete(&api, uuid).await?;
    Ok(NoContent)
}
