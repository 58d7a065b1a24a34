//! Routes of the caller's own account.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::{Account, Credential, Scope};

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// What a [`SignedIn`] asks of the credential.
pub(crate) trait UserScope: Send + Sync + 'static {
    const WHO: Who;
    const SCOPE: Option<Scope>;
    fn suffices(credential: &Credential) -> bool;
}

/// Changing the account: `user:admin`.
pub(crate) struct AdminUser;
/// Any credential of an account.
pub(crate) struct AnyScope;

impl UserScope for AdminUser {
    const WHO: Who = Who::UserAdmin;
    const SCOPE: Option<Scope> = Some(Scope::UserAdmin);
    fn suffices(credential: &Credential) -> bool {
        credential.administers_user()
    }
}

impl UserScope for AnyScope {
    const WHO: Who = Who::SignedIn;
    const SCOPE: Option<Scope> = None;
    fn suffices(_: &Credential) -> bool {
        true
    }
}

/// Whoever is signed in, with a credential that suffices.
pub(crate) struct SignedIn<S: UserScope> {
    caller: Caller,
    user: Account,
    scope: PhantomData<S>,
}

impl<S: UserScope> SignedIn<S> {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The account.
    pub(crate) fn user(&self) -> &Account {
        &self.user
    }

    /// Who calls, for a guard that asks more.
    pub(super) fn into_caller(self) -> Caller {
        self.caller
    }
}

impl<S: UserScope> Guard for SignedIn<S> {
    const RULE: Rule = Rule::of(S::WHO, S::SCOPE);
}

impl<S: UserScope> FromRequestParts<Api> for SignedIn<S> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let account = caller
            .credential()
            .filter(|credential| S::suffices(credential))
            .and_then(|credential| credential.account.clone());
        match account {
            Some(user) => Ok(Self {
                caller,
                user,
                scope: PhantomData,
            }),
            None => Err(Error::unauthorized(&caller)),
        }
    }
}

/// The same, but not a restricted user (`FEATURE_RESTRICTED_USERS`) who is no superuser.
pub(crate) struct Unrestricted<G>(G);

impl<S: UserScope> Guard for Unrestricted<SignedIn<S>> {
    const RULE: Rule = Rule {
        unrestricted: true,
        ..SignedIn::<S>::RULE
    };
}

impl<S: UserScope> FromRequestParts<Api> for Unrestricted<SignedIn<S>> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let signed_in = SignedIn::from_request_parts(parts, api).await?;
        let caller = &signed_in.caller;
        if caller.is_restricted() && !caller.is_superuser() {
            return Err(Error::unauthorized(caller));
        }
        Ok(Self(signed_in))
    }
}

impl<G> std::ops::Deref for Unrestricted<G> {
    type Target = G;

    fn deref(&self) -> &G {
        &self.0
    }
}
