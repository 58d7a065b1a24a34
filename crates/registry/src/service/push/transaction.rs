//! The transaction of a push: all rows of a manifest and its tags, or none.

use pierhead_db::queries::logs::{self, LogEntry};
use pierhead_db::queries::manifests::{self, NewManifest};
use pierhead_db::queries::tags;
use pierhead_db::{BlobId, Conn, ManifestId};
use pierhead_oci::Digest;

use crate::error::{Error, Result};
use crate::notification::PushNotifier;
use crate::service::labels::{EXPIRES_AFTER, IMMUTABLE, Labels, TagActions};
use crate::service::manifests::immutable_tag;
use crate::service::retarget::{self, Refused, Retarget, Retargeted};

/// What the configuration and the enumeration tables say.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) sparse_index: bool,
    pub(super) reset_quota_totals: bool,
    pub(super) temporary_tag_ms: i64,
    pub(super) tags: retarget::Rules,
    pub(super) label_source: i32,
    pub(super) json_type: i32,
    pub(super) text_type: i32,
}

/// The transaction of a push.
pub(super) struct ManifestWrite {
    pub(super) new: NewManifest,
    /// The same content under the other algorithm, if it was asked for by tag.
    pub(super) other_digest: Option<String>,
    pub(super) namespace: i32,
    /// Digest and size of each blob that the repository must have.
    pub(super) blobs: Vec<(String, u64)>,
    /// Which of them is the config.
    pub(super) config_digest: Option<String>,
    /// Digests that are linked if the repository has them.
    pub(super) foreign: Vec<String>,
    /// Digest and size of each child.
    pub(super) children: Vec<(String, u64)>,
    pub(super) labels: Labels,
    pub(super) tags: Vec<String>,
    pub(super) audit: Vec<LogEntry>,
    pub(super) notifier: PushNotifier,
    pub(super) now_ms: i64,
    pub(super) now: chrono::NaiveDateTime,
    pub(super) rules: Rules,
}

/// What a push left.
pub(super) struct Stored {
    pub(super) digest: Digest,
    pub(super) manifest: ManifestId,
    /// When each of its tags ends.
    pub(super) ends_ms: Vec<Option<i64>>,
    /// Names of other tags that ended.
    pub(super) ended: Vec<String>,
    /// How many notifications were queued.
    pub(super) notified: u64,
}

impl ManifestWrite {
    /// Does all of it.
    pub(super) async fn run(mut self, conn: &mut Conn) -> Result<Stored> {
        let repository = self.new.repository;
        tags::lock_repository(conn, repository).await?;
        if let Some(other) = self.other_digest.take() {
            let known = manifests::find_by_digest(conn, repository, &other, self.now_ms).await?;
            if known.is_some() {
                self.new.digest = other;
            }
        }
        let blobs = self.linked_blobs(conn).await?;
        let children = self.stored_children(conn).await?;
        let (manifest, own_actions) = match manifests::insert(conn, &self.new).await? {
            Some(manifest) => {
                self.link(conn, manifest, &blobs, &children).await?;
                (manifest, self.new_actions())
            }
            None => self.reuse(conn, &blobs, &children).await?,
        };
        if self.tags.is_empty() {
            self.protect(conn, manifest).await?;
        }
        let mut ends_ms = Vec::with_capacity(self.tags.len());
        let (mut ended, mut hooks) = (Vec::new(), Vec::new());
        if !self.tags.is_empty() {
            let actions = self.actions(conn, own_actions, &children).await?;
            for tag in &self.tags {
                let moved = self.retarget(conn, tag, manifest, actions).await?;
                ends_ms.push(moved.lifetime_end_ms);
                ended.extend(moved.ended);
                // The same for every tag.
                hooks = moved.hooks;
            }
        }
        logs::insert(conn, &self.audit).await?;
        let notified = self
            .notifier
            .queue(conn, &hooks, &self.tags, self.now)
            .await?;
        let digest = Digest::parse(&self.new.digest)
            .map_err(|_| Error::Corrupt("a digest that was just made".to_owned()))?;
        Ok(Stored {
            digest,
            manifest,
            ends_ms,
            ended,
            notified,
        })
    }

