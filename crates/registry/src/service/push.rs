//! Pushing a manifest: everything it changes is one transaction.
//!
//! Cost of a new image manifest that is pushed by tag: the link check and the content of its config before the transaction;
//! in it, nine statements: is it known under its other digest, all blobs, the manifest, its links, its scan status, the
//! living row of the tag, immutability policies, the new row, the audit row. A tag that moves costs three more, each label
//! two, a repository with hooks for pushes one, and on PostgreSQL the lock of the repository one. The same manifest again
//! costs ten. By digest, seven in all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use pierhead_auth::Repository;
use pierhead_db::enums::LabelSource;
use pierhead_db::queries::logs::{self, LogEntry};
use pierhead_db::queries::manifests::{self, NewManifest};
use pierhead_db::queries::{blobs, tags};
use pierhead_db::{BlobId, Conn, Durability, ManifestId};
use pierhead_oci::digest::Algorithm;
use pierhead_oci::{Descriptor, Digest, Hasher, Manifest, ManifestErrorKind, Reference, Tag};

use crate::audit::Event;
use crate::error::{Code, Error, Result};
use crate::notification::PushNotifier;
use crate::service::labels::{EXPIRES_AFTER, IMMUTABLE, Labels, TagActions, common_labels};
use crate::service::manifests::immutable_tag;
use crate::service::retarget::{self, Refused, Retarget, Retargeted};
use crate::state::Registry;
use crate::uninterrupted::uninterrupted;

/// Tags that one push may set, each of which costs several statements of its transaction. OCI asks for at least 10.
const MOST_TAGS: usize = 100;

/// What a push asks for.
#[derive(Debug)]
pub struct PushRequest<'r> {
    /// Where to.
    pub repository: &'r Arc<Repository>,
    /// Tag or digest in the path.
    pub reference: Reference,
    /// Tags of the `tag` parameters, which go with a digest.
    pub tags: Vec<Tag>,
    /// `Content-Type`.
    pub content_type: Option<&'r str>,
    /// The body.
    pub bytes: Bytes,
}

/// What a push came to.
#[derive(Debug)]
pub struct Pushed {
    /// The manifest's digest.
    pub digest: Digest,
    /// The digest of its subject.
    pub subject: Option<Digest>,
    /// Its media type.
    pub media_type: &'static str,
}

