//! Which outside identities may act as a robot: tokens of an issuer for a subject (database.md §4.8).
//!
//! They are a list in the JSON of the robot's link to itself; other keys of that JSON are kept.

use pierhead_db::enums::LoginService;
use pierhead_db::queries::{robot_details, robots};
use serde_json::{Map, Value, json};

use super::{about, find_robot};
use crate::accounts::{Accounts, AccountsError, Actor, Result};

/// The key of the list.
const CONFIG: &str = "federation_config";

/// Who may act as a robot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FederationEntry {
    /// The issuer's URL.
    pub issuer: String,
    /// The subject in its tokens.
    pub subject: String,
}

impl FederationEntry {
    /// As it is stored and shown.
    pub fn to_json(&self) -> Value {
        json!({ "issuer": self.issuer, "subject": self.subject })
    }
}

impl Accounts {
    /// The federation of a robot, by its full name, as it is stored: entries may have keys that only newer releases know.
    ///
    /// # Errors
    /// When there is no such robot.
    pub async fn robot_federation(&self, robot: &str) -> Result<Vec<Value>> {
        let mut conn = self.read().await?;
        let (_, account) = find_robot(&mut conn, robot).await?;
        let service = self.id_of(LoginService::QuayRobot);
        let stored = robot_details::find_link_metadata(&mut conn, account.id, service).await?;
        Ok(match parse(stored.as_deref()).remove(CONFIG) {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        })
    }

    /// Replaces the federation of a robot.
    ///
    /// # Errors
    /// When an entry is not well-formed or there twice, or there is no such robot.
    pub async fn set_robot_federation(
        &self,
        actor: &Actor,
        robot: &str,
        entries: &[FederationEntry],
    ) -> Result<()> {
        check(entries)?;
        let entries: Vec<Value> = entries.iter().map(FederationEntry::to_json).collect();
        self.write_federation(actor, robot, entries, true).await
    }

    /// Ends the federation of a robot.
    ///
    /// # Errors
    /// When there is no such robot.
    pub async fn delete_robot_federation(&self, actor: &Actor, robot: &str) -> Result<()> {
        self.write_federation(actor, robot, Vec::new(), false).await
    }

    async fn write_federation(
        &self,
        actor: &Actor,
        robot: &str,
        entries: Vec<Value>,
        create: bool,
    ) -> Result<()> {
        let (accounts, now, actor, robot) =
            (self.clone(), self.now(), actor.clone(), robot.to_owned());
        let service = self.id_of(LoginService::QuayRobot);
        self.write(move |conn| {
            Box::pin(async move {
                let (namespace, account) = find_robot(conn, &robot).await?;
                let stored = robot_details::find_link_metadata(conn, account.id, service).await?;
                if stored.is_none() {
                    robots::put_owner_link(conn, account.id, service).await?;
                }
                let mut metadata = parse(stored.as_deref());
                metadata.insert(CONFIG.to_owned(), Value::Array(entries.clone()));
                let metadata = Value::Object(metadata).to_string();
                robot_details::set_link_metadata(conn, account.id, service, &metadata).await?;
                let event = if create {
                    let mut event = about("create_robot_federation", &namespace, &robot);
                    event.metadata["config"] = Value::Array(entries);
                    event
                } else {
                    about("delete_robot_federation", &namespace, &robot)
                };
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }
}

/// What is no JSON object counts as empty, as in Quay.
fn parse(stored: Option<&str>) -> Map<String, Value> {
    serde_json::from_str(stored.unwrap_or_default()).unwrap_or_default()
}

fn check(entries: &[FederationEntry]) -> Result<()> {
    for (index, entry) in entries.iter().enumerate() {
        let message = if entry.issuer.is_empty() || entry.subject.is_empty() {
            "Missing one or more required fields (issuer, subject)"
        } else if !entry.issuer.starts_with("http://") && !entry.issuer.starts_with("https://") {
            "Issuer must be a URL (http:// or https://)"
        } else if entries[..index].contains(entry) {
            "Duplicate federation config entry"
        } else {
            continue;
        };
        return Err(AccountsError::InvalidFederation(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
