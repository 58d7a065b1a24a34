//! What a browser is shown that came back from an identity provider in vain: the console's page for that, to which it is sent
//! with the reason in the address (`DEFAULT_UI: react`, Quay's default), or a page at once, with status 400, for whoever
//! chose the older console.

use axum::http::header::{CACHE_CONTROL, REFERER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_config::Config;
use serde::Deserialize;
use url::Url;

use super::super::{NO_CACHE, landing};
use super::redirect;
use crate::error::Result;
use crate::extract::Query;
use crate::guard::Anyone;
use crate::landing::message;
use crate::services::external_login::{LoginService, Refusal, plain};
use crate::session::cookie;
use crate::state::Api;

/// The cookie by which somebody chose a console.
const CHOSEN_CONSOLE: &str = "patternfly";
const CONSOLES: [&str; 2] = ["true", "react"];
/// Longest reason that the page shows, in characters.
const LONGEST: usize = 250;
/// Longest name of a provider that the page shows, in characters.
const LONGEST_TITLE: usize = 64;

/// A failure, for one browser.
pub(super) struct Failure<'a> {
    config: &'a Config,
    headers: &'a HeaderMap,
    service: &'a dyn LoginService,
    username: Option<&'a str>,
}

impl<'a> Failure<'a> {
    /// With this provider.
    pub(super) fn of(api: &'a Api, headers: &'a HeaderMap, service: &'a dyn LoginService) -> Self {
        Self {
            config: api.config(),
            headers,
            service,
            username: None,
        }
    }

    /// Of somebody who is signed in.
    pub(super) fn of_user(self, username: &'a str) -> Self {
        Self {
            username: Some(username),
            ..self
        }
    }

    /// What the browser gets.
    pub(super) fn answer(&self, refusal: &Refusal) -> Result<Response> {
        let (title, text) = (self.service.title(), refusal.text());
        tracing::info!(
            service = self.service.id(),
            reason = text,
            "an external sign-in was refused"
        );
        let can_register = self.config.users.feature_user_creation
            && self.config.auth.feature_direct_login
            && !self.config.users.feature_invite_only_user_creation;
        if !self.has_error_page() {
            let hint = refusal.register && can_register;
            return Ok(show(StatusCode::BAD_REQUEST, title, &text, hint));
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("error", "oauth_error")
            .append_pair("error_description", &text)
            .append_pair("provider", title);
        for (name, holds) in [
            ("user_creation", can_register),
            ("register_redirect", refusal.register),
            ("authenticated", self.username.is_some()),
        ] {
            if holds {
                query.append_pair(name, "true");
            }
        }
        if let Some(username) = self.username {
            query.append_pair("username", username);
        }
        let console = self.console().unwrap_or_default();
        redirect(&format!("{console}/oauth-error?{}", query.finish()))
    }

    /// Whether the console of this browser has a page for it.
    fn has_error_page(&self) -> bool {
        match cookie(self.headers, CHOSEN_CONSOLE).filter(|chosen| !chosen.is_empty()) {
            Some(chosen) => CONSOLES.contains(&chosen),
            None => self.config.ui.default_ui == pierhead_config::sections::ui::DefaultUi::React,
        }
    }

    /// Where the console is, if it is elsewhere: one of the origins that `CORS_ORIGIN` names. Quay believes any `Referer`,
    /// which is often the provider's.
    fn console(&self) -> Option<String> {
        let referer = Url::parse(self.headers.get(REFERER)?.to_str().ok()?).ok()?;
        let origin = referer.origin().ascii_serialization();
        let known = &self.config.server.cors_origin.0;
        known.contains(&origin).then_some(origin)
    }
}

/// What the console's page is told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    error_description: String,
    provider: String,
    register_redirect: String,
    user_creation: String,
}

/// `GET /oauth-error`: the console's page, until there is a console. Everybody can write such an address.
pub(super) async fn page(_: Anyone, Query(told): Query<Told>) -> Response {
    let title = plain(&told.provider, LONGEST_TITLE);
    let title = if told.provider.is_empty() {
        "Identity provider"
    } else {
        &title
    };
    let text = plain(&told.error_description, LONGEST);
    let hint = told.register_redirect == "true" && told.user_creation == "true";
    show(StatusCode::OK, title, &text, hint)
}

fn show(status: StatusCode, title: &str, text: &str, hint: bool) -> Response {
    let mut text = text.to_owned();
    if hint {
        text.push_str(" (If you have no account yet, register with a name and a password first.)");
    }
    let page = message(&format!("{title} could not be used"), &text);
    let page = landing::html(status, page);
    ([(CACHE_CONTROL, NO_CACHE)], page).into_response()
}
