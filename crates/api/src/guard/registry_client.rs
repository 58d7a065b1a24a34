//! Routes that take the credentials of registry clients, too: `Authorization: Basic`, as webhooks and scripts send it. There is
//! no cross-site request to fear: no browser sends these by itself.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use pierhead_auth::SignInError;

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::extract::basic;
use crate::session::Session;
use crate::state::Api;

/// Anybody, with the credentials of a registry client if there are any.
pub(crate) struct RegistryClient(Caller);

impl RegistryClient {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.0
    }
}

impl Guard for RegistryClient {
    const RULE: Rule = Rule::of(Who::Public, None);
}

impl FromRequestParts<Api> for RegistryClient {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        if api.is_read_only() && !parts.method.is_safe() {
            return Err(Error::ReadOnly);
        }
        let Some((user, password)) = basic(&parts.headers) else {
            return Ok(Self(Caller::identify(parts, api).await?));
        };
        let credential = match api.auth().basic(&user, &password).await {
            Ok(credential) => credential,
            Err(SignInError::TooManyAttempts { retry_after }) => {
                return Err(Error::TooManyAttempts {
                    retry_after_s: retry_after.as_secs(),
                });
            }
            Err(error) if error.is_internal() => return Err(Error::Internal(error.to_string())),
            Err(_) => {
                let text = "Invalid username or password.";
                return Err(Error::web(StatusCode::UNAUTHORIZED, text));
            }
        };
        let session = Session::of(parts);
        Ok(Self(Caller::with(parts, api, session, Some(credential))))
    }
}
