//! What the management API changes about tags: expiry, immutability, target, end, restoration, and removal from the time
//! machine.
//!
//! Each call is one transaction with its audit rows, under Quay's lock of the repository: either all of it happens or
//! nothing. The order of the checks is Quay's (`endpoints/api/tag.py`), because it decides which error a client sees.

use pierhead_auth::accounts::AccountsError;
use pierhead_db::enums::{EnumTable, TagKind};
use pierhead_db::queries::tags::AliveTag;
use pierhead_db::queries::{manifests, tag_changes, tags};
use pierhead_db::{Conn, Durability, ManifestId, RepositoryId};
use pierhead_oci::media_type::{self, ManifestType};
use serde_json::{Value, json};

use crate::error::Error;
use crate::notification::REPO_PUSH;
use crate::service::author::Author;
use crate::service::ending::EndingTag;
use crate::service::labels::stored_actions;
use crate::service::retarget::{Refused, Retarget, Rules};
use crate::state::Registry;
use crate::uninterrupted::uninterrupted;

/// Why a tag was not changed. Nothing was.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// No visible tag of that name lives.
    #[error("no such tag")]
    NoSuchTag,
    /// The repository has no such manifest, or nothing keeps it.
    #[error("no such manifest")]
    NoSuchManifest,
    /// There is nothing to remove from the time machine.
    #[error("no dead tag of that name and manifest can be restored")]
    NothingToRemove,
    /// The tag may be neither moved nor deleted.
    #[error("Cannot {operation} immutable tag '{tag}'")]
    Immutable {
        /// Its name.
        tag: String,
        /// What was tried.
        operation: &'static str,
    },
    /// The date to expire at is past, or no date.
    #[error("the expiration date is not in the future")]
    NotInFuture,
    /// An immutable tag may not be made to expire.
    #[error("Cannot set expiration on immutable tag '{0}'")]
    ImmutableCannotExpire(String),
    /// A tag that expires may not be made immutable.
    #[error(
        "Cannot make tag '{0}' immutable: tag has expiration set. Clear expiration first or enable \
         FEATURE_IMMUTABLE_TAGS_CAN_EXPIRE."
    )]
    ExpiringCannotBeImmutable(String),
    /// Only an administrator may make a tag mutable again.
    #[error("only an administrator of the repository may make a tag mutable")]
    NeedsAdministrator,
    /// A schema 1 manifest names its tag under its signature.
    #[error("a schema 1 manifest belongs to the tag that it names")]
    BoundToItsTag,
    /// An audit row could not be written.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] Error),
}

type Result<T, E = TagError> = std::result::Result<T, E>;

/// What to change about a tag, in this order.
#[derive(Clone, Debug, Default)]
pub struct TagChange {
    /// When it shall end, in epoch seconds; `Some(None)` for never.
    pub expiration: Option<Option<f64>>,
    /// Whether it may be moved and deleted from now on.
    pub immutable: Option<bool>,
    /// Whether the caller may take immutability back.
    pub may_unset_immutable: bool,
    /// What it shall point to.
    pub manifest_digest: Option<String>,
}

/// Which interval to remove from the time machine.
#[derive(Clone, Debug)]
pub enum Removal {
    /// The living one.
    Alive,
    /// The dead ones on this manifest.
    Dead(String),
}

/// What all changes of one call have in common.
#[derive(Clone, Debug)]
struct Work {
    author: Author,
    repository: RepositoryId,
    tag: String,
    now_ms: i64,
    registry: Registry,
}

impl Registry {
    /// What the configuration says about moving tags.
    pub(crate) fn tag_rules(&self) -> Rules {
        Rules {
            immutable_tags: self.config.immutable_tags,
            immutable_tags_can_expire: self.config.immutable_tags_can_expire,
            tag_kind: self.enums.id(TagKind::Tag),
            push_event: self
                .enums
                .find(EnumTable::NotificationEvent, REPO_PUSH)
                .unwrap_or_default(),
        }
    }

    /// Changes a tag, or makes it if only a target is given.
    ///
    /// # Errors
    /// See [`TagError`].
    pub async fn change_tag(&self, author: &Author, tag: &str, change: TagChange) -> Result<()> {
        self.in_transaction(author, tag, move |conn, work| {
            Box::pin(async move {
                if let Some(end_s) = change.expiration {
                    work.set_expiration(conn, end_s).await?;
                }
                if let Some(immutable) = change
                    .immutable
                    .filter(|_| work.registry.config.immutable_tags)
                {
                    work.set_immutable(conn, immutable, change.may_unset_immutable)
                        .await?;
                }
                match change.manifest_digest {
                    Some(digest) => work.point_to(conn, &digest).await,
                    None => Ok(Vec::new()),
                }
            })
        })
        .await?;
        Ok(())
    }

