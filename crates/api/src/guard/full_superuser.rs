//! Routes of superusers who may do everything with everything (`FEATURE_SUPERUSERS_FULL_ACCESS`), under paths that are not
//! those of superusers: quotas of organizations.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::Scope;

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// Superusers with full access.
pub(crate) struct FullSuperuserOnly(Caller);

impl FullSuperuserOnly {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.0
    }
}

impl Guard for FullSuperuserOnly {
    const RULE: Rule = Rule::of(Who::FullSuperuser, Some(Scope::SuperUser));
}

impl FromRequestParts<Api> for FullSuperuserOnly {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        if caller.has_full_access() {
            Ok(Self(caller))
        } else {
            Err(Error::unauthorized(&caller))
        }
    }
}
