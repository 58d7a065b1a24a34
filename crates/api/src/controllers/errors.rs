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

/// In Quay's words, which clients may show.
fn description(kind: ErrorType) -> &'static str {
    match kind {
        ErrorType::ExternalServiceTimeout => {
            "An external service timed out. Retrying the request may resolve the issue."
        }
        ErrorType::InvalidRequest => {
            "The request was invalid. It may have contained invalid values or was improperly formatted."
        }
        ErrorType::InvalidResponse => "The response was invalid.",
        ErrorType::InvalidToken => "The access token provided was invalid.",
        ErrorType::ExpiredToken => "The access token provided has expired.",
        ErrorType::InsufficientScope => {
            "The access token did not have sufficient scope to access the requested resource."
        }
        ErrorType::FreshLoginRequired => "The action requires a fresh login to succeed.",
        ErrorType::ExceedsLicense => {
            "The action was refused because the current license does not allow it."
        }
        ErrorType::NotFound => "The resource was not found.",
        ErrorType::DownstreamIssue => "An error occurred in a downstream service.",
        ErrorType::TagImmutable => "The tag is immutable and cannot be modified or deleted.",
        ErrorType::TokenRotationFailed => "Token rotation failed.",
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
