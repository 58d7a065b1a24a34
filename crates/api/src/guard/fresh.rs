//! Sensitive routes: a web session must have proven its password a short while ago (`FRESH_LOGIN_TIMEOUT`).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{
    Guard, InOrganization, InRepository, Normal, Rule, SignedIn, SuperuserOnly, Unrestricted,
};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// What another guard asks, and a fresh sign-in. Bearer tokens are always fresh.
pub(crate) struct Fresh<G>(G);

impl<G: Guard + HasCaller> Guard for Fresh<G> {
    const RULE: Rule = Rule {
        fresh: true,
        ..G::RULE
    };
}

impl<G: Guard + HasCaller> FromRequestParts<Api> for Fresh<G> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let guard = G::from_request_parts(parts, api).await?;
        let caller = guard.caller();
        if caller.user().is_none_or(pierhead_auth::Account::is_robot) {
            return Err(Error::unauthorized(caller));
        }
        if caller.needs_fresh_login(api).await? {
            return Err(Error::fresh_login());
        }
        Ok(Self(guard))
    }
}

impl<G> std::ops::Deref for Fresh<G> {
    type Target = G;

    fn deref(&self) -> &G {
        &self.0
    }
}

/// A guard that knows who calls.
pub(crate) trait HasCaller {
    fn caller(&self) -> &Caller;
}

impl HasCaller for Caller {
    fn caller(&self) -> &Caller {
        self
    }
}

impl<S: super::signed_in::UserScope> HasCaller for SignedIn<S> {
    fn caller(&self) -> &Caller {
        SignedIn::caller(self)
    }
}

impl<G: HasCaller> HasCaller for Unrestricted<G> {
    fn caller(&self) -> &Caller {
        (**self).caller()
    }
}

impl<G: HasCaller> HasCaller for Normal<G> {
    fn caller(&self) -> &Caller {
        (**self).caller()
    }
}

impl HasCaller for SuperuserOnly {
    fn caller(&self) -> &Caller {
        SuperuserOnly::caller(self)
    }
}

impl<X: super::superuser::Elevated> HasCaller for super::FullSuperuserOnly<X> {
    fn caller(&self) -> &Caller {
        Self::caller(self)
    }
}

impl<R: super::repository::RepositoryRole, X: super::superuser::Elevated> HasCaller
    for InRepository<R, X>
{
    fn caller(&self) -> &Caller {
        InRepository::caller(self)
    }
}

impl<R: super::organization::OrganizationRole, X: super::superuser::Elevated> HasCaller
    for InOrganization<R, X>
{
    fn caller(&self) -> &Caller {
        InOrganization::caller(self)
    }
}
