//! Sign-in by identity providers (api-v1.md §5.1, §6.3): where a browser is sent, and the pages where it comes back. Rules are in
//! [`crate::services::external_login`].
//!
//! What is bound to the session is the state that a browser is sent away with: who comes back without it is refused before
//! anything else is looked at. It ends when somebody signs in or out, and when it has linked an identity: nobody can be made to
//! come back with a state, and a code, of somebody else.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_config::Config;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NO_CACHE;
use crate::caller::Caller;
use crate::captcha_page;
use crate::controllers::users::session::open_session_of;
use crate::error::{Error, Result};
use crate::extract::form::Form;
use crate::extract::{Body, Path};
use crate::guard::{BySession, Returning};
use crate::json::Json;
use crate::route::{Route, Routes, route};
use crate::services::external_login::{
    Attempt, LoginService, Outcome, Purpose, Refusal, attach as attach_identity, sign_in,
};
use crate::services::users::captcha;
use crate::session::Session;
use crate::state::Api;

mod failure;

use failure::Failure;

/// The session's key for when a captcha was solved, in seconds since 1970; Quay's.
const CAPTCHA: &str = "captcha_verified";
/// How many seconds a solved captcha counts.
const CAPTCHA_LIFETIME_S: i64 = 600;

pub(crate) fn routes() -> Routes {
    let any =
        |config: &Config| config.auth.feature_github_login || config.auth.feature_google_login;
    let mut routes = Routes::tagged("user").add(
        route!(retrieve_external_login_authorization_url)
            .internal()
            .anonymous()
            .in_read_only(),
    );
    for method in [Method::GET, Method::POST] {
        let page = "/oauth2/{service_id}/callback";
        routes = routes
            .add(Route::page(method.clone(), page, callback).when(any))
            .add(Route::page(method.clone(), format!("{page}/attach"), attach).when(any))
            .add(Route::page(method, format!("{page}/cli"), command_line).when(any));
    }
    routes
        .add(
            Route::page(Method::POST, "/oauth2/{service_id}/callback/captcha", human)
                .when(|config| config.users.feature_recaptcha),
        )
        .get("/oauth-error", failure::page)
}

/// What an external sign-in is for.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExternalLoginKind {
    /// To sign in.
    Login,
    /// To link it to the account that is signed in.
    Attach,
    /// To get a password for command-line clients.
    Cli,
}

impl From<ExternalLoginKind> for Purpose {
    fn from(kind: ExternalLoginKind) -> Self {
        match kind {
            ExternalLoginKind::Login => Self::SignIn,
            ExternalLoginKind::Attach => Self::Attach,
            ExternalLoginKind::Cli => Self::CommandLine,
        }
    }
}

/// What an external sign-in is for.
#[derive(Deserialize, ToSchema)]
pub(crate) struct GetLogin {
    /// What it is for.
    kind: ExternalLoginKind,
}

/// Where to go for an external sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuthorizationUrl {
    /// The address of the identity provider.
    auth_url: String,
}

/// Where a browser goes to sign in with an identity provider. The answer sets a session cookie, without which the browser is
/// refused when it comes back.
#[utoipa::path(post, path = "/api/v1/externallogin/{service_id}", operation_id = "retrieveExternalLoginAuthorizationUrl",
    params(("service_id" = String, Path, description = "The identity provider")), request_body = GetLogin,
    responses((status = 200, body = AuthorizationUrl, description = "The address"),
        (status = 400, description = "There is no such provider")))]
pub(crate) async fn retrieve_external_login_authorization_url(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(given): Body<GetLogin>,
) -> Result<Json<AuthorizationUrl>> {
    let service = api.login_services().find(&id).ok_or_else(|| {
        let id: String = id.chars().take(64).collect();
        Error::invalid_request(format!("There is no external login service {id:?}"))
    })?;
    let auth_url = authorization_url(&api, service, caller.session(), given.kind.into())?;
    Ok(Json(AuthorizationUrl { auth_url }))
}

fn authorization_url(
    api: &Api,
    service: &dyn LoginService,
    session: &Session,
    purpose: Purpose,
) -> Result<String> {
    let state = session.state()?;
    let redirect_uri = purpose.redirect_uri(&api.base_url(), service.id());
    Ok(service.authorization_url(&redirect_uri, &state))
}

/// The provider of a path: one that nobody configured has no pages.
fn service_of<'a>(api: &'a Api, id: &str) -> Result<&'a dyn LoginService> {
    api.login_services()
        .find(id)
        .ok_or_else(Error::no_such_page)
}

/// The code that a provider sent the browser back with, or why it gave none. The state comes first.
fn code_of<'f>(session: &Session, form: &'f Form) -> Result<Result<&'f str, Refusal>> {
    session.check_state(form.any("state").unwrap_or_default())?;
    Ok(match form.any("error").filter(|error| !error.is_empty()) {
        Some(error) => Err(Refusal::new(error)),
        None => Ok(form.any("code").unwrap_or_default()),
    })
}

