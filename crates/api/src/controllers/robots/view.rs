//! Robots in answers.

use pierhead_auth::accounts::{CreatedRobot, RobotAccess, RobotInfo};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::dates;
use crate::state::Api;
use crate::views::account_ref::TeamRef;

/// A list of robots.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RobotList {
    /// Those used last first.
    pub(super) robots: Vec<RobotView>,
}

/// A robot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RobotView {
    /// `namespace+short`.
    name: String,
    /// When it was made.
    created: Option<String>,
    /// When it last logged in.
    last_accessed: Option<String>,
    /// The teams it is in, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<Vec<TeamRef>>,
    /// The repositories on which it has a permission, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    repositories: Option<Vec<String>>,
    /// For people.
    description: Option<String>,
    /// What it logs in with, for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    token: Option<Option<String>>,
    /// For automation, of one robot alone; null of a new one that was given none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    unstructured_metadata: Option<Option<Map<String, Value>>>,
}

impl RobotView {
    /// A robot alone, with its free JSON.
    pub(super) fn alone(robot: RobotInfo, token: bool) -> Self {
        Self {
            unstructured_metadata: Some(Some(robot.unstructured_metadata.clone())),
            ..Self::in_list(robot, token)
        }
    }

    /// A robot in a list.
    pub(super) fn in_list(robot: RobotInfo, token: bool) -> Self {
        Self {
            name: robot.username,
            created: robot.created.map(dates::rfc2822),
            last_accessed: robot.last_accessed.map(dates::rfc2822),
            teams: None,
            repositories: None,
            description: robot.description,
            token: token.then(|| robot.token.map(|token| token.expose().to_owned())),
            unstructured_metadata: None,
        }
    }

    /// The same with what it can reach.
    pub(super) fn with_access(self, api: &Api, access: RobotAccess) -> Self {
        Self {
            teams: Some(api.team_refs(access.teams)),
            repositories: Some(access.repositories),
            ..self
        }
    }

    /// The same without when it last logged in, where nobody may know.
    pub(super) fn without_last_access(self) -> Self {
        Self {
            last_accessed: None,
            ..self
        }
    }

    /// A robot with a new token.
    pub(super) fn renewed(robot: CreatedRobot) -> Self {
        Self {
            name: robot.username,
            created: robot.created.map(dates::rfc2822),
            last_accessed: robot.last_accessed.map(dates::rfc2822),
            teams: None,
            repositories: None,
            description: Some(robot.description),
            token: Some(Some(robot.token.expose().to_owned())),
            unstructured_metadata: None,
        }
    }

    /// A new robot, with the free JSON that it was given.
    pub(super) fn new(
        robot: CreatedRobot,
        unstructured_metadata: Option<Map<String, Value>>,
    ) -> Self {
        Self {
            unstructured_metadata: Some(unstructured_metadata),
            ..Self::renewed(robot)
        }
    }
}
