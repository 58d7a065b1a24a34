//! Manifests as they leave, and the caches that keep a pull from asking the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderValue;
use bytes::Bytes;
use pierhead_db::queries::manifests::ManifestRow;
use pierhead_db::{BlobId, ManifestId, RepositoryId};
use pierhead_oci::media_type::ManifestType;
use pierhead_oci::{Digest, media_type};
use pierhead_storage::ContentPath;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::error::{Error, Result};
use crate::generation::{Generation, Generations};

mod tags;

pub(crate) use tags::Generation as TagGeneration;
use tags::{Tags, Target};

/// Bytes of manifests kept in memory.
const MANIFEST_BYTES: u64 = 24 << 20;
/// Answers by digest, and links of blobs to repositories, kept in memory.
const LINKS: usize = 64 << 10;
/// Bytes of small blobs kept in memory.
const BLOB_BYTES: u64 = 16 << 20;
/// Blobs up to this size are kept in memory: configs, attestations, signatures.
pub(crate) const SMALL_BLOB: u64 = 64 << 10;

/// A manifest with its headers made.
#[derive(Debug)]
pub struct StoredManifest {
    /// `manifest.id`.
    pub id: ManifestId,
    /// Its digest.
    pub digest: Digest,
    /// Its type; `None` for one that no release of Quay accepts, which is served all the same.
    pub manifest_type: Option<ManifestType>,
    /// `Content-Type`.
    pub content_type: HeaderValue,
    /// `Docker-Content-Digest`.
    pub digest_header: HeaderValue,
    /// The bytes as pushed.
    pub bytes: Bytes,
}

impl StoredManifest {
    /// Makes the headers of a row. `media_type` is the name of its `media_type_id`.
    pub fn from_row(row: ManifestRow, media_type: &str) -> Result<Self> {
        let digest = Digest::parse(&row.digest)
            .map_err(|_| Error::Corrupt(format!("manifest {} with a malformed digest", row.id)))?;
        let header = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| Error::Corrupt(format!("manifest {} with a malformed type", row.id)))
        };
        // Quay serves the schema 1 manifests that it holds as signed ones.
        let served = if media_type == media_type::DOCKER_SCHEMA1 {
            media_type::DOCKER_SCHEMA1_SIGNED
        } else {
            media_type
        };
        Ok(Self {
            id: row.id,
            digest,
            manifest_type: ManifestType::parse(media_type),
            content_type: header(served)?,
            digest_header: header(&row.digest)?,
            bytes: Bytes::from(row.manifest_bytes),
        })
    }
}

/// A blob that is in a repository, and where its bytes are.
#[derive(Debug)]
pub struct LinkedBlob {
    /// `imagestorage.id`.
    pub id: BlobId,
    /// Size in bytes if the row knows it.
    pub size: Option<u64>,
    /// Path inside each location.
    pub path: ContentPath,
    /// Locations that have it.
    pub placements: Vec<String>,
}

#[derive(Clone, Debug)]
struct Dated<T> {
    generation: Generation,
    read_at: Instant,
    value: T,
}

#[derive(Clone)]
struct ByLength;

impl Weighter<ManifestId, Arc<StoredManifest>> for ByLength {
    fn weight(&self, _: &ManifestId, manifest: &Arc<StoredManifest>) -> u64 {
        manifest.bytes.len() as u64 + 512
    }
}

impl Weighter<Digest, Bytes> for ByLength {
    fn weight(&self, _: &Digest, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + 256
    }
}

/// What pulls remember.
#[derive(Debug)]
pub struct Caches {
    /// Whether another process may change the database, so that answers age.
    shared: bool,
    /// How long they count then.
    remembered_for: Duration,
    manifests: Cache<ManifestId, Arc<StoredManifest>, ByLength>,
    /// Filled only where this process owns the database.
    tags: Tags,
    by_digest: Cache<(RepositoryId, Digest), Dated<ManifestId>>,
    /// Advanced when any tag of the repository moves or ends: what is alive by digest hangs on its tags.
    alive_generations: Generations,
    links: Cache<(RepositoryId, Digest), Dated<Arc<LinkedBlob>>>,
    link_generations: Generations,
    small_blobs: Cache<Digest, Bytes, ByLength>,
}

impl std::fmt::Debug for ByLength {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ByLength")
    }
}

impl Caches {
    /// Empty caches over a database that is shared with other processes, or not. What is read from one that is counts for
    /// `remembered_for`.
    pub fn new(shared: bool, remembered_for: Duration) -> Self {
        Self {
            shared,
            remembered_for,
            manifests: Cache::with_weighter(4096, MANIFEST_BYTES, ByLength),
            tags: Tags::default(),
            by_digest: Cache::new(LINKS),
            alive_generations: Generations::default(),
            links: Cache::new(LINKS),
            link_generations: Generations::default(),
            small_blobs: Cache::with_weighter(1024, BLOB_BYTES, ByLength),
        }
    }

