//! Routes of an organization, which the path names as `{orgname}`.

use std::marker::PhantomData;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use pierhead_auth::{Organization, Scope, TeamRole};
use pierhead_db::UserId;

use super::superuser::{Elevated, Superusers};
use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::Error;
use crate::state::Api;

/// A role in an organization.
pub(crate) trait OrganizationRole: Send + Sync + 'static {
    const ROLE: TeamRole;
    const WHO: Who;
    const SCOPE: Option<Scope>;
}

/// Members of any team.
pub(crate) struct OrgMember;
/// Administrators.
pub(crate) struct OrgAdmin;

impl OrganizationRole for OrgMember {
    const ROLE: TeamRole = TeamRole::Member;
    const WHO: Who = Who::OrganizationMember;
    const SCOPE: Option<Scope> = None;
}

impl OrganizationRole for OrgAdmin {
    const ROLE: TeamRole = TeamRole::Admin;
    const WHO: Who = Who::OrganizationAdmin;
    const SCOPE: Option<Scope> = Some(Scope::OrgAdmin);
}

/// Members, on routes whose description asks for the scope of administrators.
pub(crate) struct OrgMemberScoped;
/// Administrators, on routes whose description asks for no scope.
pub(crate) struct OrgAdminUnscoped;

impl OrganizationRole for OrgMemberScoped {
    const ROLE: TeamRole = TeamRole::Member;
    const WHO: Who = Who::OrganizationMember;
    const SCOPE: Option<Scope> = Some(Scope::OrgAdmin);
}

impl OrganizationRole for OrgAdminUnscoped {
    const ROLE: TeamRole = TeamRole::Admin;
    const WHO: Who = Who::OrganizationAdmin;
    const SCOPE: Option<Scope> = None;
}

/// A person's or an organization's namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Namespace<'g> {
    pub(crate) id: UserId,
    pub(crate) name: &'g str,
}

/// Whoever has that role in the organization.
pub(crate) struct InOrganization<R: OrganizationRole, X: Elevated = Superusers> {
    caller: Caller,
    organization: Option<Organization>,
    namespace: Option<UserId>,
    name: String,
    held: Option<TeamRole>,
    role: PhantomData<(R, X)>,
}

impl<R: OrganizationRole, X: Elevated> InOrganization<R, X> {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The organization.
    ///
    /// # Errors
    /// 404 when there is none of that name: superusers may ask for any, and people for their own namespace.
    pub(crate) fn organization(&self) -> Result<&Organization, Error> {
        self.organization.as_ref().ok_or_else(Error::not_found)
    }

    /// The namespace of that name, which may be a person's: everybody administers the own one.
    ///
    /// # Errors
    /// 400 when there is none of that name.
    pub(crate) fn namespace(&self) -> Result<Namespace<'_>, Error> {
        let name = &self.name;
        match self.namespace {
            Some(id) => Ok(Namespace { id, name }),
            None => Err(Error::bad_request(format!(
                "Invalid namespace requested: {name}"
            ))),
        }
    }

    /// The caller's own role, within the scopes of the credential and without what superusers may.
    pub(crate) fn held(&self) -> Option<TeamRole> {
        self.held
    }
}

impl<R: OrganizationRole, X: Elevated> Guard for InOrganization<R, X> {
    const RULE: Rule = Rule {
        global_readonly: X::GLOBAL_READONLY,
        ..Rule::of(R::WHO, R::SCOPE)
    };
}

impl<R: OrganizationRole, X: Elevated> FromRequestParts<Api> for InOrganization<R, X> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        Self::of(caller, parts, api).await
    }
}

impl<R: OrganizationRole, X: Elevated> InOrganization<R, X> {
    /// For a caller that is known.
    pub(super) async fn of(caller: Caller, parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let name = path_parameter(parts, "orgname").await?;
        let rights = api
            .auth()
            .namespace_rights(caller.credential(), &name)
            .await?;
        let may = rights.role >= Some(R::ROLE)
            || caller.has_full_access()
            || X::admits(&parts.method, &caller);
        if !may {
            return Err(Error::unauthorized(&caller));
        }
        Ok(Self {
            caller,
            organization: rights.organization,
            namespace: rights.id,
            name,
            held: rights.role,
            role: PhantomData,
        })
    }
}

/// A parameter of the path.
pub(super) async fn path_parameter(parts: &mut Parts, name: &str) -> Result<String, Error> {
    let params = parts
        .extract::<RawPathParams>()
        .await
        .map_err(|_| Error::no_such_page())?;
    params
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
        .ok_or_else(Error::no_such_page)
}
