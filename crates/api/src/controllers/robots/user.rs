//! The robots of the caller.

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use super::namespace;
use super::view::{RobotList, RobotView};
use super::{CreateRobot, Listing, RobotFederation};
use crate::error::Result;
use crate::extract::{ListBody, OptionalBody, Path, Query};
use crate::guard::{AdminUser, SignedIn, Unrestricted};
use crate::json::{Created, Json, NoContent};
use crate::route::{Routes, route};
use crate::state::Api;
use crate::views::held_permission::HeldPermissions;

/// The routes of these robots.
pub(super) fn routes() -> Routes {
    Routes::tagged("robot")
        .add(route!(get_user_robots))
        .add(route!(get_user_robot))
        .add(route!(create_user_robot))
        .add(route!(delete_user_robot))
        .add(route!(get_user_robot_permissions))
        .add(route!(regenerate_user_robot_token))
        .add(route!(get_user_robot_federation))
        .add(route!(create_user_robot_federation))
        .add(route!(delete_user_robot_federation))
}

/// A robot in a path.
#[derive(Debug, Deserialize)]
struct RobotPath {
    robot_shortname: String,
}

/// List the available robots for the user.
#[utoipa::path(get, path = "/api/v1/user/robots", operation_id = "getUserRobots",
    params(("permissions" = Option<bool>, Query, description = "Whether to include repositories and teams in which the robots have permission."),
        ("token" = Option<bool>, Query, description = "If false, the robot's token is not returned."),
        ("limit" = Option<u32>, Query, description = "If specified, the number of robots to return.")),
    responses((status = 200, body = RobotList, description = "Every robot, those used last first")))]
async fn get_user_robots(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Query(listing): Query<Listing>,
) -> Result<Json<RobotList>> {
    let list = namespace::list(&api, &guard.user().username, &listing).await?;
    Ok(Json(list))
}

/// Returns the user's robot with the specified name.
#[utoipa::path(get, path = "/api/v1/user/robots/{robot_shortname}", operation_id = "getUserRobot",
    params(("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 200, body = RobotView, description = "The robot")))]
async fn get_user_robot(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<Json<RobotView>> {
    let robot = namespace::get(&api, &guard.user().username, &path.robot_shortname, true).await?;
    Ok(Json(robot))
}

/// Create a new user robot with the specified name.
#[utoipa::path(put, path = "/api/v1/user/robots/{robot_shortname}", operation_id = "createUserRobot",
    params(("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    request_body = CreateRobot,
    responses((status = 201, body = RobotView, description = "The new robot with its token")))]
async fn create_user_robot(
    guard: Unrestricted<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
    OptionalBody(given): OptionalBody<CreateRobot>,
) -> Result<Created<RobotView>> {
    let created = namespace::create(
        &api,
        &guard.caller().actor(),
        &guard.user().username,
        path.robot_shortname,
        given.unwrap_or_default(),
    )
    .await?;
    Ok(Created(created))
}

/// Delete an existing robot.
#[utoipa::path(delete, path = "/api/v1/user/robots/{robot_shortname}", operation_id = "deleteUserRobot",
    params(("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 204, description = "It is deleted with its permissions")))]
async fn delete_user_robot(
    guard: Unrestricted<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<NoContent> {
    let actor = guard.caller().actor();
    namespace::delete(&api, &actor, &guard.user().username, &path.robot_shortname).await?;
    Ok(NoContent)
}

/// Returns the list of repository permissions for the user's robot.
#[utoipa::path(get, path = "/api/v1/user/robots/{robot_shortname}/permissions", operation_id = "getUserRobotPermissions",
    params(("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 200, body = HeldPermissions, description = "What it may do with which repositories")))]
async fn get_user_robot_permissions(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<Json<HeldPermissions>> {
    let permissions =
        namespace::permissions(&api, &guard.user().username, &path.robot_shortname).await?;
    Ok(Json(permissions))
}

/// Regenerates the token for a user's robot.
#[utoipa::path(post, path = "/api/v1/user/robots/{robot_shortname}/regenerate", operation_id = "regenerateUserRobotToken",
    params(("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 200, body = RobotView, description = "The robot with its new token")))]
async fn regenerate_user_robot_token(
    guard: Unrestricted<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<Json<RobotView>> {
    let actor = guard.caller().actor();
    let robot =
        namespace::regenerate(&api, &actor, &guard.user().username, &path.robot_shortname).await?;
    Ok(Json(robot))
}

/// Returns the federation configuration for the user's robot.
#[utoipa::path(get, path = "/api/v1/user/robots/{robot_shortname}/federation", operation_id = "getUserRobotFederation",
    params(("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 200, body = Vec<Object>, description = "Who may act as the robot")))]
async fn get_user_robot_federation(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<Json<Vec<Value>>> {
    let entries =
        namespace::federation(&api, &guard.user().username, &path.robot_shortname).await?;
    Ok(Json(entries))
}

/// Create or update federation configuration for the user's robot.
#[utoipa::path(post, path = "/api/v1/user/robots/{robot_shortname}/federation", operation_id = "createUserRobotFederation",
    params(("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    request_body = Vec<RobotFederation>,
    responses((status = 200, body = Vec<Object>, description = "Who may act as the robot now")))]
async fn create_user_robot_federation(
    guard: Unrestricted<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
    ListBody(given): ListBody<RobotFederation>,
) -> Result<Json<Vec<Value>>> {
    let actor = guard.caller().actor();
    let short = &path.robot_shortname;
    let entries =
        namespace::set_federation(&api, &actor, &guard.user().username, short, given).await?;
    Ok(Json(entries))
}

/// Delete federation configuration for the user's robot.
#[utoipa::path(delete, path = "/api/v1/user/robots/{robot_shortname}/federation", operation_id = "deleteUserRobotFederation",
    params(("robot_shortname" = String, Path, description = "The short name for the robot, without any user or organization prefix")),
    responses((status = 204, description = "Nobody but the robot itself may act as it")))]
async fn delete_user_robot_federation(
    guard: Unrestricted<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Path(path): Path<RobotPath>,
) -> Result<NoContent> {
    let actor = guard.caller().actor();
    namespace::delete_federation(&api, &actor, &guard.user().username, &path.robot_shortname)
        .await?;
    Ok(NoContent)
}