/// `/oauth2/<service>/callback`: signs in, or makes an account and signs in.
async fn callback(
    browser: Returning,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response> {
    let service = service_of(&api, &id)?;
    let session = browser.session();
    let failure = |refusal| Failure::of(&api, &headers, service).answer(&refusal);
    let code = match code_of(session, &form)? {
        Ok(code) => code,
        Err(refusal) => return failure(refusal),
    };
    let attempt = Attempt {
        actor: browser.actor(),
        user_agent: browser.user_agent(),
        code,
        is_human: &|| take_captcha(&api, session),
    };
    match sign_in(&api, service, attempt).await? {
        Outcome::SignedIn { uuid, has_prompts } => {
            let page = if has_prompts { "/updateuser" } else { "/" };
            let answer = redirect(&format!("{}{page}", base_url(&api, &headers)))?;
            open_session_of(&api, &browser, &uuid, answer)
        }
        Outcome::NeedsCaptcha => {
            let key = api.config().users.recaptcha_site_key.as_deref();
            let next = authorization_url(&api, service, session, Purpose::SignIn)?;
            let action = format!("/oauth2/{}/callback/captcha", service.id());
            Ok(captcha_page::page(key.unwrap_or_default(), &action, &next))
        }
        Outcome::Refused(refusal) => failure(refusal),
    }
}

/// `/oauth2/<service>/callback/attach`: links the identity to who is signed in.
async fn attach(
    guard: BySession,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response> {
    let service = service_of(&api, &id)?;
    let user = guard.user();
    let failure = |refusal| {
        Failure::of(&api, &headers, service)
            .of_user(&user.username)
            .answer(&refusal)
    };
    let code = match code_of(guard.session(), &form)? {
        Ok(code) => code,
        Err(refusal) => return failure(refusal),
    };
    match attach_identity(&api, service, user.id, code).await? {
        Ok(()) => {
            guard.session().spend_state();
            let base = base_url(&api, &headers);
            redirect(&format!("{base}/user/{}?tab=external", user.username))
        }
        Err(refusal) => failure(refusal),
    }
}

/// `/oauth2/<service>/callback/cli`: there the person would get the provider's ID token as a password for command-line
/// clients. None of these providers has one.
async fn command_line(
    guard: BySession,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response> {
    let service = service_of(&api, &id)?;
    let refusal = match code_of(guard.session(), &form)? {
        Ok(_) => Refusal::new(format!(
            "{} gives no token that command-line clients could use. Choose a password, or make an application token",
            service.title()
        )),
        Err(refusal) => refusal,
    };
    Failure::of(&api, &headers, service)
        .of_user(&guard.user().username)
        .answer(&refusal)
}

/// `POST /oauth2/<service>/callback/captcha`: a person sits there, and signs in once more.
async fn human(
    browser: Returning,
    State(api): State<Api>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response> {
    let service = service_of(&api, &id)?;
    let response = form
        .any("recaptcha_response")
        .or_else(|| form.any("g-recaptcha-response"))
        .unwrap_or_default();
    captcha::check(&api, response, browser.ip()).await?;
    let session = browser.session();
    session.set(CAPTCHA, api.clock().unix().into());
    redirect(&authorization_url(&api, service, session, Purpose::SignIn)?)
}

/// Whether a captcha was solved a short time ago. It counts once.
fn take_captcha(api: &Api, session: &Session) -> bool {
    let solved = session.number(CAPTCHA).unwrap_or(0);
    if solved != 0 {
        session.set(CAPTCHA, 0.into());
    }
    api.clock().unix() - solved <= CAPTCHA_LIFETIME_S
}

fn base_url(api: &Api, headers: &HeaderMap) -> String {
    api.0.config.seen_with(headers).base_url()
}

fn redirect(target: &str) -> Result<Response> {
    let location = HeaderValue::try_from(target)
        .map_err(|_| Error::Internal("a redirect is no header".to_owned()))?;
    let headers = [(LOCATION, location), (CACHE_CONTROL, NO_CACHE)];
    Ok((StatusCode::FOUND, headers).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::Fixture;

    #[tokio::test]
    async fn a_solved_captcha_counts_once_and_for_ten_minutes() {
        let fixture = Fixture::new().await;
        let (api, session) = (&fixture.api, Session::default());
        assert!(!take_captcha(api, &session));
        let now = api.clock().unix();
        for (solved, counts) in [(now, true), (now - 600, true), (now - 601, false)] {
            session.set(CAPTCHA, solved.into());
            assert_eq!(take_captcha(api, &session), counts, "{solved}");
            assert!(!take_captcha(api, &session));
        }
    }

    #[test]
    fn the_state_comes_before_everything_else() {
        let session = Session::default();
        let form = |query: &str| Form::of_query(query);
        assert!(code_of(&session, &form("code=x&state=")).is_err());
        let state = session.state().unwrap();
        for wrong in ["code=x", "code=x&state=y", "error=x&state=y"] {
            assert!(code_of(&session, &form(wrong)).is_err(), "{wrong}");
        }
        let given = |query: &str| {
            let form = form(&format!("{query}&state={state}"));
            let code = code_of(&session, &form).unwrap();
            code.map(str::to_owned).map_err(|refusal| refusal.text())
        };
        assert_eq!(given("code=x").as_deref(), Ok("x"));
        assert_eq!(given("error=").as_deref(), Ok(""));
        assert_eq!(
            given("code=x&error=access_denied"),
            Err("access_denied".to_owned())
        );
    }
}
