//! `GET /oauth2/federation/robot/token` (api-v1.md §6.3): a program shows a token of an identity provider that its robot trusts,
//! in the place of the robot's password, and gets a password for an hour.

use axum::Extension;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::FederationError;
use pierhead_auth::accounts::{Actor, Event};
use pierhead_http::Peer;
use serde_json::json;

use super::NO_CACHE;
use crate::error::{Error, Result};
use crate::extract::basic;
use crate::guard::Anyone;
use crate::json;
use crate::route::Routes;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages().get("/oauth2/federation/robot/token", exchange)
}

async fn exchange(
    _: Anyone,
    State(api): State<Api>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response> {
    let unauthorized = |text: &str| Error::web(StatusCode::UNAUTHORIZED, text);
    if !headers.contains_key(AUTHORIZATION) {
        return Err(unauthorized("No auth header"));
    }
    let (username, token) =
        basic(&headers).ok_or_else(|| unauthorized("Invalid basic auth header"))?;
    let exchanged = api
        .auth()
        .federated_robot(api.federation(), &username, &token)
        .await;
    let given = exchanged.map_err(|error| match error {
        FederationError::InvalidRobot => unauthorized("Invalid robot"),
        FederationError::Database(error) => error.into(),
        error if error.is_internal() => Error::Internal(error.to_string()),
        // As Quay answers everything that is wrong with the robot or the token.
        error => Error::bad_request(error.to_string()),
    })?;
    let actor = Actor {
        user: Some(given.robot.id),
        ip: peer.map(|Extension(peer)| peer.address.to_string()),
        ..Actor::default()
    };
    let (namespace, short) = given
        .robot
        .username
        .split_once('+')
        .unwrap_or((&given.robot.username, ""));
    let account = api.auth().namespace_rights(None, namespace).await?.id;
    if let Some(account) = account.filter(|_| !api.is_read_only()) {
        let event = Event {
            kind: "federated_robot_token_exchange",
            account,
            repository: None,
            metadata: json!({
                "subject": given.subject,
                "issuer": given.issuer,
                "robot": short,
            }),
        };
        let (accounts, now) = (api.accounts().clone(), api.accounts().now());
        api.accounts()
            .write(move |conn| {
                Box::pin(async move { accounts.record(conn, &actor, now, event).await })
            })
            .await?;
    }
    let answer = json::compact(StatusCode::OK, json!({ "token": given.token.expose() }));
    Ok(([(CACHE_CONTROL, NO_CACHE)], answer).into_response())
}