    /// Points a tag back at a manifest that may have no living tag.
    ///
    /// # Errors
    /// See [`TagError`].
    pub async fn restore_tag(&self, author: &Author, tag: &str, digest: String) -> Result<()> {
        self.in_transaction(author, tag, move |conn, work| {
            Box::pin(async move {
                let found =
                    manifests::find_visible(conn, work.repository, &digest, work.now_ms).await?;
                let found = found.ok_or(TagError::NoSuchManifest)?;
                let (_, ended) = work
                    .retarget(
                        conn,
                        found.id,
                        found.media_type_id,
                        &found.manifest_bytes,
                        true,
                    )
                    .await?;
                let keys = [("manifest_digest", json!(digest))];
                work.record(conn, "revert_tag", &keys).await?;
                Ok(ended)
            })
        })
        .await?;
        Ok(())
    }

    /// Ends a tag.
    ///
    /// # Errors
    /// See [`TagError`].
    pub async fn end_tag(&self, author: &Author, tag: &str) -> Result<()> {
        let ended = self
            .in_transaction(author, tag, move |conn, work| {
                Box::pin(async move {
                    let alive = work.alive(conn).await?;
                    if work.registry.config.immutable_tags && alive.immutable {
                        return Err(work.immutable("delete"));
                    }
                    let ending = work.registry.ending(work.repository, work.now_ms);
                    let tag = EndingTag {
                        id: alive.id,
                        name: &work.tag,
                        manifest: alive.manifest_id,
                        digest: &alive.digest,
                        lifetime_start_ms: alive.lifetime_start_ms,
                    };
                    let ended = ending.end(conn, tag).await?;
                    work.record(conn, "delete_tag", &[]).await?;
                    Ok(ended)
                })
            })
            .await?;
        self.forget_pulls(author.repository.id, ended.iter().chain([&tag.to_owned()]));
        Ok(())
    }

    /// Ends a tag, or dead intervals of it, before the time machine's window, so that they can be collected at once.
    ///
    /// # Errors
    /// See [`TagError`].
    pub async fn remove_from_time_machine(
        &self,
        author: &Author,
        tag: &str,
        removal: Removal,
        with_children: bool,
    ) -> Result<()> {
        self.in_transaction(author, tag, move |conn, work| {
            Box::pin(async move {
                work.remove(conn, removal, with_children).await?;
                Ok(Vec::new())
            })
        })
        .await?;
        self.forget_pulls(author.repository.id, [&tag.to_owned()]);
        Ok(())
    }

    /// Runs a change under the repository's lock and tells the caches. The change gives the names of other tags that ended,
    /// and so does this.
    async fn in_transaction<F>(&self, author: &Author, tag: &str, change: F) -> Result<Vec<String>>
    where
        F: for<'c> FnOnce(&'c mut Conn, Work) -> pierhead_db::BoxFuture<'c, Result<Vec<String>>>
            + Send
            + 'static,
    {
        let repository = author.repository.id;
        let work = Work {
            author: author.clone(),
            repository,
            tag: tag.to_owned(),
            now_ms: self.clock.next_ms(),
            registry: self.clone(),
        };
        let (registry, tag) = (self.clone(), tag.to_owned());
        uninterrupted(async move {
            let ended = registry
                .db
                .write(Durability::Full, move |conn| {
                    Box::pin(async move {
                        tags::lock_repository(conn, repository).await?;
                        change(conn, work).await
                    })
                })
                .await;
            let others = ended.iter().flatten().map(String::as_str);
            for name in others.chain([tag.as_str()]) {
                registry.caches.tag_changed(repository, name);
            }
            registry.caches.alive_changed(repository);
            ended
        })
        .await
    }
}

impl Work {
    async fn alive(&self, conn: &mut Conn) -> Result<AliveTag> {
        tags::find_alive(conn, self.repository, &self.tag, self.now_ms)
            .await?
            .ok_or(TagError::NoSuchTag)
    }

    fn immutable(&self, operation: &'static str) -> TagError {
        TagError::Immutable {
            tag: self.tag.clone(),
            operation,
        }
    }

