//! `/api/v1/organization/{orgname}/team`: teams, who is in them and what they may do (api-v1.md §5.4).

use axum::extract::State;
use pierhead_auth::accounts::{AccountsError, Team, TeamRole};
use pierhead_config::Config;
use pierhead_config::sections::auth::AuthenticationType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::extract::{Body, Path, body};
use crate::guard::{AllSuperusers, Fresh, InOrganization, OrgAdmin, OrgAdminUnscoped, TeamSyncer};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};
use crate::views::held_permission::HeldPermissions;

mod invites;
mod members;

/// The routes of teams.
pub(crate) fn routes() -> Routes {
    Routes::tagged("team")
        .add(route!(update_organization_team))
        .add(route!(delete_organization_team))
        .add(route!(enable_organization_team_sync).when(|config| config.auth.feature_team_syncing))
        .add(route!(disable_organization_team_sync).when(|config| config.auth.feature_team_syncing))
        .add(route!(get_organization_team_permissions))
        .merge(members::routes())
        .merge(invites::routes())
}

/// Whether external groups may decide who is in a team: only with an external identity provider.
pub(crate) fn syncing_is_on(config: &Config) -> bool {
    config.auth.feature_team_syncing
        && !matches!(
            config.auth.authentication_type,
            AuthenticationType::Database | AuthenticationType::AppToken
        )
}

/// A team in a path.
#[derive(Debug, Deserialize)]
struct TeamPath {
    orgname: String,
    teamname: String,
}

/// What a team may do in its organization.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RoleInOrganization {
    /// Only what its repository permissions say.
    Member,
    /// Create repositories.
    Creator,
    /// Everything.
    Admin,
}

impl From<RoleInOrganization> for TeamRole {
    fn from(role: RoleInOrganization) -> Self {
        match role {
            RoleInOrganization::Member => Self::Member,
            RoleInOrganization::Creator => Self::Creator,
            RoleInOrganization::Admin => Self::Admin,
        }
    }
}

/// A team to make or change.
#[derive(Debug, Deserialize, ToSchema)]
struct TeamDescription {
    /// What it may do in its organization.
    role: RoleInOrganization,
    /// For people, as Markdown.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false)]
    description: Option<String>,
}

/// A team.
#[derive(Debug, Serialize, ToSchema)]
struct TeamView {
    /// Its name.
    name: String,
    /// For people, as Markdown.
    description: String,
    /// The caller may see who is in it.
    can_view: bool,
    /// `admin`, `creator` or `member`.
    role: String,
    /// What a client draws its picture from.
    avatar: Avatar,
    /// It was made by this call.
    new_team: bool,
}

impl TeamView {
    /// For somebody who administers the organization.
    fn of(api: &Api, team: Team, new_team: bool) -> Self {
        Self {
            avatar: api.avatar(Of::Team, &team.name, None),
            name: team.name,
            description: team.description,
            can_view: true,
            role: team.role,
            new_team,
        }
    }
}

/// Update the org-wide permission for the specified team.
#[utoipa::path(put, path = "/api/v1/organization/{orgname}/team/{teamname}",
    operation_id = "updateOrganizationTeam",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team")),
    request_body = TeamDescription,
    responses((status = 200, body = TeamView, description = "The team, which was made if there was none")))]
async fn update_organization_team(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<TeamPath>,
    Body(team): Body<TeamDescription>,
) -> Result<Json<TeamView>> {
    let changed = api
        .accounts()
        .put_team(
            &guard.caller().actor(),
            &path.orgname,
            &path.teamname,
            team.role.into(),
            team.description,
        )
        .await
        .map_err(Error::from_data_model)?;
    if !changed.created {
        api.auth().forget_everything();
    }
    Ok(Json(TeamView::of(&api, changed.team, changed.created)))
}

/// Delete the specified team.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/team/{teamname}",
    operation_id = "deleteOrganizationTeam",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team")),
    responses((status = 204, description = "It is deleted with its memberships and permissions")))]
async fn delete_organization_team(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<TeamPath>,
) -> Result<NoContent> {
    api.accounts()
        .delete_team(&guard.caller().actor(), &path.orgname, &path.teamname)
        .await
        .map_err(|error| match error {
            AccountsError::NoSuchTeam { organization, team } => Error::bad_request(format!(
                "Team '{team}' is not a team in org '{organization}'"
            )),
            error => Error::from_data_model(error),
        })?;
    api.auth().forget_everything();
    Ok(NoContent)
}

/// Let an external group decide who is in a team.
///
/// Groups are looked up at the external identity provider; where accounts are in the database alone, there are none.
#[utoipa::path(post, path = "/api/v1/organization/{orgname}/team/{teamname}/syncing",
    operation_id = "enableOrganizationTeamSync",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team")),
    responses((status = 400, description = "The group is not known")))]
async fn enable_organization_team_sync(
    guard: Fresh<TeamSyncer>,
    State(api): State<Api>,
    Path(path): Path<TeamPath>,
) -> Result<NoContent> {
    let name = &guard.organization()?.name;
    api.accounts().team(name, &path.teamname).await?;
    Err(Error::invalid_request(
        "Could not sync to group: Not supported",
    ))
}

/// Let a team go from its external group.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/team/{teamname}/syncing",
    operation_id = "disableOrganizationTeamSync",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team")),
    responses((status = 200, body = TeamView, description = "The team")))]
async fn disable_organization_team_sync(
    guard: Fresh<TeamSyncer>,
    State(api): State<Api>,
    Path(path): Path<TeamPath>,
) -> Result<Json<TeamView>> {
    let name = &guard.organization()?.name;
    let team = api
        .accounts()
        .disable_team_sync(&guard.caller().actor(), name, &path.teamname)
        .await?;
    Ok(Json(TeamView::of(&api, team, false)))
}

/// Returns the list of repository permissions for the org's team.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/team/{teamname}/permissions",
    operation_id = "getOrganizationTeamPermissions",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("teamname" = String, Path, description = "The name of the team")),
    responses((status = 200, body = HeldPermissions, description = "What the team may do with which repositories")))]
async fn get_organization_team_permissions(
    guard: InOrganization<OrgAdminUnscoped, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<TeamPath>,
) -> Result<Json<HeldPermissions>> {
    let name = &guard.organization()?.name;
    let permissions = api
        .accounts()
        .team_permissions(name, &path.teamname)
        .await?;
    Ok(Json(permissions.into()))
}
