//! What the `error_type` of an answer means (api-v1.md §3.1, §5.21).

use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::{Error, ErrorType, Result};
use crate::extract::Path;
use crate::json::Json;
use crate::route::{Routes, route};
use crate::state::Api;

/// The routes of this domain.
pub(crate) fn routes() -> Routes {
    Routes::tagged("error").add(route!(get_error_description))
}

/// What an `error_type` means.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiErrorDescription {
    /// The address of this description.
    r#type: String,
    /// The `error_type`.
    title: String,
    /// What it means, for people.
    #[schema(value_type = String)]
    description: &'static str,
}

fn description(kind: ErrorType) -> &'static str {
    match kind {
        ErrorType::ExternalServiceTimeout => {
            "A service outside of this registry did not answer in time. It may do so when the request is sent again."
        }
        ErrorType::InvalidRequest => {
            "The request cannot be fulfilled as it is: a value is missing, malformed or not allowed."
        }
        ErrorType::InvalidResponse => "The requested answer cannot be given.",
        ErrorType::InvalidToken => "There are no valid credentials with the request.",
        ErrorType::ExpiredToken => "The credentials of the request have expired.",
        ErrorType::InsufficientScope => "The credentials of the request do not allow it.",
        ErrorType::FreshLoginRequired => {
            "The request needs a sign-in that is only a short while old: the password must be given again."
        }
        ErrorType::ExceedsLicense => "The request goes beyond what the license allows.",
        ErrorType::NotFound => "There is no such thing.",
        ErrorType::DownstreamIssue => "A service that this registry depends on failed.",
        ErrorType::TagImmutable => "The tag is immutable: it can be neither moved nor deleted.",
        ErrorType::TokenRotationFailed => "The token could not be replaced by a new one.",
    }
}

/// Describes an `error_type`.
#[utoipa::path(get, path = "/api/v1/error/{error_type}", operation_id = "getErrorDescription",
    params(("error_type" = String, Path, description = "The `error_type` of an answer")),
    responses((status = 200, body = ApiErrorDescription, description = "What it means")))]
pub(crate) async fn get_error_description(
    _: Caller,
    State(api): State<Api>,
    Path(error_type): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ApiErrorDescription>> {
    let kind = ErrorType::ALL
        .into_iter()
        .find(|kind| kind.name() == error_type)
        .ok_or_else(Error::not_found)?;
    let base_url = api.0.config.seen_with(&headers).base_url();
    Ok(Json(ApiErrorDescription {
        r#type: format!("{base_url}/api/v1/error/{error_type}"),
        title: error_type,
        description: description(kind),
    }))
}
