//! Permissions of teams.

use std::collections::BTreeMap;

use axum::extract::State;
use pierhead_auth::accounts::{AccountsError, Grantee};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NewPermission, RoleView, TeamPermissionView, refusal, team_view};
use crate::error::{Error, Result};
use crate::extract::{Body, Path};
use crate::guard::{Admin, AllSuperusers, InRepository, Superusers};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;

const TEAM_HAS_NONE: &str = "Team does not have permission for repo.";

pub(super) fn routes() -> Routes {
    Routes::tagged("permission")
        .add(route!(list_repo_team_permissions))
        .add(route!(get_team_permissions))
        .add(route!(change_team_permissions))
        .add(route!(delete_team_permissions))
}

/// The team in the path.
#[derive(Debug, Deserialize)]
pub(crate) struct TeamPath {
    teamname: String,
}

/// Which teams have a permission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TeamPermissionList {
    permissions: BTreeMap<String, TeamPermissionView>,
}

/// List all team permission.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/permissions/team/",
    operation_id = "listRepoTeamPermissions",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses((status = 200, body = TeamPermissionList, description = "The permissions of teams, by name"))
)]
pub(crate) async fn list_repo_team_permissions(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<TeamPermissionList>> {
    let repository = guard.repository()?.id;
    let rows = api
        .accounts()
        .permissions_of_teams(repository, None)
        .await?;
    Ok(Json(TeamPermissionList {
        permissions: rows
            .into_iter()
            .map(|row| (row.team.clone(), team_view(&api, row)))
            .collect(),
    }))
}

/// Fetch the permission for the specified team.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/permissions/team/{teamname}",
    operation_id = "getTeamPermissions",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("teamname" = String, Path, description = "The name of the team to which the permission applies")
    ),
    responses(
        (status = 200, body = RoleView, description = "The role of the team"),
        (status = 400, description = "The team has none")
    )
)]
pub(crate) async fn get_team_permissions(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<TeamPath>,
) -> Result<Json<RoleView>> {
    let repository = guard.repository()?.id;
    let team = Some(path.teamname.as_str());
    let rows = api
        .accounts()
        .permissions_of_teams(repository, team)
        .await?;
    let row = rows
        .into_iter()
        .next()
        .ok_or_else(|| Error::bad_request(TEAM_HAS_NONE))?;
    Ok(Json(RoleView { role: row.role }))
}

/// Update the existing team permission.
#[utoipa::path(
    put,
    path = "/api/v1/repository/{repository}/permissions/team/{teamname}",
    operation_id = "changeTeamPermissions",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("teamname" = String, Path, description = "The name of the team to which the permission applies")
    ),
    request_body = NewPermission,
    responses(
        (status = 200, body = TeamPermissionView, description = "The permission"),
        (status = 400, description = "There is no such team")
    )
)]
pub(crate) async fn change_team_permissions(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<TeamPath>,
    Body(new): Body<NewPermission>,
) -> Result<Json<TeamPermissionView>> {
    let repository = guard.repository()?;
    let name = &repository.name;
    api.accounts()
        .set_permission(
            &guard.caller().actor(),
            name.namespace(),
            name.repository(),
            Grantee::Team(path.teamname.clone()),
            new.role.into(),
        )
        .await
        .map_err(refusal)?;
    api.auth().forget_repository(name);
    let team = Some(path.teamname.as_str());
    let rows = api
        .accounts()
        .permissions_of_teams(repository.id, team)
        .await?;
    let row = rows.into_iter().next().ok_or_else(Error::not_found)?;
    Ok(Json(team_view(&api, row)))
}

/// Delete the permission for the specified team.
#[utoipa::path(
    delete,
    path = "/api/v1/repository/{repository}/permissions/team/{teamname}",
    operation_id = "deleteTeamPermissions",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("teamname" = String, Path, description = "The name of the team to which the permission applies")
    ),
    responses(
        (status = 204, description = "The team has no permission"),
        (status = 400, description = "The team had none, or there is none")
    )
)]
pub(crate) async fn delete_team_permissions(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<TeamPath>,
) -> Result<NoContent> {
    let name = &guard.repository()?.name;
    api.accounts()
        .remove_permission(
            &guard.caller().actor(),
            name.namespace(),
            name.repository(),
            Grantee::Team(path.teamname),
        )
        .await
        .map_err(|error| match error {
            AccountsError::NoPermission { .. } => Error::invalid_request(TEAM_HAS_NONE),
            error => refusal(error),
        })?;
    api.auth().forget_repository(name);
    Ok(NoContent)
}
