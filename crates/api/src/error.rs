//! Refusals and failures, and the only place where one becomes an answer. The shapes are Quay's (api-v1.md §3.1): clients
//! look at `message` in some and at `error` in others.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use pierhead_auth::accounts::AccountsError;
use serde_json::json;

use crate::json;

/// A result of a controller.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Shapes b and d: `{message}`.
    #[error("{message}")]
    Message { status: StatusCode, message: String },
    /// Shape c: `{error}`, of routes that are not part of `/api/v1`.
    #[error("{error}")]
    Web {
        status: StatusCode,
        error: &'static str,
    },
    /// Shape e: the registry is read-only.
    #[error("the registry is read-only")]
    ReadOnly,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
    /// A change to accounts failed, by no fault of the caller.
    #[error(transparent)]
    Accounts(AccountsError),
}

impl Error {
    /// Shape b or d with status 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::Message {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(error) | Self::Accounts(AccountsError::Database(error)) => {
                error.is_unavailable()
            }
            Self::Accounts(AccountsError::HashingStopped) => true,
            _ => false,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Message { status, message } => {
                json::compact(status, json!({ "message": message }))
            }
            Self::Web { status, error } => json::compact(status, json!({ "error": error })),
            Self::ReadOnly => json::compact(
                StatusCode::SERVICE_UNAVAILABLE,
                json!({
                    "message": "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
                    "is_readonly": true,
                }),
            ),
            Self::Database(_) | Self::Accounts(_) => failure(&self),
        }
    }
}

/// A failure of ours: logged here with its causes, of which the caller is told nothing.
fn failure(error: &Error) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "request failed");
    if error.is_unavailable() {
        let message = "The registry cannot answer now. Try again in a few seconds.";
        let mut response = json::compact(
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "message": message }),
        );
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("5"));
        return response;
    }
    let message = "The registry failed to answer. Its log says why.";
    json::compact(
        StatusCode::INTERNAL_SERVER_ERROR,
        json!({ "message": message }),
    )
}
