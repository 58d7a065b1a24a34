//! Routes that identity providers send browsers back to. Only the browser's session is looked at; that the browser was sent
//! there by this registry is proven by the state that it brings, which the handler compares: it may be in a form.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::session::Session;
use crate::state::Api;

/// A browser, whoever sits in front of it.
pub(crate) struct Returning(Caller);

impl Guard for Returning {
    const RULE: Rule = Rule::of(Who::Anyone, None);
}

impl FromRequestParts<Api> for Returning {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        Ok(Self(Caller::with(parts, api, Session::of(parts), None)))
    }
}

impl std::ops::Deref for Returning {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}
