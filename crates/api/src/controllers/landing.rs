//! `GET /`: the page for whoever opens the registry in a browser; and the pages that links of mails lead to and for which
//! Quay shows its console: `/updateuser` and `/confirminvite`.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::NO_CACHE;
use super::mail_links::Link;
use crate::error::Result;
use crate::extract::Query;
use crate::first_user;
use crate::guard::Anyone;
use crate::landing;
use crate::route::Routes;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/", page)
        .get("/updateuser", page)
        .get("/confirminvite", confirm_invite)
}

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The page, with how to make the first user as long as there is none.
async fn page(_: Anyone, State(api): State<Api>, headers: HeaderMap) -> Response {
    show(&api, &headers).await
}

/// The page, also where Quay shows its console.
pub(super) async fn show(api: &Api, headers: &HeaderMap) -> Response {
    let config = api.0.config.seen_with(headers);
    let first_user = first_user::wanted(&api.0.db, &api.0.config).await;
    let page = html(StatusCode::OK, landing::page(&config, first_user));
    ([(CACHE_CONTROL, NO_CACHE)], page).into_response()
}

/// How to accept an invitation: whoever follows the link is to sign in first.
async fn confirm_invite(_: Anyone, Query(invitation): Query<Link>) -> Result<Response> {
    let text = format!(
        "You were invited to a team. To join it, sign in and send PUT /api/v1/teaminvite/{}",
        invitation.code()?
    );
    let page = html(
        StatusCode::OK,
        landing::message("Invitation to a team", &text),
    );
    Ok(([(CACHE_CONTROL, NO_CACHE)], page).into_response())
}

/// A page that may load nothing and run nothing.
pub(super) fn html(status: StatusCode, page: String) -> Response {
    let headers = [
        (CONTENT_TYPE, HTML),
        (CONTENT_SECURITY_POLICY, landing::content_security_policy()),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (status, headers, page).into_response()
}
