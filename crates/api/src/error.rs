//! Refusals and failures, and the only place where one becomes an answer. The shapes are Quay's (api-v1.md §3.1): clients
//! look at `message` in some, at `error` in others, and at `error_type` in most.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use pierhead_auth::accounts::AccountsError;
use pierhead_db::encoding::EncodingError;
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::json;
use crate::state::Api;

/// A result of a handler or a rule.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What the framework says of a 400 that it has no better words for.
pub(crate) const NOT_UNDERSTOOD: &str =
    "The browser (or proxy) sent a request that this server could not understand.";

/// `error_type` of shape a.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    ExternalServiceTimeout,
    InvalidRequest,
    InvalidResponse,
    InvalidToken,
    ExpiredToken,
    InsufficientScope,
    FreshLoginRequired,
    ExceedsLicense,
    NotFound,
    DownstreamIssue,
    TagImmutable,
    TokenRotationFailed,
}

impl ErrorType {
    /// Every one.
    pub(crate) const ALL: [Self; 12] = [
        Self::ExternalServiceTimeout,
        Self::InvalidRequest,
        Self::InvalidResponse,
        Self::InvalidToken,
        Self::ExpiredToken,
        Self::InsufficientScope,
        Self::FreshLoginRequired,
        Self::ExceedsLicense,
        Self::NotFound,
        Self::DownstreamIssue,
        Self::TagImmutable,
        Self::TokenRotationFailed,
    ];

    /// Its name, in answers and in `/api/v1/error/<name>`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ExternalServiceTimeout => "external_service_timeout",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidResponse => "invalid_response",
            Self::InvalidToken => "invalid_token",
            Self::ExpiredToken => "expired_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::FreshLoginRequired => "fresh_login_required",
            Self::ExceedsLicense => "exceeds_license",
            Self::NotFound => "not_found",
            Self::DownstreamIssue => "downstream_issue",
            Self::TagImmutable => "tag_immutable",
            Self::TokenRotationFailed => "token_rotation_failed",
        }
    }
}

/// Shape a: what `/api/v1` says of most refusals.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    /// What kind.
    pub(crate) kind: ErrorType,
    /// The status.
    pub(crate) status: StatusCode,
    /// For people.
    pub(crate) text: Option<String>,
    /// Further keys at the top level.
    pub(crate) payload: Map<String, Value>,
}

/// Why a request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Shape a.
    #[error("{}", .0.text.as_deref().unwrap_or(.0.kind.name()))]
    Exception(Box<Exception>),
    /// Shapes b, d, h and j: `{message}`.
    #[error("{message}")]
    Message { status: StatusCode, message: String },
    /// Shape b of a parameter of the query: `{message: {parameter: text}}`.
    #[error("{parameter}: {message}")]
    Parameter { parameter: String, message: String },
    /// Shape c: `{error}`.
    #[error("{error}")]
    Web { status: StatusCode, error: String },
    /// A page of Quay's framework, for programs that read none: the status and a sentence.
    #[error("{text}")]
    Page {
        status: StatusCode,
        text: &'static str,
    },
    /// Shape g: `{detail}`.
    #[error("{detail}")]
    Detail { status: StatusCode, detail: String },
    /// Shape e: the registry is read-only.
    #[error("the registry is read-only")]
    ReadOnly,
    /// Shape f: too many failed sign-ins.
    #[error("too many failed sign-ins")]
    TooManyAttempts { retry_after_s: u64 },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
    /// A change to accounts failed, by no fault of the caller.
    #[error(transparent)]
    Accounts(AccountsError),
    /// The registry failed, by no fault of the caller.
    #[error(transparent)]
    Registry(Box<pierhead_registry::Error>),
    /// A stored value cannot be read, or one cannot be made.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// Something else that is no fault of the caller.
    #[error("{0}")]
    Internal(String),
    /// The operating system gave no random bytes.
    #[error("the operating system's random number generator failed")]
    NoRandom,
    /// An answer has no JSON form.
    #[error("an answer could not be written as JSON")]
    Answer(#[source] serde_json::Error),
}

impl Error {
    /// Shape a.
    pub(crate) fn exception(kind: ErrorType, status: StatusCode, text: impl Into<String>) -> Self {
        Self::Exception(Box::new(Exception {
            kind,
            status,
            text: Some(text.into()),
            payload: Map::new(),
        }))
    }

    /// Shape a with keys of its own.
    pub(crate) fn with_payload(self, payload: Map<String, Value>) -> Self {
        match self {
            Self::Exception(exception) => Self::Exception(Box::new(Exception {
                payload,
                ..*exception
            })),
            other => other,
        }
    }

    /// Shape a, 400 `invalid_request`.
    pub(crate) fn invalid_request(text: impl Into<String>) -> Self {
        Self::exception(ErrorType::InvalidRequest, StatusCode::BAD_REQUEST, text)
    }

    /// Shape a, 404 `not_found`.
    pub(crate) fn not_found() -> Self {
        Self::exception(ErrorType::NotFound, StatusCode::NOT_FOUND, "Not Found")
    }

    /// Shape a for who may not do this: 401 `invalid_token` for callers without an account, 403 `insufficient_scope` for others.
    pub(crate) fn unauthorized(caller: &Caller) -> Self {
        if caller.user().is_none() {
            let text = "Requires authentication";
            Self::exception(ErrorType::InvalidToken, StatusCode::UNAUTHORIZED, text)
        } else {
            Self::exception(
                ErrorType::InsufficientScope,
                StatusCode::FORBIDDEN,
                "Unauthorized",
            )
        }
    }

