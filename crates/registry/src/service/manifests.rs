//! Reading and deleting manifests.
//!
//! Cost of a pull by tag: nothing when the tag is remembered from its push or its last pull (SQLite, where this process owns
//! the database), else one statement. By digest: nothing when it was found alive in the last five seconds, else one statement. And one more for a
//! manifest whose bytes are not remembered.

use std::sync::Arc;

use pierhead_db::queries::manifests::{self, ManifestRow};
use pierhead_db::queries::tags;
use pierhead_db::{Durability, ManifestId, RepositoryId};
use pierhead_oci::Digest;

use crate::error::{Code, Error, Result};
use crate::service::ending::EndingTag;
use crate::state::Registry;
use crate::stored::StoredManifest;
use crate::uninterrupted::uninterrupted;

impl Registry {
    /// What a tag points to.
    pub async fn manifest_by_tag(
        &self,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<Arc<StoredManifest>> {
        let now_ms = self.clock.now_ms();
        let cached = self.caches.tag(repository, tag, now_ms);
        self.measures.tag_looked_up(cached.is_some());
        if let Some(id) = cached {
            return self.manifest_by_id(id).await;
        }
        let generation = self.caches.tag_generation(repository, tag);
        let mut conn = self.db.read().await?;
        let Some(alive) = tags::find_alive(&mut conn, repository, tag, now_ms).await? else {
            return Err(if tags::existed(&mut conn, repository, tag).await? {
                Error::saying(
                    Code::TAG_EXPIRED,
                    format!(
                        "Tag {tag} was deleted or has expired. To pull, revive via time machine"
                    ),
                )
            } else {
                Code::MANIFEST_UNKNOWN.into()
            });
        };
        drop(conn);
        let manifest = self.manifest_by_id(alive.manifest_id).await?;
        self.caches.keep_tag(
            repository,
            tag,
            generation,
            alive.lifetime_end_ms,
            manifest.id,
        );
        Ok(manifest)
    }

    /// The manifest of a row that is known to be there: nothing when it is remembered, else one statement.
    async fn manifest_by_id(&self, id: ManifestId) -> Result<Arc<StoredManifest>> {
        if let Some(manifest) = self.caches.manifest(id) {
            return Ok(manifest);
        }
        let row = manifests::find_by_id(&mut self.db.read().await?, id).await?;
        self.keep(row)?.ok_or_else(|| Code::MANIFEST_UNKNOWN.into())
    }

    /// The manifest of a digest, if a tag keeps it alive.
    pub async fn manifest_by_digest(
        &self,
        repository: RepositoryId,
        digest: Digest,
    ) -> Result<Arc<StoredManifest>> {
        if let Some(id) = self.caches.by_digest(repository, digest) {
            return self.manifest_by_id(id).await;
        }
        let generation = self.caches.alive_generation(repository);
        let row = {
            let mut conn = self.db.read().await?;
            let now_ms = self.clock.now_ms();
            manifests::find_by_digest(&mut conn, repository, &digest.to_string(), now_ms).await?
        };
        let row = row.filter(|row| row.alive);
        let manifest = self.keep(row)?.ok_or(Code::MANIFEST_UNKNOWN)?;
        self.caches
            .keep_by_digest(repository, generation, &manifest);
        Ok(manifest)
    }

    /// A row as it leaves, remembered. `None` for no row, and for a placeholder whose text is elsewhere.
    fn keep(&self, row: Option<ManifestRow>) -> Result<Option<Arc<StoredManifest>>> {
        let Some(row) = row.filter(|row| !row.manifest_bytes.is_empty()) else {
            return Ok(None);
        };
        let media_type = self.media_type_name(row.media_type_id)?;
        let manifest = Arc::new(StoredManifest::from_row(row, media_type)?);
        self.caches.keep_manifest(&manifest);
        Ok(Some(manifest))
    }

    /// The name of a `mediatype` row.
    pub(crate) fn media_type_name(&self, id: i32) -> Result<&str> {
        self.enums
            .media_type_name(id)
            .ok_or_else(|| Error::Corrupt(format!("no mediatype row with id {id}")))
    }

    /// Ends a tag.
    pub async fn delete_tag(&self, repository: RepositoryId, tag: &str) -> Result<Vec<EndedTag>> {
        let (name, now_ms) = (tag.to_owned(), self.clock.next_ms());
        let ending = self.ending(repository, now_ms);
        let registry = self.clone();
        uninterrupted(async move {
            let tag = name.clone();
            let immutable_tags = registry.config.immutable_tags;
            let ended = registry
                .db
                .write(Durability::Full, move |conn| {
                    Box::pin(async move {
                        tags::lock_repository(conn, repository).await?;
                        let alive = tags::find_alive(conn, repository, &name, now_ms)
                            .await?
                            .ok_or(Code::MANIFEST_UNKNOWN)?;
                        if immutable_tags && alive.immutable {
                            return Err(immutable_tag(&name));
                        }
                        let ending_tag = EndingTag {
                            id: alive.id,
                            name: &name,
                            manifest: alive.manifest_id,
                            digest: &alive.digest,
                            lifetime_start_ms: alive.lifetime_start_ms,
                        };
                        let siblings = ending.end(conn, ending_tag).await?;
                        let digest = alive.digest;
                        Ok::<_, Error>((EndedTag { name, digest }, siblings))
                    })
                })
                .await;
            for sibling in ended.iter().flat_map(|(_, siblings)| siblings) {
                registry.caches.tag_changed(repository, sibling);
            }
            registry.caches.tag_changed(repository, &tag);
            let (ended, siblings) = ended?;
            registry.forget_pulls(repository, siblings.iter().chain([&ended.name]));
            Ok(vec![ended])
        })
        .await
    }

    /// Ends every tag of a manifest, also the hidden ones, so that it is gone at once. Refused while an index that is alive
    /// names it: it would stay pullable as a part of that.
    pub async fn delete_manifest(
        &self,
        repository: RepositoryId,
        digest: Digest,
    ) -> Result<Vec<EndedTag>> {
        let (text, now_ms) = (digest.to_string(), self.clock.next_ms());
        let ending = self.ending(repository, now_ms);
        let immutable_tags = self.config.immutable_tags;
        let registry = self.clone();
        uninterrupted(async move {
            let ended = registry
                .db
                .write(Durability::Full, move |conn| {
                    Box::pin(async move {
                        tags::lock_repository(conn, repository).await?;
                        let manifest = manifests::find_by_digest(conn, repository, &text, now_ms)
                            .await?
                            .filter(|manifest| manifest.alive)
                            .ok_or(Code::MANIFEST_UNKNOWN)?;
                        if let Some(index) =
                            manifests::holding_index(conn, manifest.id, now_ms).await?
                        {
                            return Err(Error::saying(
                                Code::UNSUPPORTED,
                                format!("the manifest is part of index {index}; delete that first"),
                            ));
                        }
                        let alive = tags::find_alive_of_manifest(conn, manifest.id, now_ms).await?;
                        let immutable = alive.iter().find(|tag| immutable_tags && tag.immutable);
                        if let Some(tag) = immutable {
                            return Err(immutable_tag(&tag.name));
                        }
                        let mut ended = Vec::new();
                        let mut siblings = Vec::new();
                        for (place, tag) in alive.iter().enumerate() {
                            let ending_tag = EndingTag {
                                id: tag.id,
                                name: &tag.name,
                                manifest: manifest.id,
                                digest: &text,
                                lifetime_start_ms: tag.lifetime_start_ms,
                            };
                            // What belongs to the manifest ends with its last tag.
                            if place + 1 == alive.len() {
                                siblings = ending.end(conn, ending_tag).await?;
                            } else {
                                ending.end_alone(conn, ending_tag).await?;
                            }
                            if !tag.hidden {
                                ended.push(EndedTag {
                                    name: tag.name.clone(),
                                    digest: text.clone(),
                                });
                            }
                        }
                        Ok::<_, Error>((ended, siblings))
                    })
                })
                .await;
            if let Ok((ended, siblings)) = &ended {
                let names = ended.iter().map(|tag| &tag.name).chain(siblings);
                names.for_each(|name| registry.caches.tag_changed(repository, name));
            }
            registry.caches.alive_changed(repository);
            let (ended, siblings) = ended?;
            let names = ended.iter().map(|tag| &tag.name).chain(&siblings);
            registry.forget_pulls(repository, names);
            Ok(ended)
        })
        .await
    }

    /// Counts that wait to be written must not bring back what the deletion of these tags removed.
    pub(crate) fn forget_pulls<'n>(
        &self,
        repository: RepositoryId,
        names: impl IntoIterator<Item = &'n String>,
    ) {
        if let Some(counts) = &self.pull_counts {
            for name in names {
                counts.forget_tag(repository, name);
            }
        }
    }
}

/// A visible tag that was ended.
#[derive(Clone, Debug)]
pub struct EndedTag {
    /// Its name.
    pub name: String,
    /// What it pointed to.
    pub digest: String,
}

/// The refusal of a change to an immutable tag, as Quay words it.
pub(crate) fn immutable_tag(name: &str) -> Error {
    Error::detailed(Code::TAG_IMMUTABLE, format!("tag '{name}' is immutable"))
}
