//! Robots: accounts of programs, named `namespace+short`, with a token instead of a password.

use chrono::NaiveDateTime;
use pierhead_config::Secret;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::random;
use pierhead_db::enums::LoginService;
use pierhead_db::queries::robot_details;
use pierhead_db::queries::robots::{self, Robot};
use pierhead_db::queries::users::{self, Account, NewAccount};
use pierhead_db::{Conn, UserId};
use serde_json::{Map, Value, json};

use super::audit::Event;
use super::users::find_namespace;
use super::{Accounts, AccountsError, Actor, Result, names, random_token, uuid4};

mod details;
mod federation;

pub use details::{RobotAccess, RobotInfo};
pub use federation::FederationEntry;

/// Most characters of a description.
const MAX_DESCRIPTION_LEN: usize = 255;
/// What Quay writes for robots, whatever the configuration says: they have no tags to bring back.
const REMOVED_TAG_EXPIRATION_S: i64 = 14 * 24 * 60 * 60;

/// A robot to be made.
#[derive(Clone, Debug, Default)]
pub struct NewRobot {
    /// The person or organization it belongs to.
    pub namespace: String,
    /// The part of its name after the `+`.
    pub short: String,
    /// At most 255 characters.
    pub description: Option<String>,
    /// Free JSON for automation.
    pub unstructured_metadata: Option<Map<String, Value>>,
    /// A token chosen by the caller, 64 characters of A–Z and 0–9; otherwise one is made.
    pub token: Option<Secret>,
}

/// A robot with its token.
#[derive(Clone, Debug)]
pub struct CreatedRobot {
    /// The robot.
    pub id: UserId,
    /// `namespace+short`.
    pub username: String,
    /// What it logs in with.
    pub token: Secret,
    /// When it was made, in UTC; unknown for old ones.
    pub created: Option<NaiveDateTime>,
    /// When it last logged in, in UTC.
    pub last_accessed: Option<NaiveDateTime>,
    /// For people.
    pub description: String,
}

