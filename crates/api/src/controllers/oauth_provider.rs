//! `/oauth`: the OAuth provider for programs that use the API (api-v1.md §6.2). Rules are in [`crate::services::oauth_provider`].

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION, PRAGMA};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::accounts::{
    AssignedGrant, CodeExchange, ExchangeError, OAUTH_TOKEN_LIFETIME_S, belongs_to_application,
};
use pierhead_config::Secret;
use serde_json::{Value, json};

use super::NO_CACHE;
use crate::error::{Error, Result};
use crate::extract::basic;
use crate::extract::form::Form;
use crate::guard::{Anyone, BasicOrSession};
use crate::json;
use crate::oauth_pages::{self, Consent};
use crate::route::{Route, Routes};
use crate::services::oauth_provider::{self, Outcome, Request};
use crate::state::Api;
use crate::views::avatar::Avatar;
use crate::views::oauth::{ScopeView, avatar, owner_avatar};

const JSON_UTF8: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/oauth/authorize", authorize)
        .add(Route::page(
            Method::POST,
            "/oauth/authorizeapp",
            authorize_application,
        ))
        .add(Route::page(
            Method::POST,
            "/oauth/denyapp",
            deny_application,
        ))
        .add(
            Route::page(Method::POST, "/oauth/authorize/assignuser", assign_user)
                .when(|config| config.tokens.feature_assign_oauth_token),
        )
        .add(Route::page(
            Method::POST,
            "/oauth/access_token",
            access_token,
        ))
        .get("/oauth/localapp", local_page)
}

fn web(status: StatusCode, text: &str) -> Error {
    Error::web(status, text)
}