impl Registry {
    /// Stores a manifest and points the tags at it. `events` makes the audit row of each tag.
    pub async fn push_manifest(&self, request: PushRequest<'_>, event: &Event) -> Result<Pushed> {
        let bytes = request.bytes;
        let manifest = Manifest::parse(request.content_type, &bytes, &self.config.manifest_limits)
            .map_err(|error| manifest_error(&error))?;
        let (digest, other) = digests(&request.reference, &bytes)?;
        let repository = request.repository.id;
        let labels = self.labels_of(repository, &manifest).await?;
        let tags: Vec<String> = match &request.reference {
            Reference::Tag(tag) => vec![tag.as_str().to_owned()],
            Reference::Digest(_) => {
                let tags = request.tags.iter().map(|tag| tag.as_str().to_owned());
                tags.collect::<BTreeSet<_>>().into_iter().collect()
            }
        };
        if tags.len() > MOST_TAGS {
            return Err(Error::saying(
                Code::TOO_MANY_TAGS,
                format!("a push sets at most {MOST_TAGS} tags, not {}", tags.len()),
            ));
        }
        let media_type = manifest.manifest_type().as_str();
        let media_type_id = self
            .enums
            .media_type(media_type)
            .ok_or_else(|| Error::Corrupt(format!("no mediatype row called {media_type}")))?;
        // Invariant of `Manifest::parse`: the bytes are UTF-8.
        let text = String::from_utf8(bytes.to_vec())
            .map_err(|_| Error::detailed(Code::MANIFEST_INVALID, "the manifest is not UTF-8"))?;
        let subject = manifest.subject().map(|subject| subject.digest);
        let audit = tags
            .iter()
            .filter_map(|tag| event.push(self, tag, media_type))
            .collect();
        let write = ManifestWrite {
            new: NewManifest {
                repository,
                digest: digest.to_string(),
                media_type_id,
                bytes: text,
                config_media_type: manifest.config_media_type().map(str::to_owned),
                layers_compressed_size: manifest.layers_compressed_size().map(|size| size as i64),
                subject: subject.map(|subject| subject.to_string()),
                artifact_type: manifest.artifact_type().map(str::to_owned),
            },
            other_digest: other.map(|digest| digest.to_string()),
            namespace: request.repository.namespace_id.0,
            blobs: manifest.local_blobs().into_iter().map(needed).collect(),
            config_digest: manifest.config().map(|config| config.digest.to_string()),
            foreign: manifest
                .foreign_blobs()
                .into_iter()
                .map(|blob| blob.digest.to_string())
                .collect(),
            children: manifest
                .children()
                .map(|child| needed(&child.descriptor))
                .collect(),
            labels,
            tags: tags.clone(),
            audit,
            notifier: PushNotifier::new(self, event),
            now_ms: self.clock.next_ms(),
            now: self.clock.utc(),
            rules: Rules {
                sparse_index: self.config.sparse_index,
                reset_quota_totals: self.config.reset_quota_totals,
                temporary_tag_ms: self.config.temporary_tag_seconds * 1000,
                tags: self.tag_rules(),
                label_source: self.enums.id(LabelSource::Manifest),
                json_type: self
                    .enums
                    .media_type("application/json")
                    .unwrap_or_default(),
                text_type: self.enums.media_type("text/plain").unwrap_or_default(),
            },
        };
        let registry = self.clone();
        let digest = uninterrupted(async move {
            let before: Vec<_> = tags
                .iter()
                .map(|tag| registry.caches.tag_generation(repository, tag))
                .collect();
            let stored = registry
                .db
                .write(Durability::Full, move |conn| {
                    Box::pin(async move { write.run(conn).await })
                })
                .await;
            match &stored {
                Ok(stored) => {
                    for ((tag, end_ms), before) in tags.iter().zip(&stored.ends_ms).zip(before) {
                        let caches = &registry.caches;
                        caches.tag_moved(repository, tag, before, *end_ms, stored.manifest);
                    }
                }
                // What was not acknowledged may be committed all the same.
                Err(_) => {
                    for tag in &tags {
                        registry.caches.tag_changed(repository, tag);
                    }
                }
            }
            for tag in stored.iter().flat_map(|stored| &stored.ended) {
                registry.caches.tag_changed(repository, tag);
            }
            registry.caches.alive_changed(repository);
            let stored = stored?;
            registry
                .measures
                .queued(&registry.config.notification_queue, stored.notified);
            Ok::<_, Error>(stored.digest)
        })
        .await?;
        Ok(Pushed {
            digest,
            subject,
            media_type,
        })
    }
}

/// The digest that the manifest is stored under, and the one that it may be stored under already.
fn digests(reference: &Reference, bytes: &[u8]) -> Result<(Digest, Option<Digest>)> {
    match reference {
        Reference::Digest(digest) => {
            let computed = Hasher::digest(digest.algorithm(), bytes);
            if computed == *digest {
                Ok((computed, None))
            } else {
                Err(Error::detailed(
                    Code::DIGEST_INVALID,
                    format!("manifest digest mismatch: the content is {computed}"),
                ))
            }
        }
        Reference::Tag(_) => Ok((
            Hasher::digest(Algorithm::Sha256, bytes),
            Some(Hasher::digest(Algorithm::Sha512, bytes)),
        )),
    }
}

fn manifest_error(error: &pierhead_oci::ManifestError) -> Error {
    let code = match error.kind() {
        ManifestErrorKind::TooLarge => Code::MANIFEST_TOO_LARGE,
        ManifestErrorKind::Unsupported => Code::MANIFEST_UNSUPPORTED,
        ManifestErrorKind::Invalid => Code::MANIFEST_INVALID,
    };
    Error::detailed(code, error.to_string())
}

fn needed(descriptor: &Descriptor) -> (String, u64) {
    (descriptor.digest.to_string(), descriptor.size)
}

