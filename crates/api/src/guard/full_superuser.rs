//! Routes of superusers who may do everything with everything (`FEATURE_SUPERUSERS_FULL_ACCESS`), under paths that are not
//! those of superusers: quotas of organizations.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::Scope;

use super::superuser::{Elevated, Superusers};
use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// Superusers with full access; also global read-only superusers if `X` says so.
pub(crate) struct FullSuperuserOnly<X: Elevated = Superusers>(Caller, PhantomData<X>);

impl<X: Elevated> FullSuperuserOnly<X> {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.0
    }
}

impl<X: Elevated> Guard for FullSuperuserOnly<X> {
    const RULE: Rule = Rule {
        global_readonly: X::GLOBAL_READONLY,
        ..Rule::of(Who::FullSuperuser, Some(Scope::SuperUser))
    };
}

impl<X: Elevated> FromRequestParts<Api> for FullSuperuserOnly<X> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        if caller.has_full_access() || X::admits(&parts.method, &caller) {
            Ok(Self(caller, PhantomData))
        } else {
            Err(Error::unauthorized(&caller))
        }
    }
}
