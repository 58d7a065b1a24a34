//! Routes of a team, which the path names as `{orgname}` and `{teamname}`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::{Organization, Scope, TeamRole};

use super::fresh::HasCaller;
use super::organization::path_parameter;
use super::{Guard, InOrganization, OrgAdmin, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// Whoever may see who is in a team: its members, administrators of the organization, and superusers who read everything.
pub(crate) struct TeamViewer {
    organization: Option<Organization>,
    may_edit: bool,
}

impl TeamViewer {
    /// The team's organization.
    ///
    /// # Errors
    /// 404 when there is none of that name.
    pub(crate) fn organization(&self) -> Result<&Organization, Error> {
        self.organization.as_ref().ok_or_else(Error::not_found)
    }

    /// The viewer may change who is in it.
    pub(crate) fn may_edit(&self) -> bool {
        self.may_edit
    }
}

impl Guard for TeamViewer {
    const RULE: Rule = Rule {
        global_readonly: true,
        ..Rule::of(Who::TeamMember, Some(Scope::OrgAdmin))
    };
}

impl FromRequestParts<Api> for TeamViewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let name = path_parameter(parts, "orgname").await?;
        let rights = api
            .auth()
            .namespace_rights(caller.credential(), &name)
            .await?;
        let may_edit = rights.role >= Some(TeamRole::Admin) || caller.has_full_access();
        let sees_all = may_edit || caller.is_global_readonly();
        if !sees_all {
            // A token that may not act for the organization's members does not act for the team's either.
            let in_team = match (caller.user(), &rights.organization) {
                (Some(user), Some(organization)) if rights.role.is_some() => {
                    let team = path_parameter(parts, "teamname").await?;
                    api.accounts()
                        .is_in_team(organization.id, &team, user.id)
                        .await?
                }
                _ => false,
            };
            if !in_team {
                return Err(Error::unauthorized(&caller));
            }
        }
        Ok(Self {
            organization: rights.organization,
            may_edit,
        })
    }
}

/// Whoever may let an external group decide who is in a team: administrators of the organization who are superusers, or
/// all of them where `FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP` is on.
pub(crate) struct TeamSyncer(InOrganization<OrgAdmin>);

impl Guard for TeamSyncer {
    const RULE: Rule = Rule::of(Who::TeamSyncer, Some(Scope::OrgAdmin));
}

impl FromRequestParts<Api> for TeamSyncer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let guard = InOrganization::from_request_parts(parts, api).await?;
        if !may_set_up(guard.caller(), api) {
            return Err(Error::unauthorized(guard.caller()));
        }
        Ok(Self(guard))
    }
}

impl std::ops::Deref for TeamSyncer {
    type Target = InOrganization<OrgAdmin>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl HasCaller for TeamSyncer {
    fn caller(&self) -> &Caller {
        self.0.caller()
    }
}

fn may_set_up(caller: &Caller, api: &Api) -> bool {
    caller.is_superuser() || api.config().auth.feature_nonsuperuser_team_syncing_setup
}
