//! Who may make organizations.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{AdminUser, Guard, Rule, SignedIn, Unrestricted};
use crate::error::Error;
use crate::state::Api;

/// People who may create something of their own; superusers alone where `FEATURE_SUPERUSERS_ORG_CREATION_ONLY` is on.
pub(crate) struct OrganizationCreator(Unrestricted<SignedIn<AdminUser>>);

impl Guard for OrganizationCreator {
    const RULE: Rule = Unrestricted::<SignedIn<AdminUser>>::RULE;
}

impl FromRequestParts<Api> for OrganizationCreator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let guard = Unrestricted::<SignedIn<AdminUser>>::from_request_parts(parts, api).await?;
        let superusers_only = api.config().users.feature_superusers_org_creation_only;
        if superusers_only && !guard.caller().is_superuser() {
            return Err(Error::unauthorized(guard.caller()));
        }
        Ok(Self(guard))
    }
}

impl std::ops::Deref for OrganizationCreator {
    type Target = SignedIn<AdminUser>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