    /// Rows that belong to a new manifest.
    async fn link(
        &self,
        conn: &mut Conn,
        manifest: ManifestId,
        blobs: &[BlobId],
        children: &[ManifestId],
    ) -> Result<()> {
        let repository = self.new.repository;
        manifests::insert_blobs(conn, repository, manifest, blobs).await?;
        manifests::insert_children(conn, repository, manifest, children).await?;
        manifests::insert_security_status(conn, repository, manifest, self.now).await?;
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|(key, value)| {
                let is_json = serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
                let media_type = if is_json {
                    self.rules.json_type
                } else {
                    self.rules.text_type
                };
                let uuid = uuid::Uuid::new_v4().to_string();
                (uuid, key.clone(), value.clone(), media_type)
            })
            .collect();
        manifests::insert_labels(conn, repository, manifest, self.rules.label_source, &labels)
            .await?;
        if self.rules.reset_quota_totals {
            manifests::reset_namespace_quota(conn, self.namespace).await?;
            manifests::reset_repository_quota(conn, repository).await?;
        }
        Ok(())
    }

    /// The manifest that the repository has already, and what its labels ask of tags: those in the database, which may have
    /// changed since it was pushed. A placeholder gets its text and links.
    async fn reuse(
        &self,
        conn: &mut Conn,
        blobs: &[BlobId],
        children: &[ManifestId],
    ) -> Result<(ManifestId, TagActions)> {
        let row = manifests::find_pushed(conn, self.new.repository, &self.new.digest)
            .await?
            .ok_or_else(|| {
                Error::Corrupt("a manifest that vanished inside a transaction".to_owned())
            })?;
        if row.is_placeholder {
            manifests::fill_placeholder(conn, row.id, &self.new).await?;
            self.link(conn, row.id, blobs, children).await?;
            return Ok((row.id, self.new_actions()));
        }
        if self.rules.sparse_index {
            manifests::insert_blobs(conn, self.new.repository, row.id, blobs).await?;
            manifests::insert_children(conn, self.new.repository, row.id, children).await?;
        }
        let labels = [
            (EXPIRES_AFTER, row.expires_after),
            (IMMUTABLE, row.immutable),
        ];
        let labels = labels
            .iter()
            .filter_map(|(key, value)| Some((*key, value.as_deref()?)));
        Ok((row.id, TagActions::of(labels)))
    }

    /// What the labels of a new manifest ask of tags.
    fn new_actions(&self) -> TagActions {
        let labels = self.labels.iter();
        TagActions::of(labels.map(|(key, value)| (key.as_str(), value.as_str())))
    }

    /// What labels ask of the tags: the manifest's own, and for an index what all its children have in common.
    async fn actions(
        &self,
        conn: &mut Conn,
        own: TagActions,
        children: &[ManifestId],
    ) -> Result<TagActions> {
        if children.is_empty() || own.is_complete() {
            return Ok(own);
        }
        let children = children.iter().copied().collect();
        let common = manifests::common_labels(conn, &children).await?;
        let labels = common
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(own.or(TagActions::of(labels)))
    }

    /// Keeps a manifest that no tag names: for a time, or for ever if it refers to another one.
    async fn protect(&self, conn: &mut Conn, manifest: ManifestId) -> Result<()> {
        let until = match &self.new.subject {
            Some(_) => None,
            None => Some(self.now_ms + self.rules.temporary_tag_ms),
        };
        let protected = tags::last_end_of_manifest(conn, manifest, self.now_ms).await?;
        if protected >= until.unwrap_or(i64::MAX) {
            return Ok(());
        }
        tags::insert(
            conn,
            &tags::NewTag {
                repository: self.new.repository,
                name: format!("$temp-{}", uuid::Uuid::new_v4()),
                manifest,
                lifetime_start_ms: self.now_ms,
                lifetime_end_ms: until,
                hidden: true,
                reversion: false,
                immutable: false,
                kind: self.rules.tags.tag_kind,
            },
            self.rules.tags.push_event,
        )
        .await?;
        Ok(())
    }

    /// Points a tag at the manifest.
    async fn retarget(
        &self,
        conn: &mut Conn,
        name: &str,
        manifest: ManifestId,
        actions: TagActions,
    ) -> Result<Retargeted> {
        let retarget = Retarget {
            repository: self.new.repository,
            namespace: self.namespace,
            name,
            manifest,
            reversion: false,
            actions,
            now_ms: self.now_ms,
            rules: self.rules.tags,
        };
        match retarget.run(conn).await {
            Ok(moved) => Ok(moved),
            Err(Refused::Immutable) => Err(immutable_tag(name)),
            Err(Refused::Database(error)) => Err(error.into()),
        }
    }
}