    /// Shape a, 401 `fresh_login_required`.
    pub(crate) fn fresh_login() -> Self {
        Self::exception(
            ErrorType::FreshLoginRequired,
            StatusCode::UNAUTHORIZED,
            "Requires fresh login",
        )
    }

    /// Shape d, 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::message(StatusCode::BAD_REQUEST, message)
    }

    /// Shape b or d.
    pub(crate) fn message(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Message {
            status,
            message: message.into(),
        }
    }

    /// Shape b of a parameter of the query.
    pub(crate) fn parameter(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Parameter {
            parameter: parameter.into(),
            message: message.into(),
        }
    }

    /// Shape c.
    pub(crate) fn web(status: StatusCode, error: impl Into<String>) -> Self {
        Self::Web {
            status,
            error: error.into(),
        }
    }

    /// The framework's page of a 400.
    pub(crate) fn not_understood() -> Self {
        Self::Page {
            status: StatusCode::BAD_REQUEST,
            text: NOT_UNDERSTOOD,
        }
    }

    /// Shape g.
    pub(crate) fn detail(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Detail {
            status,
            detail: detail.into(),
        }
    }

    /// Shape b of an address that nothing is served at, a feature that is off included.
    pub(crate) fn no_such_page() -> Self {
        Self::message(
            StatusCode::NOT_FOUND,
            "The requested URL was not found on the server. If you entered the URL manually please check your spelling \
             and try again.",
        )
    }

    /// Shape d also for what does not exist: where Quay lets its data model say it.
    pub(crate) fn from_data_model(error: AccountsError) -> Self {
        if error.is_internal() {
            Self::Accounts(error)
        } else {
            Self::bad_request(error.to_string())
        }
    }

    /// Whether the database cannot store a value that the caller gave, such as a text with U+0000.
    fn is_callers_value(&self) -> bool {
        match self {
            Self::Database(error) | Self::Accounts(AccountsError::Database(error)) => {
                error.refuses_data()
            }
            _ => false,
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

impl From<pierhead_registry::Error> for Error {
    fn from(error: pierhead_registry::Error) -> Self {
        match error {
            pierhead_registry::Error::Database(error) => Self::Database(error),
            error => Self::Registry(Box::new(error)),
        }
    }
}

impl From<AccountsError> for Error {
    /// Shape a for what does not exist, shape d for other refusals.
    fn from(error: AccountsError) -> Self {
        if error.is_internal() {
            Self::Accounts(error)
        } else if error.is_not_found() {
            Self::not_found()
        } else {
            Self::bad_request(error.to_string())
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Exception(exception) => {
                // The body has an absolute address, which only `finish` knows.
                let mut response = exception.status.into_response();
                response.extensions_mut().insert(Unfinished(*exception));
                response
            }
            Self::Message { status, message } => {
                json::compact(status, json!({ "message": message }))
            }
            Self::Parameter { parameter, message } => json::compact(
                StatusCode::BAD_REQUEST,
                json!({ "message": { parameter: message } }),
            ),
            Self::Web { status, error } => json::compact(status, json!({ "error": error })),
            Self::Page { status, text } => page(status, text),
            Self::Detail { status, detail } => json::compact(status, json!({ "detail": detail })),
            Self::ReadOnly => json::compact(
                StatusCode::SERVICE_UNAVAILABLE,
                json!({
                    "message": "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
                    "is_readonly": true,
                }),
            ),
            Self::TooManyAttempts { retry_after_s } => (
                StatusCode::TOO_MANY_REQUESTS,
                [
                    (RETRY_AFTER, retry_after_s.to_string()),
                    (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
                ],
                "Too many login attempts. \nPlease reset your Quay password and try again.",
            )
                .into_response(),
            error if error.is_callers_value() => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the database refused a value of a request"
                );
                Self::invalid_request(
                    "A value has characters that cannot be stored, or is too long.",
                )
                .into_response()
            }
            Self::Database(_)
            | Self::Accounts(_)
            | Self::Registry(_)
            | Self::Encoding(_)
            | Self::Internal(_)
            | Self::NoRandom
            | Self::Answer(_) => failure(&self),
        }
    }
}

fn page(status: StatusCode, text: &str) -> Response {
    let name = status.canonical_reason().unwrap_or_default();
    let code = status.as_u16();
    let page = format!(
        "<!doctype html>\n<html lang=en>\n<title>{code} {name}</title>\n<h1>{name}</h1>\n<p>{text}</p>\n"
    );
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(CONTENT_TYPE, html)], page).into_response()
}

/// An exception whose body is still to be written.
#[derive(Clone)]
struct Unfinished(Exception);

/// Writes the bodies of exceptions.
pub(crate) async fn finish(State(api): State<Api>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Unfinished>() {
        None => response,
        Some(Unfinished(exception)) => {
            let base_url = api.0.config.seen_with(&headers).base_url();
            let mut body = exception.payload;
            if let Some(text) = exception.text {
                body.insert("detail".to_owned(), json!(text));
                body.insert("error_message".to_owned(), json!(text));
            }
            let name = exception.kind.name();
            body.insert("error_type".to_owned(), json!(name));
            body.insert("title".to_owned(), json!(name));
            body.insert(
                "type".to_owned(),
                json!(format!("{base_url}/api/v1/error/{name}")),
            );
            body.insert("status".to_owned(), json!(exception.status.as_u16()));
            let mut finished = json::answer(exception.status, &body);
            finished.headers_mut().extend(
                std::mem::take(response.headers_mut())
                    .into_iter()
                    .filter_map(|(name, value)| Some((name?, value))),
            );
            finished
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