    async fn record(
        &self,
        conn: &mut Conn,
        kind: &'static str,
        keys: &[(&str, Value)],
    ) -> Result<()> {
        Ok(self.author.record_tag(conn, kind, &self.tag, keys).await?)
    }

    /// Sets the end, no nearer to the tag's beginning and no farther from it than the configuration allows.
    async fn set_expiration(&self, conn: &mut Conn, end_s: Option<f64>) -> Result<()> {
        let config = &self.registry.config;
        let alive = self.alive(conn).await?;
        let end_s = match end_s {
            Some(end_s) => Some(future_second(end_s, self.now_ms).ok_or(TagError::NotInFuture)?),
            None => None,
        };
        let protected = config.immutable_tags && alive.immutable;
        if protected && end_s.is_some() && !config.immutable_tags_can_expire {
            return Err(TagError::ImmutableCannotExpire(self.tag.clone()));
        }
        let end_ms = end_s.map(|end_s| {
            let life_s = end_s.saturating_sub(alive.lifetime_start_ms.div_euclid(1000));
            let life_s = life_s
                .max(config.shortest_labeled_life_s)
                .min(config.longest_labeled_life_s);
            alive
                .lifetime_start_ms
                .saturating_add(life_s.saturating_mul(1000))
        });
        let mut old = None;
        if end_ms != alive.lifetime_end_ms {
            tags::forget_expiry_notices(conn, alive.id).await?;
            tag_changes::set_end(conn, alive.id, end_ms, alive.lifetime_end_ms).await?;
            old = alive.lifetime_end_ms;
        }
        if old.is_none() && end_s.is_none() {
            return Ok(());
        }
        let keys = [
            ("expiration_date", json!(end_s)),
            ("old_expiration_date", json!(old)),
        ];
        self.record(conn, "change_tag_expiration", &keys).await
    }

    async fn set_immutable(&self, conn: &mut Conn, immutable: bool, may_unset: bool) -> Result<()> {
        let alive = self.alive(conn).await?;
        if !immutable && alive.immutable && !may_unset {
            return Err(TagError::NeedsAdministrator);
        }
        let can_expire = self.registry.config.immutable_tags_can_expire;
        if immutable && alive.lifetime_end_ms.is_some() && !can_expire {
            return Err(TagError::ExpiringCannotBeImmutable(self.tag.clone()));
        }
        if immutable != alive.immutable {
            tag_changes::set_immutable(conn, alive.id, immutable).await?;
        }
        let keys = [
            ("immutable", json!(immutable)),
            ("previous_immutable", json!(alive.immutable)),
        ];
        self.record(conn, "change_tag_immutability", &keys).await
    }

    async fn point_to(&self, conn: &mut Conn, digest: &str) -> Result<Vec<String>> {
        let found = manifests::find_visible(conn, self.repository, digest, self.now_ms)
            .await?
            .filter(|found| found.visible)
            .ok_or(TagError::NoSuchManifest)?;
        let (previous, ended) = self
            .retarget(
                conn,
                found.id,
                found.media_type_id,
                &found.manifest_bytes,
                false,
            )
            .await?;
        let kind = if previous.is_some() {
            "move_tag"
        } else {
            "create_tag"
        };
        let keys = [
            ("manifest_digest", json!(digest)),
            ("original_manifest_digest", json!(previous)),
        ];
        self.record(conn, kind, &keys).await?;
        Ok(ended)
    }

    /// Points the tag at a manifest. Gives what it pointed to, and other tags that ended.
    async fn retarget(
        &self,
        conn: &mut Conn,
        manifest: ManifestId,
        media_type_id: i32,
        text: &str,
        reversion: bool,
    ) -> Result<(Option<String>, Vec<String>)> {
        let media_type = self.registry.media_type_name(media_type_id)?;
        if schema1_tag(media_type, text).is_some_and(|named| named != self.tag) {
            return Err(TagError::BoundToItsTag);
        }
        let is_index = ManifestType::parse(media_type).is_some_and(ManifestType::is_index);
        let actions = stored_actions(conn, manifest, is_index).await?;
        let retarget = Retarget {
            repository: self.repository,
            namespace: self.author.repository.namespace_id.0,
            name: &self.tag,
            manifest,
            reversion,
            actions,
            now_ms: self.now_ms,
            rules: self.registry.tag_rules(),
        };
        let moved = match retarget.run(conn).await {
            Ok(moved) => moved,
            Err(Refused::Immutable) => return Err(self.immutable("overwrite")),
            Err(Refused::Database(error)) => return Err(error.into()),
        };
        if moved.immutable_by_policy {
            let keys = [("tag", json!(self.tag)), ("immutable", json!(true))];
            self.author
                .record(conn, "tag_made_immutable_by_policy", &keys)
                .await?;
        }
        Ok((moved.previous, moved.ended))
    }