impl Accounts {
    /// Makes a robot.
    ///
    /// # Errors
    /// When robots are disallowed, name, token or description is malformed, the name is taken, or there is no such
    /// namespace.
    pub async fn create_robot(&self, actor: &Actor, new: NewRobot) -> Result<CreatedRobot> {
        if self.config().robots_disallowed {
            return Err(AccountsError::RobotsDisallowed);
        }
        let username = names::robot_name(&new.namespace, &new.short)?;
        let description = new.description.as_deref().unwrap_or_default();
        names::check_length("The description", description, MAX_DESCRIPTION_LEN)?;
        let token = match new.token {
            Some(token) => {
                names::check_robot_token(token.expose())?;
                token
            }
            None => random_token(random::ROBOT_TOKEN)?,
        };
        let encrypted = self.encrypt_token(&token)?;
        let account = NewAccount {
            uuid: uuid4(),
            username,
            password_hash: None,
            email: uuid4(),
            verified: false,
            organization: false,
            robot: true,
            removed_tag_expiration_s: REMOVED_TAG_EXPIRATION_S,
            maximum_queued_builds: None,
            now: self.now(),
        };
        let service = self.id_of(LoginService::QuayRobot);
        let unstructured = new.unstructured_metadata.map(Value::Object);
        let (accounts, actor) = (self.clone(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                let namespace = find_namespace(conn, &new.namespace).await?;
                let id = users::insert(conn, &account)
                    .await?
                    .ok_or_else(|| AccountsError::RobotExists(account.username.clone()))?;
                robots::put_token(conn, id, &encrypted).await?;
                robots::put_owner_link(conn, id, service).await?;
                let description = new.description.as_deref().unwrap_or_default();
                let json = unstructured
                    .as_ref()
                    .map_or("{}".to_owned(), Value::to_string);
                robots::insert_metadata(conn, id, description, &json).await?;
                let event = Event {
                    kind: "create_robot",
                    account: namespace.id,
                    repository: None,
                    metadata: json!({
                        "robot": new.short,
                        "description": new.description,
                        "unstructured_metadata": unstructured,
                    }),
                };
                accounts.record(conn, &actor, account.now, event).await?;
                Ok(CreatedRobot {
                    id,
                    username: account.username,
                    token,
                    created: Some(account.now),
                    last_accessed: None,
                    description: new.description.unwrap_or_default(),
                })
            })
        })
        .await
    }

    /// Gives a robot a new token; the old one is worthless from then on.
    ///
    /// # Errors
    /// When there is no such robot.
    pub async fn regenerate_robot(&self, actor: &Actor, robot: &str) -> Result<CreatedRobot> {
        let token = random_token(random::ROBOT_TOKEN)?;
        let encrypted = self.encrypt_token(&token)?;
        let (accounts, now, actor, robot) =
            (self.clone(), self.now(), actor.clone(), robot.to_owned());
        let service = self.id_of(LoginService::QuayRobot);
        self.write(move |conn| {
            Box::pin(async move {
                let (namespace, account) = find_robot(conn, &robot).await?;
                let details = robot_details::find(conn, &robot).await?;
                robots::put_token(conn, account.id, &encrypted).await?;
                robots::put_owner_link(conn, account.id, service).await?;
                robots::renew_identity(conn, account.id, &uuid4(), &uuid4()).await?;
                accounts
                    .record(
                        conn,
                        &actor,
                        now,
                        about("regenerate_robot_token", &namespace, &robot),
                    )
                    .await?;
                Ok(CreatedRobot {
                    id: account.id,
                    username: account.username,
                    token,
                    created: account.creation_date,
                    last_accessed: account.last_accessed,
                    description: details
                        .and_then(|details| details.description)
                        .unwrap_or_default(),
                })
            })
        })
        .await
    }

    /// Removes a robot with everything that names it. Past audit rows stay.
    ///
    /// # Errors
    /// When there is no such robot, or a mirror works as it.
    pub async fn delete_robot(&self, actor: &Actor, robot: &str) -> Result<UserId> {
        let (accounts, now, actor, robot) =
            (self.clone(), self.now(), actor.clone(), robot.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let (namespace, account) = find_robot(conn, &robot).await?;
                if robots::is_used_by_mirror(conn, account.id).await? {
                    return Err(AccountsError::RobotUsedByMirror(robot));
                }
                robots::delete_metadata(conn, account.id).await?;
                robots::delete_token(conn, account.id).await?;
                robots::delete_memberships(conn, account.id).await?;
                robots::delete_owner_link(conn, account.id).await?;
                robots::delete_permissions(conn, account.id).await?;
                robots::delete_prototypes(conn, account.id).await?;
                robots::delete_notifications(conn, account.id).await?;
                robots::forget_in_triggers(conn, account.id).await?;
                robots::forget_in_builds(conn, account.id).await?;
                robots::delete(conn, account.id).await?;
                accounts
                    .record(conn, &actor, now, about("delete_robot", &namespace, &robot))
                    .await?;
                Ok(account.id)
            })
        })
        .await
    }

    /// At most `limit` robots of a namespace by name, after a full name (the empty one to begin).
    ///
    /// # Errors
    /// When there is no such namespace.
    pub async fn list_robots(
        &self,
        namespace: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Robot>> {
        let mut conn = self.read().await?;
        find_namespace(&mut conn, namespace).await?;
        Ok(robots::list(&mut conn, &format!("{namespace}+"), after, limit.into()).await?)
    }

    fn encrypt_token(&self, token: &Secret) -> Result<String> {
        Ok(self
            .0
            .cipher
            .encrypt(EncryptedColumn::ROBOT_TOKEN, token.expose())?)
    }
}

/// Whether a robot's full name says that it belongs to this namespace.
pub(super) fn belongs_to(robot: &str, namespace: &str) -> bool {
    robot
        .split_once('+')
        .is_some_and(|(owner, _)| owner == namespace)
}

/// A robot by its full name, with its owner.
async fn find_robot(conn: &mut Conn, robot: &str) -> Result<(Account, Account)> {
    let missing = || AccountsError::NoSuchRobot(robot.to_owned());
    let (namespace, _) = robot.split_once('+').ok_or_else(missing)?;
    let account = users::find(conn, robot)
        .await?
        .filter(|account| account.robot)
        .ok_or_else(missing)?;
    Ok((find_namespace(conn, namespace).await?, account))
}

/// Audit rows name a robot without its namespace.
fn about(kind: &'static str, namespace: &Account, robot: &str) -> Event {
    let short = robot.split_once('+').map_or(robot, |(_, short)| short);
    Event {
        kind,
        account: namespace.id,
        repository: None,
        metadata: json!({ "robot": short }),
    }
}

#[cfg(test)]
mod tests;
