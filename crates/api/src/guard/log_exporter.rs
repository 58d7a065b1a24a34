//! Who may export the audit log of an organization. As in Quay, the attempt of somebody who may not leaves a row in that log.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::organization::path_parameter;
use super::{Auditors, Guard, InOrganization, OrgAdmin, Rule};
use crate::caller::Caller;
use crate::error::Error;
use crate::services::log_export::{self, To};
use crate::state::Api;

/// Administrators of the organization, and those who may read everything.
pub(crate) struct LogExporter(InOrganization<OrgAdmin, Auditors>);

impl Guard for LogExporter {
    const RULE: Rule = InOrganization::<OrgAdmin, Auditors>::RULE;
}

impl FromRequestParts<Api> for LogExporter {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        // Only of people who are known: others could fill the log of anybody.
        let actor = caller.user().is_some().then(|| caller.actor());
        let refused = match InOrganization::of(caller, parts, api).await {
            Ok(guard) => return Ok(Self(guard)),
            Err(error) => error,
        };
        if let (Error::Exception(_), Some(actor)) = (&refused, actor) {
            let name = path_parameter(parts, "orgname").await?;
            // The body is not read for somebody who may not.
            log_export::refuse(api, actor, &name, &To::default(), "unauthorized").await?;
        }
        Err(refused)
    }
}

impl std::ops::Deref for LogExporter {
    type Target = InOrganization<OrgAdmin, Auditors>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
