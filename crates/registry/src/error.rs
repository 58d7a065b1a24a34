//! The error bodies of the OCI distribution specification, with Quay's own codes (`endpoints/v2/errors.py`).
//!
//! Services return [`Error`]; this is the only place where one becomes an answer.

use axum::http::header::{ALLOW, CONTENT_TYPE, LOCATION, RANGE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use pierhead_http::{RequestId, current_request_id};
use pierhead_oci::range::UploadedRange;
use serde_json::{Value, json};

/// A result of the registry.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A code of the specification or of Quay, with its text and its usual status.
#[allow(
    clippy::struct_field_names,
    reason = "the fields are called as in the answer"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The value of `code`.
    pub code: &'static str,
    /// The value of `message`, unless the error has a better one.
    pub message: &'static str,
    /// The status.
    pub status: StatusCode,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:ident, $message:literal;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self {
                code: $code,
                message: $message,
                status: StatusCode::$status,
            };)*
        }
    };
}

codes! {
    /// The repository does not have the blob.
    BLOB_UNKNOWN = "BLOB_UNKNOWN", NOT_FOUND, "blob unknown to registry";
    /// The upload cannot go on like this.
    BLOB_UPLOAD_INVALID = "BLOB_UPLOAD_INVALID", BAD_REQUEST, "blob upload invalid";
    /// No such upload of this repository and principal.
    BLOB_UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN", NOT_FOUND, "blob upload unknown to registry";
    /// The content does not have the digest, or it is malformed.
    DIGEST_INVALID = "DIGEST_INVALID", BAD_REQUEST, "provided digest did not match uploaded content";
    /// A manifest names a blob or manifest that the repository does not have.
    MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN", BAD_REQUEST, "manifest blob unknown to registry";
    /// The manifest breaks a rule.
    MANIFEST_INVALID = "MANIFEST_INVALID", BAD_REQUEST, "manifest invalid";
    /// The manifest is of a type that is not stored.
    MANIFEST_UNSUPPORTED = "MANIFEST_INVALID", UNSUPPORTED_MEDIA_TYPE, "manifest invalid";
    /// The manifest is over the limit.
    MANIFEST_TOO_LARGE = "SIZE_INVALID", PAYLOAD_TOO_LARGE, "manifest exceeds the size limit";
    /// The repository does not have the manifest.
    MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN", NOT_FOUND, "manifest unknown";
    /// The tag was there once (Quay).
    TAG_EXPIRED = "TAG_EXPIRED", NOT_FOUND, "Tag was deleted or has expired";
    /// The repository name is malformed.
    NAME_INVALID = "NAME_INVALID", BAD_REQUEST, "invalid repository name";
    /// There is no such repository.
    NAME_UNKNOWN = "NAME_UNKNOWN", NOT_FOUND, "repository name not known to registry";
    /// A size contradicts the content.
    SIZE_INVALID = "SIZE_INVALID", BAD_REQUEST, "provided length did not match content length";
    /// The blob is over the limit.
    BLOB_TOO_LARGE = "SIZE_INVALID", PAYLOAD_TOO_LARGE, "uploaded blob exceeds the size limit";
    /// The tag name is malformed.
    TAG_INVALID = "TAG_INVALID", BAD_REQUEST, "manifest tag did not match URI";
    /// More tags in one push than it may set.
    TOO_MANY_TAGS = "TAG_INVALID", URI_TOO_LONG, "too many tags";
    /// The tag may be neither moved nor deleted (Quay).
    TAG_IMMUTABLE = "TAG_IMMUTABLE", CONFLICT, "tag is immutable";
    /// The namespace is disabled, or the registry is read-only (Quay answers 405).
    DENIED = "DENIED", METHOD_NOT_ALLOWED, "requested access to the resource is denied";
    /// `DISABLE_PUSHES` (the code has spaces in Quay).
    PUSHES_DISABLED = "METHOD NOT ALLOWED", METHOD_NOT_ALLOWED,
        "Pushes to the registry are currently disabled. Please contact the administrator for more information.";
    /// No, wrong or expired credentials, or no right to it, or no such repository: it does not say which.
    UNAUTHORIZED = "UNAUTHORIZED", UNAUTHORIZED, "access to the requested resource is not authorized";
    /// Nothing that this registry does.
    UNSUPPORTED = "UNSUPPORTED", METHOD_NOT_ALLOWED, "The operation is unsupported.";
    /// A parameter or header is malformed.
    INVALID_REQUEST = "INVALID_REQUEST", BAD_REQUEST, "Invalid request";
    /// Too many attempts.
    TOO_MANY_REQUESTS = "TOOMANYREQUESTS", TOO_MANY_REQUESTS, "too many requests";
    /// A part that the registry needs does not answer now.
    UNAVAILABLE = "UNAVAILABLE", SERVICE_UNAVAILABLE,
        "the registry cannot reach its database or storage right now; try again";
    /// Our fault.
    UNKNOWN = "UNKNOWN", INTERNAL_SERVER_ERROR, "internal error";
}

