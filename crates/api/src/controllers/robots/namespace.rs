//! The robots of a namespace, whoever asks.

use pierhead_auth::accounts::{AccountsError, Actor, FederationEntry, NewRobot};
use serde_json::Value;

use super::view::{RobotList, RobotView};
use super::{CreateRobot, Listing, RobotFederation};
use crate::error::{Error, Result};
use crate::state::Api;
use crate::views::held_permission::HeldPermissions;

/// Longest description in characters.
const MAX_DESCRIPTION: usize = 255;

/// The robots of a namespace. Costs one statement, and two more with permissions.
pub(super) async fn list(api: &Api, namespace: &str, listing: &Listing) -> Result<RobotList> {
    let accounts = api.accounts();
    let robots = accounts
        .robots_of(namespace, listing.limit, listing.token)
        .await?;
    let mut access = if listing.permissions {
        Some(accounts.robots_access(namespace, listing.limit).await?)
    } else {
        None
    };
    let shows_last_access = api.config().users.feature_user_last_accessed;
    let robots = robots
        .into_iter()
        .map(|robot| {
            let id = robot.id;
            let mut view = RobotView::in_list(robot, listing.token);
            if !shows_last_access {
                view = view.without_last_access();
            }
            match &mut access {
                Some(access) => view.with_access(api, access.remove(&id).unwrap_or_default()),
                None => view,
            }
        })
        .collect();
    Ok(RobotList { robots })
}

/// One robot, with its token if `token`.
pub(super) async fn get(api: &Api, namespace: &str, short: &str, token: bool) -> Result<RobotView> {
    let robot = api.accounts().robot(&full(namespace, short)).await;
    Ok(RobotView::alone(robot.map_err(refused)?, token))
}

/// Makes a robot.
pub(super) async fn create(
    api: &Api,
    actor: &Actor,
    namespace: &str,
    short: String,
    given: CreateRobot,
) -> Result<RobotView> {
    let description = given.description.as_deref().unwrap_or_default();
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(Error::invalid_request(format!(
            "description: must not be longer than {MAX_DESCRIPTION} characters"
        )));
    }
    let new = NewRobot {
        namespace: namespace.to_owned(),
        short,
        description: given.description,
        unstructured_metadata: given.unstructured_metadata.clone(),
        token: None,
    };
    let created = api
        .accounts()
        .create_robot(actor, new)
        .await
        .map_err(|error| match error {
            AccountsError::RobotsDisallowed
            | AccountsError::InvalidRobotName { .. }
            | AccountsError::RobotExists(_) => Error::invalid_request(error.to_string()),
            other => Error::from_data_model(other),
        })?;
    api.auth().forget_principal(created.id);
    Ok(RobotView::new(created, given.unstructured_metadata))
}

/// Deletes a robot.
pub(super) async fn delete(api: &Api, actor: &Actor, namespace: &str, short: &str) -> Result<()> {
    let robot = api
        .accounts()
        .delete_robot(actor, &full(namespace, short))
        .await
        .map_err(|error| match error {
            AccountsError::RobotUsedByMirror(_) => {
                Error::invalid_request("Robot is being used by a mirror")
            }
            other => refused(other),
        })?;
    api.auth().forget_principal(robot);
    Ok(())
}

/// Gives a robot a new token.
pub(super) async fn regenerate(
    api: &Api,
    actor: &Actor,
    namespace: &str,
    short: &str,
) -> Result<RobotView> {
    let renewed = api
        .accounts()
        .regenerate_robot(actor, &full(namespace, short))
        .await
        .map_err(refused)?;
    api.auth().forget_principal(renewed.id);
    Ok(RobotView::renewed(renewed))
}

/// What was granted to a robot.
pub(super) async fn permissions(
    api: &Api,
    namespace: &str,
    short: &str,
) -> Result<HeldPermissions> {
    let permissions = api
        .accounts()
        .robot_permissions(&full(namespace, short))
        .await;
    Ok(permissions.map_err(refused)?.into())
}

/// Who may act as a robot.
pub(super) async fn federation(api: &Api, namespace: &str, short: &str) -> Result<Vec<Value>> {
    let entries = api
        .accounts()
        .robot_federation(&full(namespace, short))
        .await;
    entries.map_err(refused)
}

/// Replaces who may act as a robot.
pub(super) async fn set_federation(
    api: &Api,
    actor: &Actor,
    namespace: &str,
    short: &str,
    given: Vec<RobotFederation>,
) -> Result<Vec<Value>> {
    let entries: Vec<_> = given
        .into_iter()
        .map(|entry| FederationEntry {
            issuer: entry.issuer,
            subject: entry.subject,
        })
        .collect();
    api.accounts()
        .set_robot_federation(actor, &full(namespace, short), &entries)
        .await
        .map_err(|error| match error {
            AccountsError::InvalidFederation(message) => Error::invalid_request(message),
            other => refused(other),
        })?;
    Ok(entries.iter().map(FederationEntry::to_json).collect())
}

/// Ends that anybody but the robot itself may act as it.
pub(super) async fn delete_federation(
    api: &Api,
    actor: &Actor,
    namespace: &str,
    short: &str,
) -> Result<()> {
    api.accounts()
        .delete_robot_federation(actor, &full(namespace, short))
        .await
        .map_err(refused)
}

fn full(namespace: &str, short: &str) -> String {
    format!("{namespace}+{short}")
}

/// A robot that does not exist is a bad request.
fn refused(error: AccountsError) -> Error {
    match error {
        AccountsError::NoSuchRobot(_) | AccountsError::NoSuchNamespace(_) => {
            Error::bad_request("Could not find robot with specified username")
        }
        other => other.into(),
    }
}
