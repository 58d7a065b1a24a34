//! What a console asks before anybody has signed in: `/config` and `/csrf_token` (api-v1.md §6.1); and where a password is
//! changed (`/.well-known/change-password`).

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::{IntoResponse as _, Response};
use pierhead_config::Config;
use pierhead_config::sections::keys::RegistryState;
use serde_json::{Value, json};

use super::NO_CACHE;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::guard::{AnyScope, Anyone, SignedIn};
use crate::json;
use crate::route::{Route, Routes};
use crate::state::Api;

/// The release whose API this is.
const QUAY_VERSION: &str = "3.18.0";

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/config", config)
        .add(Route::page(axum::http::Method::GET, "/csrf_token", csrf_token).anonymous())
        .get("/.well-known/change-password", change_password)
}

/// `GET /config`: what is on, and how the site calls itself. Nothing secret is among it.
async fn config(_: Anyone, State(api): State<Api>) -> Response {
    let config = api.config();
    let mut body = config.published();
    body["oauth"] = triggers(config);
    body["external_login"] = external_login(&api);
    body["registry_state"] = json!(match config.keys.registry_state {
        RegistryState::ReadOnly => "readonly",
        RegistryState::Normal => "normal",
    });
    body["account_recovery_mode"] = json!(config.users.account_recovery_mode);
    body["version_number"] = json!(format!("Quay {QUAY_VERSION}"));
    json::compact(StatusCode::OK, body)
}

/// The identity providers that people can sign in with, as far as a browser needs it.
fn external_login(api: &Api) -> Value {
    let services = api.login_services().all();
    let shown = services.map(|service| {
        json!({
            "id": service.id(),
            "title": service.title(),
            "config": service.public_config(),
            "icon": service.icon(),
        })
    });
    shown.collect()
}

/// Where build triggers are set up, as far as a browser needs it.
fn triggers(config: &Config) -> Value {
    let builds = &config.builds;
    let (github, gitlab) = (&builds.github_trigger_config, &builds.gitlab_trigger_config);
    let endpoint =
        |given: Option<String>, default: &str| given.unwrap_or_else(|| default.to_owned());
    let github_endpoint = endpoint(
        github
            .as_ref()
            .and_then(|github| github.github_endpoint.as_ref())
            .map(ToString::to_string),
        "https://github.com",
    );
    let gitlab_endpoint = endpoint(
        gitlab
            .as_ref()
            .map(|gitlab| gitlab.gitlab_endpoint.to_string()),
        "https://gitlab.com",
    );
    let below = |endpoint: &str, path: &str| format!("{}/{path}", endpoint.trim_end_matches('/'));
    json!({
        "GITHUB_TRIGGER_CONFIG": {
            "CLIENT_ID": github.as_ref().and_then(|github| github.client_id.as_deref()),
            "AUTHORIZE_ENDPOINT": below(&github_endpoint, "login/oauth/authorize"),
            "GITHUB_ENDPOINT": github_endpoint,
            "ORG_RESTRICT": false,
        },
        "GITLAB_TRIGGER_CONFIG": {
            "CLIENT_ID": gitlab.as_ref().and_then(|gitlab| gitlab.client_id.as_deref()),
            "AUTHORIZE_ENDPOINT": below(&gitlab_endpoint, "oauth/authorize"),
            "GITLAB_ENDPOINT": gitlab_endpoint,
        },
    })
}

/// `GET /csrf_token`: the token that changes by this session must carry.
async fn csrf_token(caller: Caller) -> Result<Response> {
    let token = caller.session().csrf_token()?;
    let body = json::compact(StatusCode::OK, json!({ "csrf_token": token }));
    Ok(([(CACHE_CONTROL, NO_CACHE)], body).into_response())
}

/// `GET /.well-known/change-password`: to the page where who is signed in changes the password.
async fn change_password(guard: SignedIn<AnyScope>) -> Result<Response> {
    if guard.caller().has_token() {
        return Err(Error::unauthorized(guard.caller()));
    }
    let target = format!("/user/{}?tab=settings", guard.user().username);
    Ok((StatusCode::FOUND, [(LOCATION, target)]).into_response())
}