    /// A manifest by its row: its bytes never change.
    pub fn manifest(&self, id: ManifestId) -> Option<Arc<StoredManifest>> {
        self.manifests.get(&id)
    }

    /// Keeps a manifest.
    pub fn keep_manifest(&self, manifest: &Arc<StoredManifest>) {
        self.manifests.insert(manifest.id, manifest.clone());
    }

    /// The generation of a tag, to be taken before the database is asked or changed.
    pub fn tag_generation(&self, repository: RepositoryId, tag: &str) -> TagGeneration {
        self.tags.generation(repository, tag)
    }

    /// The manifest that a tag points to. Always `None` where another process could have moved it: no pull may see a stale tag.
    pub fn tag(&self, repository: RepositoryId, tag: &str, now_ms: i64) -> Option<ManifestId> {
        if self.shared {
            return None;
        }
        self.tags.get(repository, tag, now_ms)
    }

    /// Keeps what a tag points to, as read after `before` was taken. `end_ms` is `None` for a tag without an end.
    pub fn keep_tag(
        &self,
        repository: RepositoryId,
        tag: &str,
        before: TagGeneration,
        end_ms: Option<i64>,
        manifest: ManifestId,
    ) {
        if !self.shared {
            let target = Target { manifest, end_ms };
            self.tags.keep(repository, tag, before, target);
        }
    }

    /// To be called after a tag was moved to a manifest, before the answer. `before` was taken before the transaction.
    pub fn tag_moved(
        &self,
        repository: RepositoryId,
        tag: &str,
        before: TagGeneration,
        end_ms: Option<i64>,
        manifest: ManifestId,
    ) {
        if !self.shared {
            let target = Target { manifest, end_ms };
            self.tags.moved(repository, tag, before, target);
        }
        self.alive_generations.advance(&repository);
    }

    /// To be called after a tag was moved or ended, before the answer.
    pub fn tag_changed(&self, repository: RepositoryId, tag: &str) {
        self.tags.changed(repository, tag);
        self.alive_generations.advance(&repository);
    }

    /// To be called after hidden tags ended, before the answer.
    pub fn alive_changed(&self, repository: RepositoryId) {
        self.alive_generations.advance(&repository);
    }

    /// The generation of what is alive in a repository, to be read before the database.
    pub fn alive_generation(&self, repository: RepositoryId) -> Generation {
        self.alive_generations.of(&repository)
    }

    /// A manifest that was alive a moment ago.
    pub fn by_digest(&self, repository: RepositoryId, digest: Digest) -> Option<ManifestId> {
        let dated = self.by_digest.get(&(repository, digest))?;
        let current = dated.generation == self.alive_generation(repository)
            && dated.read_at.elapsed() < self.remembered_for;
        current.then_some(dated.value)
    }

    /// Keeps a manifest that is alive, as read under `generation`.
    pub fn keep_by_digest(
        &self,
        repository: RepositoryId,
        generation: Generation,
        manifest: &StoredManifest,
    ) {
        let key = (repository, manifest.digest);
        self.by_digest.insert(key, dated(generation, manifest.id));
    }

    /// The generation of a repository's blobs, to be read before the database.
    pub fn link_generation(&self, repository: RepositoryId) -> Generation {
        self.link_generations.of(&repository)
    }

    /// A blob that was in the repository a moment ago.
    pub fn link(&self, repository: RepositoryId, digest: Digest) -> Option<Arc<LinkedBlob>> {
        let dated = self.links.get(&(repository, digest))?;
        let current = dated.generation == self.link_generation(repository)
            && (!self.shared || dated.read_at.elapsed() < self.remembered_for);
        current.then_some(dated.value)
    }

    /// Keeps a link, as read under `generation`.
    pub fn keep_link(
        &self,
        repository: RepositoryId,
        digest: Digest,
        generation: Generation,
        blob: &Arc<LinkedBlob>,
    ) {
        self.links
            .insert((repository, digest), dated(generation, blob.clone()));
    }

    /// To be called after a blob left a repository, before the answer.
    pub fn links_changed(&self, repository: RepositoryId) {
        self.link_generations.advance(&repository);
    }

    /// The content of a small blob.
    pub fn small_blob(&self, digest: &Digest) -> Option<Bytes> {
        self.small_blobs.get(digest)
    }

    /// Keeps the content of a small blob.
    pub fn keep_small_blob(&self, digest: Digest, bytes: Bytes) {
        self.small_blobs.insert(digest, bytes);
    }
}

fn dated<T>(generation: Generation, value: T) -> Dated<T> {
    Dated {
        generation,
        read_at: Instant::now(),
        value,
    }
}
