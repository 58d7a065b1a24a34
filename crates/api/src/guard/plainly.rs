//! The same guard, with who may not told so in the words of the framework and not in those of the API: where Quay's handlers
//! leave it to the framework.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::fresh::HasCaller;
use super::{Guard, Rule};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// What another guard asks; 403 has the shape `{message}`.
pub(crate) struct Plainly<G>(G);

impl<G: Guard> Guard for Plainly<G> {
    const RULE: Rule = G::RULE;
}

impl<G: Guard> FromRequestParts<Api> for Plainly<G> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        match G::from_request_parts(parts, api).await {
            Ok(guard) => Ok(Self(guard)),
            Err(error) => Err(told_plainly(error)),
        }
    }
}

/// The refusal in the words of the framework.
pub(super) fn told_plainly(error: Error) -> Error {
    match error {
        Error::Exception(exception) if exception.status == StatusCode::FORBIDDEN => Error::message(
            StatusCode::FORBIDDEN,
            "You don't have the permission to access the requested resource. It is either read-protected or not readable \
             by the server.",
        ),
        other => other,
    }
}

impl<G: HasCaller> HasCaller for Plainly<G> {
    fn caller(&self) -> &Caller {
        self.0.caller()
    }
}

impl<G> std::ops::Deref for Plainly<G> {
    type Target = G;

    fn deref(&self) -> &G {
        &self.0
    }
}
