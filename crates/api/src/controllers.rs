//! Controllers by domain: each parses a request, calls a rule, and maps its outcome to an answer.

pub(crate) mod discovery;
pub(crate) mod health;
pub(crate) mod key_server;
pub(crate) mod landing;
pub(crate) mod pings;
pub(crate) mod unknown;
pub(crate) mod users;

use axum::http::HeaderValue;

/// The `Cache-Control` of answers that are true only now, or that hold a secret.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache, no-store, must-revalidate");
