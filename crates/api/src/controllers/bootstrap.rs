//! `POST /api/v1/bootstrap/renew` (Quay 3.18): automation replaces its bootstrap token. The new one is in the file of
//! `BOOTSTRAP_TOKEN_PATH`, not in the answer.
//!
//! The token itself is the credential; there is no session, so no CSRF. An expired token is accepted from the machine itself,
//! which says so in a header that the front proxy takes from everybody else. This server is its own front, so it asks the
//! address of the caller too.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Redirect;
use chrono::Duration;
use pierhead_auth::accounts::{Bootstrap, BootstrapError};
use pierhead_config::Secret;
use pierhead_http::Peer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::bearer;
use crate::error::{Error, ErrorType, Result};
use crate::guard::Anyone;
use crate::json::Json;
use crate::route::{Route, Routes, route};
use crate::state::Api;

/// With the value `local` if the caller is on this machine.
const LOCATION_HEADER: &str = "x-quay-bootstrap-renewal-location";

/// Quay's front proxy leads from here to the route.
const SLASH: &str = "/api/v1/bootstrap/renew/";

pub(crate) fn routes() -> Routes {
    Routes::tagged("bootstrap")
        .add(route!(renew).when(|config| config.tokens.feature_programmatic_bootstrap))
        .add(Route::page(Method::POST, SLASH, without_slash))
}

#[derive(Debug, Serialize, ToSchema)]
struct Renewed {
    /// `rotated`.
    status: &'static str,
}

/// 307: the method and the body stay.
async fn without_slash(_: Anyone) -> Redirect {
    Redirect::temporary("/api/v1/bootstrap/renew")
}

#[utoipa::path(post, path = "/api/v1/bootstrap/renew", operation_id = "renewBootstrapToken",
    responses((status = 200, body = Renewed, description = "A new token is in the file of BOOTSTRAP_TOKEN_PATH"),
        (status = 401, description = "The token is not the bootstrap token"),
        (status = 500, description = "The file cannot be written; the old token is still good")))]
async fn renew(
    _: Anyone,
    State(api): State<Api>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Json<Renewed>> {
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let token = bearer(&headers).ok_or_else(no_bootstrap_token)?;
    let local = headers
        .get(LOCATION_HEADER)
        .is_some_and(|value| value == "local")
        && peer.is_some_and(|Extension(peer)| peer.address.is_loopback());
    let Some(bootstrap) = settings(&api) else {
        return Err(other_token(&api, token).await);
    };
    let renewed = api
        .accounts()
        .renew_bootstrap(&bootstrap, &Secret::new(token), local)
        .await;
    match renewed {
        Ok(owner) => {
            api.auth().forget_principal(owner);
            Ok(Json(Renewed { status: "rotated" }))
        }
        Err(BootstrapError::NotABootstrapToken) => Err(other_token(&api, token).await),
        Err(BootstrapError::Expired) => Err(no_bootstrap_token()),
        Err(error @ BootstrapError::File { .. }) => {
            tracing::error!(%error, "the bootstrap token was not renewed");
            Err(Error::exception(
                ErrorType::TokenRotationFailed,
                StatusCode::INTERNAL_SERVER_ERROR,
                "Token rotation failed: could not write token",
            ))
        }
        Err(BootstrapError::Accounts(error)) => Err(error.into()),
        Err(error) => Err(Error::Internal(error.to_string())),
    }
}

/// The configuration of the token; none while its owner is no superuser.
fn settings(api: &Api) -> Option<Bootstrap> {
    let config = api.config();
    let tokens = &config.tokens;
    let owner = tokens.bootstrap_token_owner.clone()?;
    config
        .users
        .super_users
        .contains(&owner)
        .then(|| Bootstrap {
            owner,
            scope: tokens.bootstrap_token_scope.clone(),
            lifetime: Duration::seconds(tokens.bootstrap_token_expiration.into()),
            path: tokens.bootstrap_token_path.clone(),
        })
}

/// The answer to a token that is not the bootstrap token: 403 if it is a good token of somebody.
async fn other_token(api: &Api, token: &str) -> Error {
    if api.auth().oauth_token(token).await.is_ok() {
        return Error::exception(
            ErrorType::InsufficientScope,
            StatusCode::FORBIDDEN,
            "Unauthorized",
        );
    }
    no_bootstrap_token()
}

fn no_bootstrap_token() -> Error {
    Error::exception(
        ErrorType::InvalidToken,
        StatusCode::UNAUTHORIZED,
        "Requires valid bootstrap bearer token",
    )
}
