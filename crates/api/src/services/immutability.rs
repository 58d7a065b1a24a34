//! Immutability policies: which tags may be neither moved nor deleted (Quay's `immutability.py`, 3.17).
//!
//! A policy counts for what is pushed later and for what is there: the tags that are alive when it is made or changed are
//! marked in the same transaction, so that there is no policy that was applied half. They stay immutable when the policy
//! goes.

use chrono::NaiveDateTime;
use pierhead_auth::accounts::{Accounts, Actor, Event};
use pierhead_db::encoding::json_text;
use pierhead_db::queries::immutability_policies::{self, PolicyRow};
use pierhead_db::queries::org_mirrors;
use pierhead_db::{Conn, RepositoryId, TagId, UserId};
use pierhead_oci::{TagPattern, TagPatternError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::policy_owner::{Owner, PolicyOwner};
use crate::error::{Error, Result};
use crate::state::Api;

/// Tags read at once.
const TAGS_READ: i64 = 10_000;
/// Tags marked by one statement.
const TAGS_MARKED: usize = 1_000;
/// Repositories read at once.
const REPOSITORIES_READ: i64 = 1_000;

/// Which tags are immutable, as it is stored.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Policy {
    /// A regular expression that the whole name must match.
    pub(crate) tag_pattern: Option<String>,
    /// Whether those that match, or all others.
    #[serde(default = "yes")]
    pub(crate) tag_pattern_matches: bool,
}

fn yes() -> bool {
    true
}

impl Policy {
    fn check(&self) -> Result<TagPattern> {
        let pattern = self.tag_pattern.as_deref().unwrap_or_default();
        TagPattern::parse(pattern).map_err(|error| match error {
            TagPatternError::Empty => {
                Error::invalid_request("tag_pattern is required and must be a non-empty string")
            }
            TagPatternError::TooLong => {
                Error::invalid_request("tag_pattern must be 256 characters or less")
            }
            TagPatternError::Invalid(reason) => {
                Error::invalid_request(format!("Invalid regex pattern: {reason}"))
            }
        })
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
            policy: json_text::read(Some(&row.policy))?,
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

/// Adds a policy, marks the tags that it covers, and returns its public id.
///
/// # Errors
/// 400 for a policy that cannot be or is there already, and for an organization that mirrors another registry.
pub(crate) async fn create(
    api: &Api,
    actor: Actor,
    owner: Owner,
    policy: Policy,
) -> Result<String> {
    let change = Application::new(api);
    let org_mirror = api.config().mirroring.feature_org_mirror;
    let uuid = Uuid::new_v4().to_string();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let found = enabled(&owner, conn).await?;
                if org_mirror
                    && found.repository.is_none()
                    && org_mirrors::exists(conn, found.namespace).await?
                {
                    return Err(Error::invalid_request(
                        "Cannot create immutability policy: organization is managed by organization-level mirroring",
                    ));
                }
                let pattern = policy.check()?;
                refuse_duplicate(conn, &found, &policy, None).await?;
                let text = json_text::write(&policy)?;
                match found.repository {
                    Some(repository) => {
                        immutability_policies::insert_of_repository(
                            conn,
                            &uuid,
                            found.namespace,
                            &text,
                            repository,
                        )
                        .await?
                    }
                    None => {
                        immutability_policies::insert_of_namespace(
                            conn,
                            &uuid,
                            found.namespace,
                            &text,
                        )
                        .await?
                    }
                };
                change.apply(conn, &found, &policy, &pattern).await?;
                let event = found.event("create_immutability_policy", keys_of(&policy));
                change.record(conn, &actor, event).await?;
                Ok(uuid)
            })
        })
        .await
}

/// Replaces a policy and marks the tags that it covers now.
///
/// # Errors
/// 404 when there is none; 400 for a policy that cannot be or is there already.
pub(crate) async fn update(
    api: &Api,
    actor: Actor,
    owner: Owner,
    uuid: String,
    policy: Policy,
) -> Result<()> {
    let change = Application::new(api);
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let pattern = policy.check()?;
                let found = enabled(&owner, conn).await?;
                policy_of(conn, &found, &uuid).await?;
                refuse_duplicate(conn, &found, &policy, Some(&uuid)).await?;
                let text = json_text::write(&policy)?;
                match found.repository {
                    Some(repository) => {
                        immutability_policies::update_of_repository(conn, &uuid, repository, &text)
                            .await?
                    }
                    None => {
                        immutability_policies::update_of_namespace(
                            conn,
                            &uuid,
                            found.namespace,
                            &text,
                        )
                        .await?
                    }
                };
                change.apply(conn, &found, &policy, &pattern).await?;
                let event = found.event("update_immutability_policy", keys_of(&policy));
                change.record(conn, &actor, event).await
            })
        })
        .await
}

/// Removes a policy. Tags that it made immutable stay so.
///
/// # Errors
/// 404 when there is none.
pub(crate) async fn delete(api: &Api, actor: Actor, owner: Owner, uuid: String) -> Result<()> {
    let change = Application::new(api);
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let found = enabled(&owner, conn).await?;
                let deleted = match found.repository {
                    Some(repository) => {
                        immutability_policies::delete_of_repository(conn, &uuid, repository).await?
                    }
                    None => {
                        immutability_policies::delete_of_namespace(conn, &uuid, found.namespace)
                            .await?
                    }
                };
                if deleted == 0 {
                    return Err(Error::not_found());
                }
                let keys = Map::from_iter([("policy_uuid".to_owned(), json!(uuid))]);
                let event = found.event("delete_immutability_policy", keys);
                change.record(conn, &actor, event).await
            })
        })
        .await
}

