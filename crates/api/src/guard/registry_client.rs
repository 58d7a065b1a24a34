//! Routes outside of `/api/v1` that take the credentials of registry clients: `Authorization: Basic`, as webhooks and scripts
//! send it. What is read is also for web sessions; what changes something is not, so there is no cross-site request to fear.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::SignInError;

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::extract::basic;
use crate::session::Session;
use crate::state::Api;

/// Anybody, with the credentials of a registry client if there are any that count.
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
        let session = Session::of(parts);
        let credential = match basic(&parts.headers) {
            Some((user, password)) => match api.auth().basic(&user, &password).await {
                Ok(credential) => Some(credential),
                Err(SignInError::TooManyAttempts { retry_after }) => {
                    return Err(Error::TooManyAttempts {
                        retry_after_s: retry_after.as_secs(),
                    });
                }
                Err(SignInError::Database(error)) => return Err(error.into()),
                // As in Quay, a credential that does not count is like none.
                Err(_) => None,
            },
            None => match session.user_uuid().filter(|_| parts.method.is_safe()) {
                Some(uuid) => api.auth().session(&uuid).await?,
                None => None,
            },
        };
        Ok(Self(Caller::with(parts, api, session, credential)))
    }
}
