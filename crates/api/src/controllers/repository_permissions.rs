//! Who may do what with a repository: people, robots and teams (api-v1.md §5.10).

use std::collections::BTreeMap;

use axum::extract::State;
use pierhead_auth::accounts::{AccountsError, Grantee, Role, TeamPermission, UserPermission};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::extract::{Body, Path};
use crate::guard::{Admin, AllSuperusers, InRepository, Superusers};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};

mod teams;

const USER_HAS_NONE: &str = "User does not have permission for repo.";

pub(crate) fn routes() -> Routes {
    Routes::tagged("permission")
        .merge(teams::routes())
        .add(route!(list_repo_user_permissions))
        .add(route!(get_user_transitive_permission))
        .add(route!(get_user_permissions))
        .add(route!(change_user_permissions))
        .add(route!(delete_user_permissions))
}

/// The person or robot in the path.
#[derive(Debug, Deserialize)]
pub(crate) struct UserPath {
    username: String,
}

/// A role on a repository.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleName {
    /// Pull.
    Read,
    /// Pull and push.
    Write,
    /// Everything.
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Read => Self::Read,
            RoleName::Write => Self::Write,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// A permission of a person or robot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserPermissionView {
    role: String,
    name: String,
    is_robot: bool,
    avatar: Avatar,
    /// Of a repository that an organization owns: whether the person is in one of its teams. Robots are.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_org_member: Option<bool>,
}

fn user_view(api: &Api, row: UserPermission) -> UserPermissionView {
    let of = if row.robot { Of::Robot } else { Of::User };
    UserPermissionView {
        avatar: api.avatar(of, &row.username, row.email.as_deref()),
        role: row.role,
        is_robot: row.robot,
        is_org_member: row.organization.then_some(row.robot || row.member),
        name: row.username,
    }
}

/// A permission of a team.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TeamPermissionView {
    role: String,
    name: String,
    avatar: Avatar,
}

fn team_view(api: &Api, row: TeamPermission) -> TeamPermissionView {
    TeamPermissionView {
        avatar: api.avatar(Of::Team, &row.team, None),
        role: row.role,
        name: row.team,
    }
}

/// Quay's answer to a change that was refused: shape a, also for whoever does not exist.
fn refusal(error: AccountsError) -> Error {
    if error.is_internal() || matches!(error, AccountsError::NoSuchRepository { .. }) {
        return error.into();
    }
    match error {
        AccountsError::NoSuchUser(name) | AccountsError::NoSuchRobot(name) => {
            Error::invalid_request(format!("Invalid username: {name}"))
        }
        error => Error::invalid_request(error.to_string()),
    }
}

/// Who has a permission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserPermissionList {
    permissions: BTreeMap<String, UserPermissionView>,
}

/// List all user permissions.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/permissions/user/",
    operation_id = "listRepoUserPermissions",
    params(("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name")),
    responses((status = 200, body = UserPermissionList, description = "The permissions of people and robots, by name"))
)]
pub(crate) async fn list_repo_user_permissions(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
) -> Result<Json<UserPermissionList>> {
    let repository = guard.repository()?.id;
    let rows = api
        .accounts()
        .permissions_of_users(repository, None)
        .await?;
    Ok(Json(UserPermissionList {
        permissions: rows
            .into_iter()
            .map(|row| (row.username.clone(), user_view(&api, row)))
            .collect(),
    }))
}

/// Roles that somebody has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransitivePermissions {
    permissions: Vec<RoleView>,
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoleView {
    role: String,
}

/// Get the fetch the permission for the specified user.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/permissions/user/{username}/transitive",
    operation_id = "getUserTransitivePermission",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("username" = String, Path, description = "The username of the user to which the permissions apply")
    ),
    responses(
        (status = 200, body = TransitivePermissions, description = "The roles of the user and of the user's teams"),
        (status = 404, description = "The user has none")
    )
)]
pub(crate) async fn get_user_transitive_permission(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<UserPath>,
) -> Result<Json<TransitivePermissions>> {
    let repository = guard.repository()?.id;
    let roles = api
        .accounts()
        .transitive_roles(repository, &path.username)
        .await?;
    if roles.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Json(TransitivePermissions {
        permissions: roles.into_iter().map(|role| RoleView { role }).collect(),
    }))
}

async fn permission_of(
    api: &Api,
    repository: pierhead_db::RepositoryId,
    username: &str,
) -> Result<UserPermissionView> {
    let rows = api
        .accounts()
        .permissions_of_users(repository, Some(username))
        .await?;
    let row = rows
        .into_iter()
        .next()
        .ok_or_else(|| Error::bad_request(USER_HAS_NONE))?;
    Ok(user_view(api, row))
}

/// Get the permission for the specified user.
#[utoipa::path(
    get,
    path = "/api/v1/repository/{repository}/permissions/user/{username}",
    operation_id = "getUserPermissions",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("username" = String, Path, description = "The username of the user to which the permission applies")
    ),
    responses(
        (status = 200, body = UserPermissionView, description = "The permission"),
        (status = 400, description = "The user has none")
    )
)]
pub(crate) async fn get_user_permissions(
    guard: InRepository<Admin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<UserPath>,
) -> Result<Json<UserPermissionView>> {
    let repository = guard.repository()?.id;
    Ok(Json(permission_of(&api, repository, &path.username).await?))
}

/// A role to give.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewPermission {
    /// Role to use.
    role: RoleName,
}

/// Update the permissions for an existing repository.
#[utoipa::path(
    put,
    path = "/api/v1/repository/{repository}/permissions/user/{username}",
    operation_id = "changeUserPermissions",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("username" = String, Path, description = "The username of the user to which the permission applies")
    ),
    request_body = NewPermission,
    responses(
        (status = 200, body = UserPermissionView, description = "The permission"),
        (status = 400, description = "The user owns the namespace, or is a robot of another one, or there is none")
    )
)]
pub(crate) async fn change_user_permissions(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<UserPath>,
    Body(new): Body<NewPermission>,
) -> Result<Json<UserPermissionView>> {
    let repository = guard.repository()?;
    let name = &repository.name;
    api.accounts()
        .set_permission(
            &guard.caller().actor(),
            name.namespace(),
            name.repository(),
            Grantee::account(&path.username),
            new.role.into(),
        )
        .await
        .map_err(refusal)?;
    api.auth().forget_repository(name);
    Ok(Json(
        permission_of(&api, repository.id, &path.username).await?,
    ))
}

/// Delete the permission for the user.
#[utoipa::path(
    delete,
    path = "/api/v1/repository/{repository}/permissions/user/{username}",
    operation_id = "deleteUserPermissions",
    params(
        ("repository" = String, Path, description = "The full path of the repository. e.g. namespace/name"),
        ("username" = String, Path, description = "The username of the user to which the permission applies")
    ),
    responses(
        (status = 204, description = "The user has no permission"),
        (status = 400, description = "The user had none, or owns the namespace")
    )
)]
pub(crate) async fn delete_user_permissions(
    guard: InRepository<Admin, Superusers>,
    State(api): State<Api>,
    Path(path): Path<UserPath>,
) -> Result<NoContent> {
    let name = &guard.repository()?.name;
    api.accounts()
        .remove_permission(
            &guard.caller().actor(),
            name.namespace(),
            name.repository(),
            Grantee::account(&path.username),
        )
        .await
        .map_err(|error| match error {
            AccountsError::NoPermission { .. } => Error::invalid_request(USER_HAS_NONE),
            error => refusal(error),
        })?;
    api.auth().forget_repository(name);
    Ok(NoContent)
}