    async fn remove(&self, conn: &mut Conn, removal: Removal, with_children: bool) -> Result<()> {
        let config = &self.registry.config;
        let window_ms = tag_changes::time_machine_window(conn, self.repository)
            .await?
            .saturating_mul(1000);
        let window_start_ms = self.now_ms.saturating_sub(window_ms);
        let (manifest, digest, ids) = match removal {
            Removal::Alive => {
                let alive = self.alive(conn).await?;
                if config.immutable_tags && alive.immutable {
                    return Err(TagError::NothingToRemove);
                }
                (alive.manifest_id, alive.digest, vec![alive.id])
            }
            Removal::Dead(digest) => {
                let found =
                    manifests::find_by_digest(conn, self.repository, &digest, self.now_ms).await?;
                let manifest = found.ok_or(TagError::NoSuchManifest)?.id;
                let dead = tag_changes::restorable(
                    conn,
                    self.repository,
                    &self.tag,
                    manifest,
                    self.now_ms,
                    window_start_ms,
                )
                .await?;
                let removed = dead
                    .into_iter()
                    .filter(|tag| !(config.immutable_tags && tag.immutable));
                (manifest, digest, removed.map(|tag| tag.id).collect())
            }
        };
        if ids.is_empty() {
            return Err(TagError::NothingToRemove);
        }
        if config.pull_statistics {
            tags::delete_pull_statistics(conn, self.repository, &self.tag).await?;
        }
        // No two intervals of a name may end together: each ends before every other.
        let earliest = tag_changes::earliest_end(conn, self.repository, &self.tag).await?;
        let mut end_ms = window_start_ms.min(earliest.saturating_sub(1));
        for id in ids {
            tag_changes::move_end(conn, id, end_ms).await?;
            end_ms -= 1;
        }
        if with_children && config.reset_child_manifest_expiration {
            tag_changes::end_children(conn, self.repository, manifest, window_start_ms).await?;
        }
        let keys = [("manifest_digest", json!(digest))];
        self.record(conn, "permanently_delete_tag", &keys).await
    }
}

/// The whole second of a time after now that is a date anybody has.
fn future_second(end_s: f64, now_ms: i64) -> Option<i64> {
    /// The beginning of the year 10000.
    const END_OF_DATES_S: f64 = 253_402_300_800.0;
    let is_future = end_s * 1000.0 > now_ms as f64 && end_s < END_OF_DATES_S;
    is_future.then_some(end_s as i64)
}

/// The tag that a schema 1 manifest names; `None` for other manifests.
fn schema1_tag(media_type: &str, text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Schema1 {
        tag: String,
    }
    let is_schema1 = [
        media_type::DOCKER_SCHEMA1,
        media_type::DOCKER_SCHEMA1_SIGNED,
    ]
    .contains(&media_type);
    if !is_schema1 {
        return None;
    }
    // One that names none is bound to none that a client could ask for.
    Some(serde_json::from_str::<Schema1>(text).map_or_else(|_| String::new(), |named| named.tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_date_to_come_is_one_to_expire_at() {
        assert_eq!(future_second(2.9, 2_000), Some(2));
        for other in [
            2.0,
            1.0,
            -1.0,
            253_402_300_800.0,
            1e300,
            f64::NAN,
            f64::INFINITY,
        ] {
            assert_eq!(future_second(other, 2_000), None, "{other}");
        }
    }

    #[test]
    fn a_schema_1_manifest_is_bound_to_the_tag_it_names() {
        let signed = media_type::DOCKER_SCHEMA1_SIGNED;
        assert_eq!(
            schema1_tag(signed, r#"{"tag":"v1"}"#).as_deref(),
            Some("v1")
        );
        assert_eq!(schema1_tag(signed, "{}").as_deref(), Some(""));
        assert_eq!(
            schema1_tag(media_type::OCI_MANIFEST, r#"{"tag":"v1"}"#),
            None
        );
    }
}
