//! Routes that look at no credentials.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{Guard, Rule, Who};
use crate::error::Error;
use crate::state::Api;

/// Anybody. Neither credentials nor CSRF tokens are looked at.
pub(crate) struct Anyone;

impl Guard for Anyone {
    const RULE: Rule = Rule::of(Who::Anyone, None);
}

impl FromRequestParts<Api> for Anyone {
    type Rejection = Error;

    async fn from_request_parts(_: &mut Parts, _: &Api) -> Result<Self, Error> {
        Ok(Self)
    }
}
