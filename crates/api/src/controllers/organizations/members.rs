//! The people of an organization, and those from outside who have permissions in it.

use axum::extract::State;
use pierhead_auth::accounts::{AccountsError, OrganizationMember};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::extract::Path;
use crate::guard::{AllSuperusers, InOrganization, OrgAdmin};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;
use crate::views::account_ref::TeamRef;
use crate::views::avatar::Avatar;

/// The routes of the people of an organization.
pub(super) fn routes() -> Routes {
    Routes::tagged("organization")
        .add(route!(get_organization_collaborators))
        .add(route!(get_organization_members))
        .add(route!(get_organization_member))
        .add(route!(remove_organization_member))
}

/// A member in a path.
#[derive(Debug, Deserialize)]
struct MemberPath {
    orgname: String,
    membername: String,
}

/// People from outside with permissions.
#[derive(Debug, Serialize, ToSchema)]
struct Collaborators {
    /// Every one.
    collaborators: Vec<CollaboratorView>,
}

/// Somebody from outside with permissions.
#[derive(Debug, Serialize, ToSchema)]
struct CollaboratorView {
    /// `user`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// Their name.
    name: String,
    /// What a client draws their picture from.
    avatar: Avatar,
    /// The repositories on which they have a permission.
    repositories: Vec<String>,
}

/// The people in the teams.
#[derive(Debug, Serialize, ToSchema)]
struct OrganizationMembers {
    /// Every one.
    members: Vec<OrganizationMemberView>,
}

/// Somebody in a team.
#[derive(Debug, Serialize, ToSchema)]
struct OrganizationMemberView {
    /// Their name.
    name: String,
    /// `user` or `robot`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// What a client draws their picture from.
    avatar: Avatar,
    /// The teams they are in.
    teams: Vec<TeamRef>,
    /// The repositories on which they have a permission of their own.
    repositories: Vec<String>,
}

impl OrganizationMemberView {
    fn of(api: &Api, member: OrganizationMember) -> Self {
        Self {
            avatar: api.account_avatar(&member.account),
            kind: if member.account.robot {
                "robot"
            } else {
                "user"
            },
            name: member.account.username,
            teams: api.team_refs(member.teams),
            repositories: member.repositories,
        }
    }
}

/// List outside collaborators of the specified organization.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/collaborators",
    operation_id = "getOrganizationCollaborators",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = Collaborators, description = "People in no team, but with permissions")))]
async fn get_organization_collaborators(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<Collaborators>> {
    let organization = guard.organization()?.id;
    let people = api
        .accounts()
        .organization_collaborators(organization)
        .await?;
    let collaborators = people
        .into_iter()
        .map(|member| CollaboratorView {
            kind: "user",
            avatar: api.account_avatar(&member.account),
            name: member.account.username,
            repositories: member.repositories,
        })
        .collect();
    Ok(Json(Collaborators { collaborators }))
}

/// List the human members of the specified organization.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/members", operation_id = "getOrganizationMembers",
    params(("orgname" = String, Path, description = "The name of the organization")),
    responses((status = 200, body = OrganizationMembers, description = "People in teams of the organization")))]
async fn get_organization_members(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<OrganizationMembers>> {
    let organization = guard.organization()?.id;
    let people = api.accounts().organization_members(organization).await?;
    let members = people
        .into_iter()
        .map(|member| OrganizationMemberView::of(&api, member))
        .collect();
    Ok(Json(OrganizationMembers { members }))
}

/// Retrieves the details of a member of the organization.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/members/{membername}",
    operation_id = "getOrganizationMember",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("membername" = String, Path, description = "The username of the organization member")),
    responses((status = 200, body = OrganizationMemberView, description = "The member, or a robot of the organization")))]
async fn get_organization_member(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<MemberPath>,
) -> Result<Json<OrganizationMemberView>> {
    let organization = guard.organization()?;
    let member = api
        .accounts()
        .organization_member(organization.id, &organization.name, &path.membername)
        .await?;
    Ok(Json(OrganizationMemberView::of(&api, member)))
}

/// Removes a member from an organization, revoking all its repository privileges and removing it from all teams in the
/// organization.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/members/{membername}",
    operation_id = "removeOrganizationMember",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("membername" = String, Path, description = "The username of the organization member")),
    responses((status = 204, description = "They are in no team and have no permission any more")))]
async fn remove_organization_member(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<MemberPath>,
) -> Result<NoContent> {
    guard.organization()?;
    let user = api
        .accounts()
        .remove_organization_member(&path.orgname, &path.membername)
        .await
        .map_err(|error| match error {
            AccountsError::NoSuchUser(_) => Error::not_found(),
            other => other.into(),
        })?;
    api.auth().forget_principal(user);
    Ok(NoContent)
}
