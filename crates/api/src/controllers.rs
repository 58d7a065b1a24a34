//! Controllers by domain: each parses a request, calls a rule, and maps its outcome to an answer. Each file has the routes of
//! its domain.

use axum::http::HeaderValue;

use crate::route::Routes;

pub(crate) mod discovery;
pub(crate) mod health;
pub(crate) mod key_server;
pub(crate) mod landing;
pub(crate) mod pings;
pub(crate) mod search;
pub(crate) mod superuser;
pub(crate) mod unknown;
pub(crate) mod users;

/// The `Cache-Control` of answers that are true only now, or that hold a secret.
pub(crate) const NO_CACHE: HeaderValue =
    HeaderValue::from_static("no-cache, no-store, must-revalidate");

/// Every route.
pub(crate) fn routes() -> Routes {
    [
        discovery::routes(),
        health::routes(),
        key_server::routes(),
        landing::routes(),
        pings::routes(),
        search::routes(),
        superuser::routes(),
        users::routes(),
    ]
    .into_iter()
    .fold(Routes::pages(), Routes::merge)
}