/// Why a request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A refusal with its body.
    #[error("{}: {}", .0.code.code, .0.text())]
    Refused(Box<Refusal>),
    /// No access: the answer carries a challenge.
    #[error("not authorized")]
    Unauthorized(Box<Challenge>),
    /// The chunk does not continue the upload, which goes on existing.
    #[error("the chunk does not start at byte {received}")]
    RangeNotSatisfiable {
        /// Where the upload is.
        location: String,
        /// Its id.
        uuid: String,
        /// Bytes acknowledged.
        received: u64,
    },
    /// The client went away or stalled inside the body.
    #[error("the request body ended early: {0}")]
    Body(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] pierhead_storage::Error),
    /// A row holds what should not be there.
    #[error("the database holds {0}")]
    Corrupt(String),
    /// The audit log does not take the row, and `ALLOW_PULLS_WITHOUT_STRICT_LOGGING` is off.
    #[error("the audit log cannot take more entries now")]
    AuditLog,
}

/// A refusal: code, and what is particular about it.
#[derive(Debug)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// A better text than the code's.
    pub message: Option<String>,
    /// The value of `detail`.
    pub detail: Value,
    /// Seconds until it is worth trying again.
    pub retry_after: Option<u64>,
}

/// A 401 answer.
#[derive(Debug)]
pub struct Challenge {
    /// `WWW-Authenticate`.
    pub header: HeaderValue,
    /// The text of the error.
    pub message: Option<String>,
}

impl Refusal {
    fn text(&self) -> &str {
        self.message.as_deref().unwrap_or(self.code.message)
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::Refused(Box::new(Refusal {
            code,
            message: None,
            detail: json!({}),
            retry_after: None,
        }))
    }
}

impl Error {
    /// A refusal with its own message.
    pub fn saying(code: Code, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal {
            code,
            message: Some(message.into()),
            detail: json!({}),
            retry_after: None,
        }))
    }

    /// A refusal with `detail: {"message": …}`, as Quay words the faults of manifests.
    pub fn detailed(code: Code, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal {
            code,
            message: None,
            detail: json!({ "message": message.into() }),
            retry_after: None,
        }))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.code.status,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::RangeNotSatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Database(error) if error.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Storage(pierhead_storage::Error::NoSpace { .. }) => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            Self::Storage(pierhead_storage::Error::Busy { .. }) => StatusCode::CONFLICT,
            Self::AuditLog => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(_) | Self::Storage(_) | Self::Corrupt(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

/// The JSON body of one error.
pub(crate) fn body(code: &str, message: &str, detail: &Value) -> Value {
    json!({ "errors": [{ "code": code, "detail": detail, "message": message }] })
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            let request = current_request_id();
            let request_id = request.as_ref().map(RequestId::as_str);
            tracing::error!(
                error = &self as &dyn std::error::Error,
                request_id,
                "request failed"
            );
        }
        let nothing = json!({});
        let mut response = match &self {
            Self::Refused(refusal) => {
                let mut response = answer(
                    status,
                    &body(refusal.code.code, refusal.text(), &refusal.detail),
                );
                if let Some(seconds) = refusal.retry_after {
                    response.headers_mut().insert(RETRY_AFTER, seconds.into());
                }
                if refusal.code == Code::UNSUPPORTED {
                    response
                        .headers_mut()
                        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                }
                response
            }
            Self::Unauthorized(challenge) => {
                let code = Code::UNAUTHORIZED;
                let message = challenge.message.as_deref().unwrap_or(code.message);
                let mut response = answer(status, &body(code.code, message, &nothing));
                let headers = response.headers_mut();
                headers.insert(
                    axum::http::header::WWW_AUTHENTICATE,
                    challenge.header.clone(),
                );
                headers.insert("docker-distribution-api-version", API_VERSION);
                response
            }
            Self::RangeNotSatisfiable {
                location,
                uuid,
                received,
            } => {
                let mut response = status.into_response();
                let headers = response.headers_mut();
                let received = UploadedRange {
                    received: *received,
                };
                insert(headers, LOCATION, location);
                insert(headers, RANGE, &received.to_string());
                insert(headers, DOCKER_UPLOAD_UUID, uuid);
                response
            }
            Self::Body(reason) => answer(
                status,
                &body(Code::BLOB_UPLOAD_INVALID.code, reason, &nothing),
            ),
            Self::Storage(pierhead_storage::Error::NoSpace { .. }) => answer(
                status,
                &body(
                    "DENIED",
                    "no space is left on the registry's storage",
                    &nothing,
                ),
            ),
            Self::Storage(pierhead_storage::Error::Busy { .. }) => answer(
                status,
                &body(
                    Code::BLOB_UPLOAD_INVALID.code,
                    "another request is writing to this upload",
                    &nothing,
                ),
            ),
            _ => {
                let code = if status == StatusCode::SERVICE_UNAVAILABLE {
                    Code::UNAVAILABLE
                } else {
                    Code::UNKNOWN
                };
                answer(status, &body(code.code, code.message, &nothing))
            }
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// `registry/2.0`, the value of `Docker-Distribution-API-Version`.
pub(crate) const API_VERSION: HeaderValue = HeaderValue::from_static("registry/2.0");
/// The id of an upload.
pub(crate) const DOCKER_UPLOAD_UUID: axum::http::HeaderName =
    axum::http::HeaderName::from_static("docker-upload-uuid");

/// A JSON answer.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    let mut text = body.to_string();
    text.push('\n');
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}

/// Sets a header whose value was made of checked parts; one that is no header value is left out.
pub(crate) fn insert(
    headers: &mut axum::http::HeaderMap,
    name: axum::http::HeaderName,
    value: &str,
) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
