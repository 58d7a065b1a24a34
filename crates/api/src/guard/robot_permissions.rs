//! What the robots of an organization may do: as in Quay, a token needs `user:admin` for it, and who does not administer the
//! organization is refused in another shape than elsewhere.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::Scope;

use super::plainly::told_plainly;
use super::{AdminUser, AllSuperusers, Guard, InOrganization, OrgAdmin, Rule, SignedIn};
use crate::error::Error;
use crate::state::Api;

/// Administrators of the organization.
pub(crate) struct RobotPermissionsReader(InOrganization<OrgAdmin, AllSuperusers>);

impl Guard for RobotPermissionsReader {
    const RULE: Rule = Rule {
        scope: Some(Scope::UserAdmin),
        ..InOrganization::<OrgAdmin, AllSuperusers>::RULE
    };
}

impl FromRequestParts<Api> for RobotPermissionsReader {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let user = SignedIn::<AdminUser>::from_request_parts(parts, api).await?;
        let guard = InOrganization::of(user.into_caller(), parts, api).await;
        guard.map(Self).map_err(told_plainly)
    }
}

impl std::ops::Deref for RobotPermissionsReader {
    type Target = InOrganization<OrgAdmin, AllSuperusers>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
