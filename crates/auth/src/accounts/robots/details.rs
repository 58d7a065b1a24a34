//! Robots as their administrators see them, alone or in a list with what they can reach. A list costs one statement, or
//! three with teams and repositories, however many robots there are.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use pierhead_config::Secret;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::queries::robot_details::{self, RobotDetails};
use pierhead_db::queries::teams::{self, HeldPermission};
use pierhead_db::{Conn, UserId};
use serde_json::{Map, Value};

use crate::accounts::{Accounts, AccountsError, Result};

/// A robot.
#[derive(Clone, Debug)]
pub struct RobotInfo {
    /// The robot.
    pub id: UserId,
    /// `namespace+short`.
    pub username: String,
    /// When it was made, in UTC; unknown for old ones.
    pub created: Option<NaiveDateTime>,
    /// When it last logged in, in UTC.
    pub last_accessed: Option<NaiveDateTime>,
    /// For people; robots of old releases have none.
    pub description: Option<String>,
    /// Free JSON for automation.
    pub unstructured_metadata: Map<String, Value>,
    /// What it logs in with, if that was asked for.
    pub token: Option<Secret>,
}

/// What a robot can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RobotAccess {
    /// The teams it is in.
    pub teams: Vec<String>,
    /// The repositories on which it has a permission of its own.
    pub repositories: Vec<String>,
}

impl Accounts {
    /// A robot by its full name, with its token.
    ///
    /// # Errors
    /// When there is no such robot.
    pub async fn robot(&self, robot: &str) -> Result<RobotInfo> {
        let details = find(&mut self.read().await?, robot).await?;
        self.robot_info(details, true)
    }

    /// At most `limit` robots of a namespace, those used last first, with their tokens if `tokens`.
    pub async fn robots_of(
        &self,
        namespace: &str,
        limit: Option<u32>,
        tokens: bool,
    ) -> Result<Vec<RobotInfo>> {
        let mut conn = self.read().await?;
        let rows = robot_details::list(&mut conn, &prefix(namespace), rows(limit)).await?;
        drop(conn);
        rows.into_iter()
            .map(|details| self.robot_info(details, tokens))
            .collect()
    }

    /// What the robots that [`Accounts::robots_of`] lists can reach. One that can reach nothing is left out.
    pub async fn robots_access(
        &self,
        namespace: &str,
        limit: Option<u32>,
    ) -> Result<HashMap<UserId, RobotAccess>> {
        let mut conn = self.read().await?;
        let (prefix, rows) = (prefix(namespace), rows(limit));
        let mut access: HashMap<UserId, RobotAccess> = HashMap::new();
        for (robot, team) in robot_details::list_teams(&mut conn, &prefix, rows).await? {
            access.entry(robot).or_default().teams.push(team);
        }
        for (robot, name) in robot_details::list_repositories(&mut conn, &prefix, rows).await? {
            access.entry(robot).or_default().repositories.push(name);
        }
        Ok(access)
    }

    /// What was granted to a robot, by its full name, on which repositories.
    ///
    /// # Errors
    /// When there is no such robot.
    pub async fn robot_permissions(&self, robot: &str) -> Result<Vec<HeldPermission>> {
        let mut conn = self.read().await?;
        let details = find(&mut conn, robot).await?;
        Ok(teams::account_permissions(&mut conn, details.id).await?)
    }

    fn robot_info(&self, details: RobotDetails, token: bool) -> Result<RobotInfo> {
        let token = match details.token {
            Some(encrypted) if token => {
                let plain = self
                    .0
                    .cipher
                    .decrypt(EncryptedColumn::ROBOT_TOKEN, &encrypted)?;
                Some(Secret::new(plain.expose()))
            }
            _ => None,
        };
        let json = details.unstructured_json.unwrap_or_default();
        Ok(RobotInfo {
            id: details.id,
            username: details.username,
            created: details.creation_date,
            last_accessed: details.last_accessed,
            description: details.description,
            // What is no JSON object was not written by Quay.
            unstructured_metadata: serde_json::from_str(&json).unwrap_or_default(),
            token,
        })
    }
}

async fn find(conn: &mut Conn, robot: &str) -> Result<RobotDetails> {
    robot_details::find(conn, robot)
        .await?
        .ok_or_else(|| AccountsError::NoSuchRobot(robot.to_owned()))
}

fn prefix(namespace: &str) -> String {
    format!("{namespace}+")
}

fn rows(limit: Option<u32>) -> i64 {
    limit.map_or(i64::MAX, i64::from)
}

#[cfg(test)]
mod tests;
