//! Pages of the OAuth provider: a web session, or a user name and password (or a token in their place) in `Authorization`.
//!
//! The CSRF token of a page is in its form, so the handler checks it with [`BasicOrSession::check_csrf`].

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use pierhead_auth::{Account, SignInError};

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::extract::basic;
use crate::session::Session;
use crate::state::Api;

/// A person who is signed in either way.
pub(crate) struct BasicOrSession {
    caller: Caller,
    user: Account,
    by_session: bool,
    given_csrf: Option<String>,
}

impl BasicOrSession {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The person.
    pub(crate) fn user(&self) -> &Account {
        &self.user
    }

    /// Whether it is by a web session.
    pub(crate) fn by_session(&self) -> bool {
        self.by_session
    }

    /// Refuses when neither the form nor the header has the session's CSRF token.
    pub(crate) fn check_csrf(&self, in_form: &str) -> Result<(), Error> {
        let given = if in_form.is_empty() {
            self.given_csrf.as_deref().unwrap_or_default()
        } else {
            in_form
        };
        self.caller.session().check_csrf(given)
    }
}

impl Guard for BasicOrSession {
    const RULE: Rule = Rule::of(Who::BasicOrSession, None);
}

impl FromRequestParts<Api> for BasicOrSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let session = Session::of(parts);
        let given = basic(&parts.headers);
        let by_session = given.is_none();
        let credential = match given {
            Some((username, password)) => match api.auth().basic(&username, &password).await {
                Ok(credential) => Some(credential),
                Err(SignInError::TooManyAttempts { retry_after }) => {
                    return Err(Error::TooManyAttempts {
                        retry_after_s: retry_after.as_secs(),
                    });
                }
                Err(error) if error.is_internal() => {
                    return Err(Error::Internal(error.to_string()));
                }
                Err(_) => None,
            },
            None => match session.user_uuid() {
                Some(uuid) => api.auth().session(&uuid).await?,
                None => None,
            },
        };
        let user = credential
            .as_ref()
            .and_then(|credential| credential.account.clone())
            .ok_or_else(|| Error::web(StatusCode::UNAUTHORIZED, "Unauthorized"))?;
        if user.is_robot() {
            // It administers no organization.
            return Err(Error::web(StatusCode::FORBIDDEN, "Permission Denied"));
        }
        if api.is_read_only() && !parts.method.is_safe() {
            return Err(Error::ReadOnly);
        }
        let given_csrf = parts
            .headers
            .get("x-csrf-token")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok(Self {
            caller: Caller::with(parts, api, session, credential),
            user,
            by_session,
            given_csrf,
        })
    }
}
