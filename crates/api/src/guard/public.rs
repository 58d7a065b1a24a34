//! Routes that everybody may call unless anonymous access is off. What they answer may depend on who asks: a handler takes
//! the [`Caller`] itself.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::Scope;

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::route::RouteInfo;
use crate::state::Api;

impl Guard for Caller {
    const RULE: Rule = Rule::of(Who::Public, None);
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Self::identify(parts, api).await?;
        let route = RouteInfo::of(parts);
        caller.check_csrf(parts)?;
        if !route.in_read_only && api.is_read_only() && !parts.method.is_safe() {
            return Err(Error::ReadOnly);
        }
        if caller.credential().is_none()
            && !route.anonymous
            && !api.auth().config().anonymous_access
        {
            return Err(Error::web(
                axum::http::StatusCode::UNAUTHORIZED,
                "Anonymous access is not allowed",
            ));
        }
        Ok(caller)
    }
}

/// The same on a route that is described as needing the scope `repo:read`. As in Quay, the scope is not asked for: what a
/// token may see is decided thing by thing.
pub(crate) struct Scoped(Caller);

impl Guard for Scoped {
    const RULE: Rule = Rule::of(Who::Public, Some(Scope::RepoRead));
}

impl FromRequestParts<Api> for Scoped {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        Caller::from_request_parts(parts, api).await.map(Self)
    }
}

impl std::ops::Deref for Scoped {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}
