//! The robots of an organization.

use axum::extract::State;
use pierhead_auth::TeamRole;
use serde::Deserialize;
use serde_json::Value;

use super::namespace;
use super::view::{RobotList, RobotView};
use super::{CreateRobot, Listing, RobotFederation};
use crate::error::{Error, Result};
use crate::extract::{ListBody, OptionalBody, Path, Query};
use crate::guard::{
    AllSuperusers, InOrganization, OrgAdmin, OrgMemberScoped, RobotPermissionsReader,
};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;
use crate::views::held_permission::HeldPermissions;

/// The routes of these robots.
pub(super) fn routes() -> Routes {
    Routes::tagged("robot")
        .add(route!(get_org_robots))
        .add(route!(get_org_robot))
        .add(route!(create_org_robot))
        .add(route!(delete_org_robot))
        .add(route!(get_org_robot_permissions))
        .add(route!(regenerate_org_robot_token))
        .add(route!(get_org_robot_federation))
        .add(route!(create_org_robot_federation))
        .add(route!(delete_org_robot_federation))
}

/// A robot in a path.
#[derive(Debug, Deserialize)]
struct RobotPath {
    orgname: String,
    robot_shortname: String,
}

/// The organization in a path.
#[derive(Debug, Deserialize)]
struct NamespacePath {
    orgname: String,
}

/// Some calls want an organization, and say so as Quay's data model does.
fn exists<R, X>(guard: &InOrganization<R, X>, path: &RobotPath) -> Result<()>
where
    R: crate::guard::OrganizationRole,
    X: crate::guard::Elevated,
{
    guard
        .organization()
        .map(|_| ())
        .map_err(|_| Error::bad_request(format!("Organization does not exist: {}", path.orgname)))
}

/// List the organization's robots.
///
/// Members see them; their tokens and what they can reach are for administrators.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/robots", operation_id = "getOrgRobots",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("permissions" = Option<bool>, Query, description = "Whether to include repositories and teams in which the robots have permission."),
        ("token" = Option<bool>, Query, description = "If false, the robot's token is not returned."),
        ("limit" = Option<u32>, Query, description = "If specified, the number of robots to return.")),
    responses((status = 200, body = RobotList, description = "Every robot, those used last first")))]
async fn get_org_robots(
    guard: InOrganization<OrgMemberScoped, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<NamespacePath>,
    Query(listing): Query<Listing>,
) -> Result<Json<RobotList>> {
    let administers = guard.held() >= Some(TeamRole::Admin) || guard.caller().has_full_access();
    let reads_all = administers || guard.caller().is_global_readonly();
    let listing = Listing {
        token: listing.token && administers,
        permissions: listing.permissions && reads_all,
        ..listing
    };
    Ok(Json(namespace::list(&api, &path.orgname, &listing).await?))
}

/// Returns the organization's robot with the specified name.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/robots/{robot_shortname}", operation_id = "getOrgRobot",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 200, body = RobotView, description = "The robot")))]
async fn get_org_robot(
    guard: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<Json<RobotView>> {
    exists(&guard, &path)?;
    let administers = guard.held() >= Some(TeamRole::Admin) || guard.caller().has_full_access();
    let robot = namespace::get(&api, &path.orgname, &path.robot_shortname, administers).await?;
    Ok(Json(robot))
}

/// Create a new robot in the organization.
#[utoipa::path(put, path = "/api/v1/organization/{orgname}/robots/{robot_shortname}", operation_id = "createOrgRobot",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    request_body = CreateRobot,
    responses((status = 201, body = RobotView, description = "The new robot with its token")))]
async fn create_org_robot(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
    OptionalBody(given): OptionalBody<CreateRobot>,
) -> Result<Created<RobotView>> {
    exists(&guard, &path)?;
    let created = namespace::create(
        &api,
        &guard.caller().actor(),
        &path.orgname,
        path.robot_shortname,
        given.unwrap_or_default(),
    )
    .await?;
    Ok(Created(created))
}

/// Delete an existing organization robot.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/robots/{robot_shortname}", operation_id = "deleteOrgRobot",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 204, description = "It is deleted with its permissions")))]
async fn delete_org_robot(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<NoContent> {
    let actor = guard.caller().actor();
    namespace::delete(&api, &actor, &path.orgname, &path.robot_shortname).await?;
    Ok(NoContent)
}

/// Returns the list of repository permissions for the org's robot.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/robots/{robot_shortname}/permissions", operation_id = "getOrgRobotPermissions",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 200, body = HeldPermissions, description = "What it may do with which repositories")))]
async fn get_org_robot_permissions(
    guard: RobotPermissionsReader,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<Json<HeldPermissions>> {
    exists(&guard, &path)?;
    let permissions = namespace::permissions(&api, &path.orgname, &path.robot_shortname).await?;
    Ok(Json(permissions))
}

/// Regenerates the token for an organization robot.
#[utoipa::path(post, path = "/api/v1/organization/{orgname}/robots/{robot_shortname}/regenerate", operation_id = "regenerateOrgRobotToken",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 200, body = RobotView, description = "The robot with its new token")))]
async fn regenerate_org_robot_token(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<Json<RobotView>> {
    exists(&guard, &path)?;
    let actor = guard.caller().actor();
    let robot = namespace::regenerate(&api, &actor, &path.orgname, &path.robot_shortname).await?;
    Ok(Json(robot))
}

/// Returns the federation configuration for the organization's robot.
#[utoipa::path(get, path = "/api/v1/organization/{orgname}/robots/{robot_shortname}/federation", operation_id = "getOrgRobotFederation",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 200, body = Vec<Object>, description = "Who may act as the robot")))]
async fn get_org_robot_federation(
    _: InOrganization<OrgAdmin, AllSuperusers>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<Json<Vec<Value>>> {
    let entries = namespace::federation(&api, &path.orgname, &path.robot_shortname).await?;
    Ok(Json(entries))
}

/// Create or update federation configuration for the organization's robot.
#[utoipa::path(post, path = "/api/v1/organization/{orgname}/robots/{robot_shortname}/federation", operation_id = "createOrgRobotFederation",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    request_body = Vec<RobotFederation>,
    responses((status = 200, body = Vec<Object>, description = "Who may act as the robot now")))]
async fn create_org_robot_federation(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
    ListBody(given): ListBody<RobotFederation>,
) -> Result<Json<Vec<Value>>> {
    let actor = guard.caller().actor();
    let short = &path.robot_shortname;
    let entries = namespace::set_federation(&api, &actor, &path.orgname, short, given).await?;
    Ok(Json(entries))
}

/// Delete federation configuration for the organization's robot.
#[utoipa::path(delete, path = "/api/v1/organization/{orgname}/robots/{robot_shortname}/federation", operation_id = "deleteOrgRobotFederation",
    params(("orgname" = String, Path, description = "The name of the organization"),
        ("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 204, description = "Nobody but the robot itself may act as it")))]
async fn delete_org_robot_federation(
    guard: InOrganization<OrgAdmin>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<NoContent> {
    let actor = guard.caller().actor();
    namespace::delete_federation(&api, &actor, &path.orgname, &path.robot_shortname).await?;
    Ok(NoContent)
}
