//! Manifests as they leave, and the caches that keep a pull from asking the database.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderValue;
use bytes::Bytes;
use pierhead_db::queries::manifests::ManifestRow;
use pierhead_db::{BlobId, ManifestId, RepositoryId};
use pierhead_oci::media_type::ManifestType;
use pierhead_oci::{Digest, media_type};
use pierhead_storage::ContentPath;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use crate::error::{Error, Result};
use crate::generation::{Generation, Generations};

/// Bytes of manifests kept in memory.
const MANIFEST_BYTES: u64 = 24 << 20;
/// Tags kept in memory, where this process owns the database: at most about 32 MB, a hundred bytes and a name for each.
const TAGS: usize = 256 << 10;
/// Answers by digest, and links of blobs to repositories, kept in memory.
const LINKS: usize = 64 << 10;
/// Bytes of small blobs kept in memory.
const BLOB_BYTES: u64 = 16 << 20;
/// Blobs up to this size are kept in memory: configs, attestations, signatures.
pub(crate) const SMALL_BLOB: u64 = 64 << 10;
/// How long an answer counts that another process could change.
const FRESH: Duration = Duration::from_secs(5);

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

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TagKey(RepositoryId, Box<str>);

/// [`TagKey`] borrowed, so that a look-up allocates nothing.
struct TagRef<'t>(RepositoryId, &'t str);

impl Hash for TagRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<TagKey> for TagRef<'_> {
    fn equivalent(&self, key: &TagKey) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

#[derive(Clone, Debug)]
struct Dated<T> {
    generation: Generation,
    read_at: Instant,
    value: T,
}

/// What a tag points to. The manifest itself is in a cache that is bounded by bytes, so that many tags keep few of them.
#[derive(Clone, Copy, Debug)]
struct TagTarget {
    generation: Generation,
    /// `i64::MAX` for a tag without an end.
    end_ms: i64,
    manifest: ManifestId,
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
    manifests: Cache<ManifestId, Arc<StoredManifest>, ByLength>,
    tags: Cache<TagKey, TagTarget>,
    tag_generations: Generations,
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
    /// Empty caches over a database that is shared with other processes, or not.
    pub fn new(shared: bool) -> Self {
        Self {
            shared,
            manifests: Cache::with_weighter(4096, MANIFEST_BYTES, ByLength),
            tags: Cache::new(TAGS),
            tag_generations: Generations::default(),
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

    /// The generation of a tag, to be read before the database.
    pub fn tag_generation(&self, repository: RepositoryId, tag: &str) -> Generation {
        self.tag_generations.of(&(repository, tag))
    }

    /// The manifest that a tag points to. Always `None` where another process could have moved it: no pull may see a stale tag.
    pub fn tag(&self, repository: RepositoryId, tag: &str, now_ms: i64) -> Option<ManifestId> {
        if self.shared {
            return None;
        }
        let target = self.tags.get(&TagRef(repository, tag))?;
        let current =
            target.generation == self.tag_generation(repository, tag) && target.end_ms > now_ms;
        current.then_some(target.manifest)
    }

    /// Keeps what a tag points to, as read under `generation`.
    pub fn keep_tag(
        &self,
        repository: RepositoryId,
        tag: &str,
        generation: Generation,
        end_ms: Option<i64>,
        manifest: ManifestId,
    ) {
        if !self.shared {
            let target = TagTarget {
                generation,
                end_ms: end_ms.unwrap_or(i64::MAX),
                manifest,
            };
            self.tags.insert(TagKey(repository, tag.into()), target);
        }
    }

    /// To be called after a tag was moved to a manifest, before the answer. `before` is its generation before the
    /// transaction.
    ///
    /// The new target is remembered if nobody else changed the tag meanwhile: then whoever committed a later change has still
    /// to advance the generation, and with that ends what is remembered here.
    pub fn tag_moved(
        &self,
        repository: RepositoryId,
        tag: &str,
        before: Generation,
        end_ms: Option<i64>,
        manifest: ManifestId,
    ) {
        let after = self.tag_generations.advance(&(repository, tag));
        self.alive_generations.advance(&repository);
        if after.is_next(before) {
            self.keep_tag(repository, tag, after, end_ms, manifest);
        }
    }

    /// To be called after a tag was moved or ended, before the answer.
    pub fn tag_changed(&self, repository: RepositoryId, tag: &str) {
        self.tag_generations.advance(&(repository, tag));
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
            && dated.read_at.elapsed() < FRESH;
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
            && (!self.shared || dated.read_at.elapsed() < FRESH);
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