/// The request of a browser, by a way to find its parameters.
fn request<'f>(find: impl Fn(&str) -> Option<&'f str>) -> Request {
    let text = |name: &str| find(name).unwrap_or_default().to_owned();
    let given = |name: &str| {
        find(name)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    Request {
        response_type: find("response_type").unwrap_or("code").to_owned(),
        client_id: text("client_id"),
        redirect_uri: text("redirect_uri"),
        scope: text("scope"),
        state: given("state"),
        assignment: given("assignment_uuid"),
    }
}

/// An assignment is of a token, and only if there can be any.
fn check_assignment(api: &Api, request: &Request) -> Result<()> {
    let possible =
        api.config().tokens.feature_assign_oauth_token && request.response_type == "token";
    if request.assignment.is_some() && !possible {
        return Err(web(StatusCode::BAD_REQUEST, "Invalid Request"));
    }
    Ok(())
}

fn answer(outcome: Outcome) -> Result<Response> {
    match outcome {
        Outcome::Redirect(target) => {
            let location = HeaderValue::from_str(&target)
                .map_err(|_| web(StatusCode::BAD_REQUEST, "invalid_request"))?;
            let headers = [(LOCATION, location), (CACHE_CONTROL, NO_CACHE)];
            Ok((StatusCode::FOUND, headers).into_response())
        }
        Outcome::Refused(error) => Ok(oauth_error(error)),
    }
}

/// RFC 6749 §5.2.
fn oauth_error(error: &str) -> Response {
    oauth_json(StatusCode::BAD_REQUEST, &json!({ "error": error }))
}

fn oauth_json(status: StatusCode, body: &Value) -> Response {
    let mut response = json::spaced(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(axum::http::header::CONTENT_TYPE, JSON_UTF8);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// `GET /oauth/authorize`: asks the person, unless they agreed before.
async fn authorize(guard: BasicOrSession, State(api): State<Api>, form: Form) -> Result<Response> {
    Form::require(&["client_id", "redirect_uri", "scope"], |name| {
        form.in_query(name).is_some()
    })?;
    let request = request(|name| form.in_query(name));
    check_assignment(&api, &request)?;
    let application = oauth_provider::application(&api, &request.client_id)
        .await?
        .ok_or_else(|| web(StatusCode::NOT_FOUND, "Not Found"))?;
    let (user, assignment) = (guard.user(), request.assignment.as_deref());
    if !oauth_provider::may_authorize(&api, user, &application, assignment).await? {
        return Err(web(StatusCode::FORBIDDEN, "Permission Denied"));
    }
    if oauth_provider::has_agreed(&api, user, &application, &request.scope).await?
        && !api.is_read_only()
    {
        return answer(oauth_provider::grant(&api, user, &request).await?);
    }
    if !oauth_provider::redirects_to(&api, &request, &application) {
        return answer(oauth_provider::mismatch(&application));
    }
    let scopes = ScopeView::of_text(&request.scope);
    if scopes.is_empty() {
        return Err(web(StatusCode::NOT_FOUND, "Not Found"));
    }
    let csrf_token = guard.caller().session().csrf_token()?;
    if form
        .in_query("format")
        .is_some_and(|format| format.eq_ignore_ascii_case("json"))
    {
        let nested = |avatar: &Avatar| json::nested(avatar);
        let has_dangerous_scopes = scopes.iter().any(|scope| scope.dangerous);
        let body = json!({
            "scopes": scopes,
            "has_dangerous_scopes": has_dangerous_scopes,
            "application": {
                "name": application.name,
                "description": application.description,
                "url": application.application_uri,
                "avatar": nested(&avatar(&api, &application))?,
                "organization": {
                    "name": application.owner,
                    "avatar": nested(&owner_avatar(&api, &application))?,
                },
            },
            "response_type": request.response_type,
            "client_id": request.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": request.scope,
            "csrf_token_val": csrf_token,
            "state": form.in_query("state"),
            "assignment_uuid": form.in_query("assignment_uuid"),
        });
        let answer = json::compact(StatusCode::OK, body);
        return Ok(([(CACHE_CONTROL, NO_CACHE)], answer).into_response());
    }
    Ok(oauth_pages::consent(&Consent {
        application: &application,
        request: &request,
        scopes: &scopes,
        username: &user.username,
        csrf_token: &csrf_token,
    }))
}

/// `POST /oauth/authorizeapp`: the person agreed.
async fn authorize_application(
    guard: BasicOrSession,
    State(api): State<Api>,
    form: Form,
) -> Result<Response> {
    let request = request(|name| form.in_body(name));
    let direct = api
        .config()
        .tokens
        .direct_oauth_clientid_whitelist
        .contains(&request.client_id);
    if !direct || guard.by_session() {
        guard.check_csrf(form.any("_csrf_token").unwrap_or_default())?;
    }
    check_assignment(&api, &request)?;
    answer(oauth_provider::grant(&api, guard.user(), &request).await?)
}

/// `POST /oauth/denyapp`: the person did not agree.
async fn deny_application(
    guard: BasicOrSession,
    State(api): State<Api>,
    form: Form,
) -> Result<Response> {
    guard.check_csrf(form.any("_csrf_token").unwrap_or_default())?;
    if !guard.by_session() {
        return Err(web(StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    answer(oauth_provider::deny(&api, &request(|name| form.in_body(name))).await?)
}

/// `POST /oauth/authorize/assignuser`: an administrator assigns a token to somebody, who may take it.
async fn assign_user(
    guard: BasicOrSession,
    State(api): State<Api>,
    form: Form,
) -> Result<Response> {
    Form::require(
        &["client_id", "redirect_uri", "scope", "username"],
        |name| form.in_query(name).is_some(),
    )?;
    guard.check_csrf(form.any("_csrf_token").unwrap_or_default())?;
    if !guard.by_session() {
        return Err(web(StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    let request = request(|name| form.in_query(name));
    let assignee = form.in_query("username").unwrap_or_default();
    // Whether there is such a user is for administrators to know.
    let application = oauth_provider::application(&api, &request.client_id)
        .await?
        .ok_or_else(|| web(StatusCode::NOT_FOUND, "Not Found"))?;
    let user = guard.user();
    if !oauth_provider::may_authorize(&api, user, &application, None).await? {
        return Err(web(StatusCode::FORBIDDEN, "Permission Denied"));
    }
    let grant = AssignedGrant {
        redirect_uri: request.redirect_uri,
        scope: request.scope,
        response_type: request.response_type,
    };
    let actor = guard.caller().actor();
    api.accounts()
        .assign_token(&actor, &user.username, &application, assignee, grant)
        .await
        .map_err(oauth_provider::refused)?;
    let message = "Token assigned successfully";
    if form
        .in_query("format")
        .is_some_and(|format| format.eq_ignore_ascii_case("json"))
    {
        return Ok(json::compact(StatusCode::OK, json!({ "message": message })));
    }
    Ok(oauth_pages::message(message))
}

/// `POST /oauth/access_token`: an application exchanges a code (RFC 6749 §4.1.3).
async fn access_token(
    _: Anyone,
    State(api): State<Api>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response> {
    let names = ["grant_type", "client_id", "redirect_uri", "code", "scope"];
    Form::require(&names, |name| form.any(name).is_some())?;
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let text = |name: &str| form.any(name).unwrap_or_default().to_owned();
    let (mut client_id, mut client_secret) = (text("client_id"), text("client_secret"));
    if let Some((id, secret)) = basic(&headers) {
        client_id = Some(id).filter(|id| !id.is_empty()).unwrap_or(client_id);
        let secret = Some(secret).filter(|secret| !secret.is_empty());
        client_secret = secret.unwrap_or(client_secret);
    }
    if text("grant_type") != "authorization_code" {
        return Ok(oauth_error("unsupported_grant_type"));
    }
    let exchange = CodeExchange {
        client_id,
        client_secret: Secret::new(client_secret),
        code: Secret::new(text("code")),
        scope: text("scope"),
    };
    let (redirect_uri, local) = (text("redirect_uri"), Request::local_page(&api));
    let token = api
        .accounts()
        .exchange_code(exchange, |application| {
            belongs_to_application(&redirect_uri, application, &local)
        })
        .await;
    match token {
        Ok(token) => Ok(oauth_json(
            StatusCode::OK,
            &json!({
                "access_token": token.expose(),
                "token_type": "Bearer",
                "expires_in": OAUTH_TOKEN_LIFETIME_S,
                "refresh_token": null,
            }),
        )),
        Err(ExchangeError::Accounts(error)) => Err(error.into()),
        Err(error) => Ok(oauth_error(&error.to_string())),
    }
}

/// `GET /oauth/localapp`: shows the token that the browser was sent with.
async fn local_page(guard: BasicOrSession, form: Form) -> Result<Response> {
    if !guard.by_session() {
        return Err(web(StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    if form.in_query("scope").is_none_or(str::is_empty) {
        return Ok(oauth_pages::message("Authorization canceled"));
    }
    if form
        .in_query("format")
        .is_some_and(|format| format.eq_ignore_ascii_case("json"))
    {
        let token = form.in_query("access_token");
        return Ok(json::compact(
            StatusCode::OK,
            json!({ "access_token": token }),
        ));
    }
    Ok(oauth_pages::generated_token())
}
