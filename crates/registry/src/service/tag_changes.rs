//! What the management API changes about tags: expiry, immutability, target, end, restoration, and removal from the time
//! machine.
//!
//! Each call is one transaction with its audit rows, under Quay's lock of the repository: either all of it happens or
//! nothing. The order of the checks is Quay's (`endpoints/api/tag.py`), because it decides which error a client sees.

mod attributes;
mod target;
mod time_machine;

use pierhead_auth::accounts::AccountsError;
use pierhead_db::enums::{EnumTable, TagKind};
use pierhead_db::queries::tags::AliveTag;
use pierhead_db::queries::{manifests, tags};
use pierhead_db::{Conn, Durability, RepositoryId};
use serde_json::{Value, json};

use crate::error::Error;
use crate::notification::REPO_PUSH;
use crate::service::author::Author;
use crate::service::ending::EndingTag;
use crate::service::retarget::Rules;
use crate::state::Registry;
use crate::uninterrupted::uninterrupted;

pub use self::time_machine::Removal;

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
}
