//! Routes for browsers alone: the web session counts, whatever `Authorization` says (Quay's `require_session_login`).

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use pierhead_auth::Account;

use super::{Guard, Rule, Who};
use crate::error::Error;
use crate::session::Session;
use crate::state::Api;

/// A person who is signed in by a web session.
pub(crate) struct BySession {
    session: Session,
    user: Account,
}

impl BySession {
    /// The session.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// The person.
    pub(crate) fn user(&self) -> &Account {
        &self.user
    }
}

impl Guard for BySession {
    const RULE: Rule = Rule::of(Who::Session, None);
}

impl FromRequestParts<Api> for BySession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let session = Session::of(parts);
        match session.user(api).await? {
            Some(user) => Ok(Self { session, user }),
            None => Err(Error::web(
                StatusCode::UNAUTHORIZED,
                "Method requires login and no valid login could be loaded.",
            )),
        }
    }
}