#[derive(Clone, Copy)]
struct Rules {
    sparse_index: bool,
    reset_quota_totals: bool,
    temporary_tag_ms: i64,
    tags: retarget::Rules,
    label_source: i32,
    json_type: i32,
    text_type: i32,
}

/// The transaction of a push.
struct ManifestWrite {
    new: NewManifest,
    /// The same content under the other algorithm, if it was asked for by tag.
    other_digest: Option<String>,
    namespace: i32,
    /// Digest and size of each blob that the repository must have.
    blobs: Vec<(String, u64)>,
    /// Which of them is the config.
    config_digest: Option<String>,
    /// Digests that are linked if the repository has them.
    foreign: Vec<String>,
    /// Digest and size of each child.
    children: Vec<(String, u64)>,
    labels: Labels,
    tags: Vec<String>,
    audit: Vec<LogEntry>,
    notifier: PushNotifier,
    now_ms: i64,
    now: chrono::NaiveDateTime,
    rules: Rules,
}

/// What a push left.
struct Stored {
    digest: Digest,
    manifest: ManifestId,
    /// When each of its tags ends.
    ends_ms: Vec<Option<i64>>,
    /// Names of other tags that ended.
    ended: Vec<String>,
    /// How many notifications were queued.
    notified: u64,
}

impl ManifestWrite {
    async fn run(mut self, conn: &mut Conn) -> Result<Stored> {
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

    /// Every blob must be in the repository with the size that the manifest says. Where indexes may be sparse, layers may
    /// be missing too, and are linked when the manifest is pushed again.
    async fn linked_blobs(&self, conn: &mut Conn) -> Result<Vec<BlobId>> {
        let wanted: Vec<String> = self
            .blobs
            .iter()
            .map(|(digest, _)| digest.clone())
            .chain(self.foreign.iter().cloned())
            .collect();
        let rows = blobs::find_linked(conn, self.new.repository, &wanted).await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in rows {
            found.entry(row.digest).or_insert((row.id, row.image_size));
        }
        let mut ids = Vec::with_capacity(wanted.len());
        for (digest, size) in &self.blobs {
            let Some((id, stored)) = found.get(digest) else {
                if self.rules.sparse_index && self.config_digest.as_ref() != Some(digest) {
                    continue;
                }
                return Err(Error::detailed(
                    Code::MANIFEST_BLOB_UNKNOWN,
                    format!("Unknown blob `{digest}`"),
                ));
            };
            if let Some(stored) = stored.filter(|stored| *stored != *size as i64) {
                return Err(Error::detailed(
                    Code::SIZE_INVALID,
                    format!("blob {digest} has {stored} bytes, the manifest says {size}"),
                ));
            }
            ids.push(*id);
        }
        ids.extend(
            self.foreign
                .iter()
                .filter_map(|digest| found.get(digest))
                .map(|(id, _)| *id),
        );
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Every child must be a manifest of the repository, unless indexes may be sparse.
    async fn stored_children(&self, conn: &mut Conn) -> Result<Vec<ManifestId>> {
        let wanted: Vec<String> = self
            .children
            .iter()
            .map(|(digest, _)| digest.clone())
            .collect();
        let rows =
            manifests::find_children(conn, self.new.repository, self.now_ms, &wanted).await?;
        let found: HashMap<_, _> = rows
            .into_iter()
            .map(|row| (row.digest, (row.id, row.size)))
            .collect();
        let mut ids = Vec::with_capacity(found.len());
        for (digest, size) in &self.children {
            match found.get(digest) {
                Some((_, stored)) if *stored != *size as i64 => {
                    return Err(Error::detailed(
                        Code::SIZE_INVALID,
                        format!("manifest {digest} has {stored} bytes, the index says {size}"),
                    ));
                }
                Some((id, _)) => ids.push(*id),
                None if self.rules.sparse_index => {}
                None => {
                    return Err(Error::detailed(
                        Code::MANIFEST_BLOB_UNKNOWN,
                        format!("Could not find child manifest with digest `{digest}`"),
                    ));
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
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
        let common = common_labels(conn, children).await?;
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
