//! Auto-prune policies: which tags of a namespace or repository are deleted by themselves (Quay's `autoprune.py`).
//!
//! A namespace that has a policy has one row by which the pruning worker finds it; the worker takes the row away when the
//! policies are gone. Patterns are matched in linear time ([`TagPattern`]), so look-around is refused here, which Quay
//! takes.

use pierhead_auth::accounts::Actor;
use pierhead_db::Conn;
use pierhead_db::encoding::json_text;
use pierhead_db::queries::autoprune_policies::{self, PolicyRow};
use pierhead_oci::{TagPattern, TagPatternError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::policy_owner::{Owner, PolicyOwner};
use crate::error::{Error, Result};
use crate::state::Api;

/// What is pruned, as it is stored.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Policy {
    /// `number_of_tags` or `creation_date`.
    pub(crate) method: String,
    /// How many tags stay, or how long one stays (`7d`).
    pub(crate) value: Value,
    /// Which tags; all without one.
    #[serde(default)]
    pub(crate) tag_pattern: Option<String>,
    /// Whether those that match, or all others. Old rows have none, which means those that match.
    #[serde(default)]
    pub(crate) tag_pattern_matches: Option<bool>,
}

impl Policy {
    fn check(&self) -> Result<()> {
        let valid = match self.method.as_str() {
            "number_of_tags" => self.value.as_u64().is_some_and(|count| count > 0),
            "creation_date" => self
                .value
                .as_str()
                .is_some_and(|age| pierhead_config::Duration::parse(age).is_some()),
            _ => return Err(Error::invalid_request("Invalid method provided")),
        };
        if !valid {
            return Err(Error::invalid_request(
                "Invalid value given for method type",
            ));
        }
        match self.tag_pattern.as_deref().map(TagPattern::parse) {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(TagPatternError::Empty)) => {
                Err(Error::invalid_request("tag_pattern cannot be empty"))
            }
            Some(Err(error)) => Err(Error::invalid_request(format!(
                "tag_pattern is not valid: {error}"
            ))),
        }
    }

    /// Whether both prune the same.
    fn equals(&self, other: &Self) -> bool {
        self.method == other.method
            && self.value == other.value
            && self.tag_pattern == other.tag_pattern
            && self.tag_pattern_matches.unwrap_or(true) == other.tag_pattern_matches.unwrap_or(true)
    }
}

/// A policy with its public id.
#[derive(Clone, Debug)]
pub(crate) struct NamedPolicy {
    pub(crate) uuid: String,
    pub(crate) policy: Policy,
}

impl TryFrom<PolicyRow> for NamedPolicy {
    type Error = Error;

    fn try_from(row: PolicyRow) -> Result<Self> {
        Ok(Self {
            policy: json_text::read_double(Some(&row.policy))?,
            uuid: row.uuid,
        })
    }
}

/// Every policy of a namespace or repository itself, oldest first; none for a namespace that does not exist.
///
/// # Errors
/// When the database fails or holds what is no policy.
pub(crate) async fn list(api: &Api, owner: &Owner) -> Result<Vec<NamedPolicy>> {
    let mut conn = api.accounts().read().await?;
    match owner.resolve(&mut conn).await {
        Ok(found) => policies_of(&mut conn, &found).await,
        Err(_) if matches!(owner, Owner::Namespace(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A policy.
///
/// # Errors
/// 404 when there is none.
pub(crate) async fn find(api: &Api, owner: &Owner, uuid: &str) -> Result<NamedPolicy> {
    let mut conn = api.accounts().read().await?;
    let found = owner.resolve(&mut conn).await?;
    policy_of(&mut conn, &found, uuid).await
}

/// Adds a policy and returns its public id.
///
/// # Errors
/// 404 when there is no such namespace; 400 for a policy that cannot be, or is there already.
pub(crate) async fn create(
    api: &Api,
    actor: Actor,
    owner: Owner,
    policy: Policy,
) -> Result<String> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    let uuid = Uuid::new_v4().to_string();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let found = owner.resolve_enabled(conn).await?;
                let found = found.ok_or_else(Error::not_found)?;
                policy.check()?;
                let known = policies_of(conn, &found).await?;
                if known.iter().any(|known| known.policy.equals(&policy)) {
                    let what = kind_of(&found, "namespace", "repository");
                    return Err(Error::invalid_request(format!(
                        "Existing policy with same values for this {what}, duplicate policies are not permitted"
                    )));
                }
                let text = json_text::write_double(&policy)?;
                match found.repository {
                    Some(repository) => {
                        autoprune_policies::insert_of_repository(
                            conn,
                            &uuid,
                            found.namespace,
                            &text,
                            repository,
                        )
                        .await?
                    }
                    None => {
                        autoprune_policies::insert_of_namespace(conn, &uuid, found.namespace, &text)
                            .await?
                    }
                };
                autoprune_policies::queue_task(conn, found.namespace).await?;
                let event = found.event(kind_of(&found, "create_namespace_autoprune_policy", "create_repository_autoprune_policy"), keys_of(&policy));
                accounts.record(conn, &actor, now, event).await?;
                Ok(uuid)
            })
        })
        .await
}