/// What a change needs inside its transaction.
struct Application {
    accounts: Accounts,
    now: NaiveDateTime,
    can_expire: bool,
}

impl Application {
    fn new(api: &Api) -> Self {
        let accounts = api.accounts().clone();
        Self {
            now: accounts.now(),
            accounts,
            can_expire: api.config().tags.feature_immutable_tags_can_expire,
        }
    }

    async fn record(&self, conn: &mut Conn, actor: &Actor, event: Event) -> Result<()> {
        self.accounts.record(conn, actor, self.now, event).await?;
        Ok(())
    }

    /// Makes what the policy covers immutable, and tells how much that was, on nobody's behalf, as Quay does.
    async fn apply(
        &self,
        conn: &mut Conn,
        found: &PolicyOwner,
        policy: &Policy,
        pattern: &TagPattern,
    ) -> Result<()> {
        let count = match found.repository {
            Some(repository) => self.mark(conn, &[repository], policy, pattern).await?,
            None => {
                self.mark_all(conn, found.namespace, policy, pattern)
                    .await?
            }
        };
        if count == 0 {
            return Ok(());
        }
        let mut keys = keys_of(policy);
        keys.insert("count".to_owned(), json!(count));
        let event = found.event("tags_made_immutable_by_policy", keys);
        self.record(conn, &Actor::operator(), event).await
    }

    async fn mark_all(
        &self,
        conn: &mut Conn,
        namespace: UserId,
        policy: &Policy,
        pattern: &TagPattern,
    ) -> Result<u64> {
        let (mut count, mut after) = (0, RepositoryId(0));
        loop {
            let limit = REPOSITORIES_READ;
            let page =
                immutability_policies::repositories_after(conn, namespace, after, limit).await?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            after = *last;
            count += self.mark(conn, &page, policy, pattern).await?;
        }
    }

    async fn mark(
        &self,
        conn: &mut Conn,
        repositories: &[RepositoryId],
        policy: &Policy,
        pattern: &TagPattern,
    ) -> Result<u64> {
        let now_ms = self.now.and_utc().timestamp_millis();
        let (mut count, mut after) = (0, TagId(0));
        loop {
            let tags =
                immutability_policies::candidates(conn, repositories, now_ms, after, TAGS_READ)
                    .await?;
            let Some(last) = tags.last() else {
                return Ok(count);
            };
            after = last.id;
            let full = tags.len() as i64 == TAGS_READ;
            let covered: Vec<TagId> = tags
                .into_iter()
                .filter(|tag| pattern.matches_whole(&tag.name) == policy.tag_pattern_matches)
                .map(|tag| tag.id)
                .collect();
            for chunk in covered.chunks(TAGS_MARKED) {
                count +=
                    immutability_policies::make_immutable(conn, chunk, self.can_expire).await?;
            }
            if !full {
                return Ok(count);
            }
        }
    }
}

/// The rows of the owner, for a change.
async fn enabled(owner: &Owner, conn: &mut Conn) -> Result<PolicyOwner> {
    let found = owner.resolve_enabled(conn).await?;
    found.ok_or_else(|| {
        Error::bad_request(format!("Username does not exist: {}", owner.namespace()))
    })
}

async fn policies_of(conn: &mut Conn, owner: &PolicyOwner) -> Result<Vec<NamedPolicy>> {
    let rows = match owner.repository {
        Some(repository) => immutability_policies::list_of_repository(conn, repository).await?,
        None => immutability_policies::list_of_namespace(conn, owner.namespace).await?,
    };
    rows.into_iter().map(NamedPolicy::try_from).collect()
}

async fn policy_of(conn: &mut Conn, owner: &PolicyOwner, uuid: &str) -> Result<NamedPolicy> {
    let row = match owner.repository {
        Some(repository) => {
            immutability_policies::find_of_repository(conn, uuid, repository).await?
        }
        None => immutability_policies::find_of_namespace(conn, uuid, owner.namespace).await?,
    };
    row.ok_or_else(Error::not_found)?.try_into()
}

/// One policy for a pattern: a second one could only say the opposite.
async fn refuse_duplicate(
    conn: &mut Conn,
    owner: &PolicyOwner,
    policy: &Policy,
    except: Option<&str>,
) -> Result<()> {
    let known = policies_of(conn, owner).await?;
    let same = known.iter().any(|known| {
        known.policy.tag_pattern == policy.tag_pattern && Some(known.uuid.as_str()) != except
    });
    if same {
        return Err(Error::invalid_request(
            "A policy with the same tag_pattern already exists",
        ));
    }
    Ok(())
}

fn keys_of(policy: &Policy) -> Map<String, Value> {
    Map::from_iter([
        ("tag_pattern".to_owned(), json!(policy.tag_pattern)),
        (
            "tag_pattern_matches".to_owned(),
            json!(policy.tag_pattern_matches),
        ),
    ])
}