/// Replaces a policy.
///
/// # Errors
/// 404 when there is none; 400 for a policy that cannot be.
pub(crate) async fn update(
    api: &Api,
    actor: Actor,
    owner: Owner,
    uuid: String,
    policy: Policy,
) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let found = owner.resolve_enabled(conn).await?;
                let found = found.ok_or_else(Error::not_found)?;
                policy_of(conn, &found, &uuid).await?;
                policy.check()?;
                let text = json_text::write_double(&policy)?;
                match found.repository {
                    Some(repository) => {
                        autoprune_policies::update_of_repository(conn, &uuid, repository, &text)
                            .await?
                    }
                    None => {
                        autoprune_policies::update_of_namespace(conn, &uuid, found.namespace, &text)
                            .await?
                    }
                };
                let event = found.event(
                    kind_of(
                        &found,
                        "update_namespace_autoprune_policy",
                        "update_repository_autoprune_policy",
                    ),
                    keys_of(&policy),
                );
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

/// Removes a policy.
///
/// # Errors
/// 404 when there is none.
pub(crate) async fn delete(api: &Api, actor: Actor, owner: Owner, uuid: String) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let found = owner.resolve(conn).await?;
                let deleted = match found.repository {
                    Some(repository) => {
                        autoprune_policies::delete_of_repository(conn, &uuid, repository).await?
                    }
                    None => {
                        autoprune_policies::delete_of_namespace(conn, &uuid, found.namespace)
                            .await?
                    }
                };
                if deleted == 0 {
                    return Err(Error::not_found());
                }
                let keys = Map::from_iter([("policy_uuid".to_owned(), json!(uuid))]);
                let event = found.event(
                    kind_of(
                        &found,
                        "delete_namespace_autoprune_policy",
                        "delete_repository_autoprune_policy",
                    ),
                    keys,
                );
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

async fn policies_of(conn: &mut Conn, owner: &PolicyOwner) -> Result<Vec<NamedPolicy>> {
    let rows = match owner.repository {
        Some(repository) => autoprune_policies::list_of_repository(conn, repository).await?,
        None => autoprune_policies::list_of_namespace(conn, owner.namespace).await?,
    };
    rows.into_iter().map(NamedPolicy::try_from).collect()
}

async fn policy_of(conn: &mut Conn, owner: &PolicyOwner, uuid: &str) -> Result<NamedPolicy> {
    let row = match owner.repository {
        Some(repository) => autoprune_policies::find_of_repository(conn, uuid, repository).await?,
        None => autoprune_policies::find_of_namespace(conn, uuid, owner.namespace).await?,
    };
    row.ok_or_else(Error::not_found)?.try_into()
}

/// The kind of an audit row: of a namespace's policy, or of a repository's.
fn kind_of(
    owner: &PolicyOwner,
    of_namespace: &'static str,
    of_repository: &'static str,
) -> &'static str {
    if owner.repository.is_some() {
        of_repository
    } else {
        of_namespace
    }
}

fn keys_of(policy: &Policy) -> Map<String, Value> {
    Map::from_iter([
        ("method".to_owned(), json!(policy.method)),
        ("value".to_owned(), policy.value.clone()),
        ("tag_pattern".to_owned(), json!(policy.tag_pattern)),
        (
            "tag_pattern_matches".to_owned(),
            json!(policy.tag_pattern_matches),
        ),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn policy(method: &str, value: Value, pattern: Option<&str>) -> Policy {
        Policy {
            method: method.to_owned(),
            value,
            tag_pattern: pattern.map(str::to_owned),
            tag_pattern_matches: Some(true),
        }
    }

    #[test]
    fn a_policy_keeps_a_number_of_tags_or_prunes_by_age() {
        for (method, value) in [
            ("number_of_tags", json!(1)),
            ("number_of_tags", json!(100)),
            ("creation_date", json!("7d")),
            ("creation_date", json!("2w")),
        ] {
            policy(method, value, Some("v.*")).check().unwrap();
        }
    }

    #[test]
    fn what_is_no_policy_is_refused_as_quay_words_it() {
        let wrong_value = "Invalid value given for method type";
        for (policy, text) in [
            (policy("newest", json!(1), None), "Invalid method provided"),
            (policy("number_of_tags", json!(0), None), wrong_value),
            (policy("number_of_tags", json!(-1), None), wrong_value),
            (policy("number_of_tags", json!("5"), None), wrong_value),
            (policy("creation_date", json!(7), None), wrong_value),
            (policy("creation_date", json!(""), None), wrong_value),
            (policy("creation_date", json!("7x"), None), wrong_value),
            (policy("creation_date", json!("-7d"), None), wrong_value),
            (
                policy("number_of_tags", json!(1), Some("")),
                "tag_pattern cannot be empty",
            ),
        ] {
            assert_eq!(policy.check().unwrap_err().to_string(), text, "{policy:?}");
        }
        let lookahead = policy("number_of_tags", json!(1), Some("(?!v)x"));
        assert!(lookahead.check().is_err());
    }

    #[test]
    fn a_row_without_a_flag_prunes_what_matches() {
        let old: Policy =
            json_text::read_double(Some(r#""{\"method\": \"number_of_tags\", \"value\": 5}""#))
                .unwrap();
        assert!(old.equals(&policy("number_of_tags", json!(5), None)));
    }
}
