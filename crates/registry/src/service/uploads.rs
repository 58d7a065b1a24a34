//! Uploads: sessions, chunks, and the commit of a blob.
//!
//! A session is a `blobupload` row and a file. The row says how many bytes were acknowledged and holds the hash state over
//! them (Quay's encoding, so that either program can go on). A request locks the file, so a session has one writer; bytes
//! behind the acknowledged ones are cut off. A session belongs to its repository and to the principal that began it.
//!
//! Commit of a blob: publish the file under its digest and sync (`Storage::publish`), then one transaction (content,
//! placement, lease, end of the session), then remove the upload's own name, then answer.
//!
//! Cost: beginning a session one statement; a chunk two (session, progress) and one append; ending it six (session, content,
//! and in the transaction content, placement, lease, session; five if the content is known), one append, one publish and
//! one discard. A blob in one request needs no session: four statements, three if the content is known.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use pierhead_auth::{Bearer, Repository};
use pierhead_db::encoding::sha_state::ResumableSha256;
use pierhead_db::queries::{blobs, uploads};
use pierhead_db::{BlobId, Durability, RepositoryId, UploadId};
use pierhead_oci::digest::Algorithm;
use pierhead_oci::{ContentRange, Digest, Hasher, RepositoryName, Sha256State};
use pierhead_storage::{ContentPath, UploadName, UploadWriter};
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::state::Registry;
use crate::uninterrupted::uninterrupted;

/// Identifies the running kernel: bytes that were acknowledged without a sync are trusted only while it runs.
static BOOT_ID: LazyLock<String> = LazyLock::new(|| {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(
        |_| uuid::Uuid::new_v4().to_string(),
        |id| id.trim().to_owned(),
    )
});

/// Repositories that are looked at for a blob that is to be mounted from anywhere.
const HOLDERS: i64 = 20;

/// What we keep beside the storage driver's own entries in `blobupload.storage_metadata`. Quay hands the object through.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Metadata {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pierhead: Option<SessionNotes>,
    #[serde(flatten)]
    driver: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SessionNotes {
    /// Who began it.
    owner: String,
    /// The kernel under which its bytes were acknowledged.
    boot: String,
}

/// A session as a request found it.
#[derive(Debug)]
pub struct Session {
    id: UploadId,
    /// Its public name.
    pub name: UploadName,
    /// Bytes acknowledged.
    pub received: u64,
    location: String,
    metadata: Metadata,
    sha_state: Option<String>,
}

/// An upload that takes the body of one request.
#[derive(Debug)]
pub struct Receiving {
    name: UploadName,
    location: String,
    writer: UploadWriter,
    /// The session, if the upload has one.
    session: Option<Session>,
    /// Bytes of the blob before this request.
    before: u64,
    limit: u64,
}

/// An upload that has received everything.
struct FinishedUpload {
    repository: RepositoryId,
    name: UploadName,
    location: String,
    session: Option<UploadId>,
}

impl Receiving {
    /// Name of the storage location that takes it.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Takes the next bytes of the body.
    pub async fn push(&mut self, bytes: Bytes) -> Result<()> {
        if self.before + self.writer.received() + bytes.len() as u64 > self.limit {
            return Err(Error::saying(
                Code::BLOB_TOO_LARGE,
                format!(
                    "the blob is larger than the {} bytes that MAXIMUM_LAYER_SIZE allows",
                    self.limit
                ),
            ));
        }
        Ok(self.writer.push(bytes).await?)
    }
}

impl Registry {
    /// Begins a session. It survives a crash of the process.
    pub async fn start_upload(&self, repository: RepositoryId, owner: &str) -> Result<UploadName> {
        let name = UploadName::random();
        let location = self.write_location_id()?;
        let metadata = metadata_text(&Metadata {
            pierhead: Some(SessionNotes {
                owner: owner.to_owned(),
                boot: BOOT_ID.clone(),
            }),
            driver: serde_json::Map::default(),
        });
        let state = encode_state(&Hasher::new(Algorithm::Sha256))?;
        let (uuid, created) = (name.as_str().to_owned(), self.clock.utc());
        self.db
            .write(Durability::Relaxed, move |conn| {
                Box::pin(async move {
                    uploads::insert(
                        conn, repository, &uuid, &state, location, &metadata, created,
                    )
                    .await
                    .map_err(Error::from)
                })
            })
            .await?;
        Ok(name)
    }

    /// The session of that id, if it belongs to the repository and the principal.
    pub async fn find_upload(
        &self,
        repository: RepositoryId,
        owner: &str,
        uuid: &str,
    ) -> Result<Session> {
        let unknown = || Error::from(Code::BLOB_UPLOAD_UNKNOWN);
        let name = UploadName::parse(uuid).ok_or_else(unknown)?;
        let mut conn = self.db.read().await?;
        let row = uploads::find(&mut conn, repository, uuid)
            .await?
            .ok_or_else(unknown)?;
        let metadata: Metadata = match row.storage_metadata.as_deref() {
            None | Some("" | "null") => Metadata::default(),
            Some(text) => serde_json::from_str(text)
                .map_err(|_| Error::Corrupt(format!("malformed metadata of upload {uuid}")))?,
        };
        if metadata
            .pierhead
            .as_ref()
            .is_some_and(|notes| notes.owner != owner)
        {
            return Err(unknown());
        }
        Ok(Session {
            id: row.id,
            name,
            received: u64::try_from(row.byte_count).unwrap_or_default(),
            location: row.location,
            metadata,
            sha_state: row.sha_state,
        })
    }

    /// Opens a session for the body of a request. `range` is its `Content-Range`, which must continue the session.
    /// `algorithm` is that of the digest, if the request names it.
    pub async fn receive_chunk(
        &self,
        repository: RepositoryId,
        session: Session,
        range: Option<ContentRange>,
        location_url: &str,
        algorithm: Option<Algorithm>,
    ) -> Result<Receiving> {
        if range.is_some_and(|range| range.start != session.received) {
            return Err(Error::RangeNotSatisfiable {
                location: location_url.to_owned(),
                uuid: session.name.as_str().to_owned(),
                received: session.received,
            });
        }
        let hasher = match algorithm {
            Some(algorithm) if session.received == 0 => Hasher::new(algorithm),
            _ => self.resume(&session).await?,
        };
        let create = session.received == 0;
        let open = self
            .storage
            .append(&session.location, &session.name, create)
            .await
            .map_err(bytes_missing)?;
        if open.stored() < session.received {
            return Err(bytes_are_gone());
        }
        if open.stored() > session.received {
            // Left by a request that died, or acknowledged to one that overtook this: the row tells, now that we hold the lock.
            let mut conn = self.db.read().await?;
            let row = uploads::find(&mut conn, repository, session.name.as_str()).await?;
            if row.is_none_or(|row| row.byte_count != session.received as i64) {
                return Err(Error::saying(
                    Code::BLOB_UPLOAD_INVALID,
                    "another request has written to this upload meanwhile; ask for its status",
                ));
            }
        }
        Ok(Receiving {
            name: session.name.clone(),
            location: session.location.clone(),
            writer: open.writer(hasher).await?,
            before: session.received,
            limit: self.config.maximum_blob_size,
            session: Some(session),
        })
    }

    /// Opens an upload that lives for one request only.
    pub async fn receive_whole(&self, algorithm: Algorithm) -> Result<Receiving> {
        let name = UploadName::random();
        let location = self.storage.write_location().to_owned();
        let open = self.storage.append(&location, &name, true).await?;
        Ok(Receiving {
            name,
            location,
            writer: open.writer(Hasher::new(algorithm)).await?,
            session: None,
            before: 0,
            limit: self.config.maximum_blob_size,
        })
    }

    /// Forgets what a request brought that failed inside its body.
    pub async fn abandon(&self, receiving: Receiving) {
        let undone = if receiving.session.is_some() {
            receiving.writer.undo().await
        } else {
            drop(receiving.writer);
            self.storage
                .discard(&receiving.location, &receiving.name)
                .await
        };
        // Best effort: whoever goes on cuts it off, and the sweep of stale uploads finds what stays.
        if let Err(error) = undone {
            tracing::warn!(%error, upload = %receiving.name, "a refused body could not be removed");
        }
    }

    /// Acknowledges what a chunk brought. Returns the bytes received in all.
    pub async fn acknowledge_chunk(&self, receiving: Receiving) -> Result<u64> {
        let registry = self.clone();
        uninterrupted(async move { registry.acknowledge(receiving).await }).await
    }

    async fn acknowledge(&self, receiving: Receiving) -> Result<u64> {
        let before = receiving.before;
        let Some(session) = receiving.session else {
            return Err(Code::BLOB_UPLOAD_UNKNOWN.into());
        };
        let written = receiving.writer.finish().await?;
        let received = written.hasher.len();
        let state = encode_state(&written.hasher)?;
        let mut metadata = session.metadata;
        if let Some(notes) = &mut metadata.pierhead {
            notes.boot.clone_from(&BOOT_ID);
        }
        let metadata = metadata_text(&metadata);
        let id = session.id;
        let advanced = self
            .db
            .write(Durability::Relaxed, move |conn| {
                Box::pin(async move {
                    uploads::advance(conn, id, before as i64, received as i64, &state, &metadata)
                        .await
                        .map_err(Error::from)
                })
            })
            .await?;
        // The lock on the file ends only now, after the row says what it holds.
        drop(written);
        if advanced == 0 {
            return Err(Code::BLOB_UPLOAD_UNKNOWN.into());
        }
        Ok(received)
    }

    /// Ends an upload: what was received must have the digest. An upload with a session can be tried again if it has not.
    pub async fn finish_upload(
        &self,
        repository: RepositoryId,
        receiving: Receiving,
        digest: Digest,
    ) -> Result<()> {
        let registry = self.clone();
        uninterrupted(async move { registry.finish(repository, receiving, digest).await }).await
    }

    async fn finish(
        &self,
        repository: RepositoryId,
        receiving: Receiving,
        digest: Digest,
    ) -> Result<()> {
        let upload = FinishedUpload {
            repository,
            name: receiving.name,
            location: receiving.location,
            session: receiving.session.map(|session| session.id),
        };
        let written = receiving.writer.finish().await;
        let outcome = match &written {
            Ok(written) => {
                self.check_and_commit(&upload, &written.hasher, digest)
                    .await
            }
            Err(_) => Ok(()),
        };
        if upload.session.is_none() || (written.is_ok() && outcome.is_ok()) {
            // Best effort: the sweep of stale uploads finds what stays.
            let discarded = self.storage.discard(&upload.location, &upload.name).await;
            if let Err(error) = discarded {
                tracing::warn!(%error, upload = %upload.name, "a finished upload could not be removed");
            }
        }
        // The lock ends only now: whoever waits for it finds the upload gone, and not a file that is content by now.
        drop(written?);
        outcome
    }

    async fn check_and_commit(
        &self,
        upload: &FinishedUpload,
        hasher: &Hasher,
        digest: Digest,
    ) -> Result<()> {
        let size = hasher.len();
        let computed = if hasher.algorithm() == digest.algorithm() {
            hasher.clone().finish()
        } else {
            // Only SHA-256 is carried between requests, as Quay's column holds nothing else.
            self.storage
                .hash_upload(
                    &upload.location,
                    &upload.name,
                    Some(size),
                    digest.algorithm(),
                )
                .await
                .map_err(bytes_missing)?
                .ok_or(Code::BLOB_UPLOAD_UNKNOWN)?
                .finish()
        };
        if computed != digest {
            return Err(Error::detailed(
                Code::DIGEST_INVALID,
                format!("the content is {computed} and not {digest}"),
            ));
        }
        self.commit(upload, digest, size).await
    }

    async fn commit(&self, upload: &FinishedUpload, digest: Digest, size: u64) -> Result<()> {
        let text = digest.to_string();
        let (repository, session) = (upload.repository, upload.session);
        let _one_at_a_time = self.digest_locks.lock(&digest).await;
        let mut known = {
            let mut conn = self.db.read().await?;
            blobs::find_stored(&mut conn, &text).await?
        };
        known.retain(|blob| blob.cas_path);
        let placed = known
            .iter()
            .find(|blob| blob.location == upload.location && blob.image_size == Some(size as i64))
            .map(|blob| blob.id);
        let path = ContentPath::of_digest(&digest);
        self.storage
            .publish(
                &upload.location,
                &upload.name,
                &path,
                size,
                placed.is_some(),
            )
            .await
            .map_err(bytes_missing)?;
        let location_id = self.location_id(&upload.location)?;
        let known: Option<BlobId> = placed.or(known.first().map(|blob| blob.id));
        let now = self.clock.utc();
        let expires = now + chrono::TimeDelta::seconds(self.config.temporary_tag_seconds);
        self.db
            .write(Durability::Full, move |conn| {
                Box::pin(async move {
                    let blob = if let Some(blob) = known {
                        blob
                    } else {
                        let uuid = uuid::Uuid::new_v4().to_string();
                        blobs::insert_storage(conn, &uuid, size as i64, None, &text).await?
                    };
                    if placed.is_none() {
                        blobs::insert_placement(conn, blob, location_id).await?;
                    }
                    blobs::insert_lease(conn, repository, blob, now, expires).await?;
                    if known.is_some() {
                        blobs::unmark_deleted(conn, repository, blob).await?;
                    }
                    if let Some(session) = session {
                        uploads::delete(conn, session).await?;
                    }
                    Ok::<_, Error>(())
                })
            })
            .await
    }

    /// Ends a session and removes its bytes.
    pub async fn cancel_upload(&self, session: Session) -> Result<()> {
        let id = session.id;
        self.db
            .write(Durability::Relaxed, move |conn| {
                Box::pin(async move { uploads::delete(conn, id).await.map_err(Error::from) })
            })
            .await?;
        self.storage
            .discard(&session.location, &session.name)
            .await?;
        Ok(())
    }

    /// Links a blob of another repository to this one. `false` if that repository does not have it.
    pub async fn mount_blob(
        &self,
        repository: RepositoryId,
        source: RepositoryId,
        digest: Digest,
    ) -> Result<bool> {
        let Some(blob) = self.find_blob(source, digest).await? else {
            return Ok(false);
        };
        let id = blob.id;
        let now = self.clock.utc();
        let expires = now + chrono::TimeDelta::seconds(self.config.temporary_tag_seconds);
        self.db
            .write(Durability::Full, move |conn| {
                Box::pin(async move {
                    blobs::insert_lease(conn, repository, id, now, expires).await?;
                    blobs::unmark_deleted(conn, repository, id).await?;
                    Ok::<_, Error>(())
                })
            })
            .await?;
        Ok(true)
    }

    /// Repositories that hold a blob and that the token's credential may read.
    pub async fn readable_holders(
        &self,
        bearer: &Arc<Bearer>,
        digest: Digest,
    ) -> Result<Vec<Arc<Repository>>> {
        let holders = {
            let mut conn = self.db.read().await?;
            blobs::holders(&mut conn, &digest.to_string(), HOLDERS).await?
        };
        let mut readable = Vec::new();
        for (namespace, name) in holders {
            let Ok(name) = RepositoryName::new(&namespace, &name) else {
                continue;
            };
            readable.extend(self.auth.readable(bearer, &name).await?);
        }
        Ok(readable)
    }

    /// The hash over the acknowledged bytes of a session.
    async fn resume(&self, session: &Session) -> Result<Hasher> {
        if session.received == 0 {
            return Ok(Hasher::new(Algorithm::Sha256));
        }
        let saved = session
            .sha_state
            .as_deref()
            .and_then(decode_state)
            .filter(|hasher| hasher.len() == session.received);
        let same_boot = session
            .metadata
            .pierhead
            .as_ref()
            .is_some_and(|notes| notes.boot == *BOOT_ID);
        if let Some(hasher) = saved.filter(|_| same_boot) {
            return Ok(hasher);
        }
        // The machine may have lost power since: what is stored decides.
        let stored = self
            .storage
            .hash_upload(
                &session.location,
                &session.name,
                Some(session.received),
                Algorithm::Sha256,
            )
            .await
            .map_err(bytes_missing)?;
        stored.ok_or_else(bytes_are_gone)
    }

    fn write_location_id(&self) -> Result<i32> {
        self.location_id(self.storage.write_location())
    }

    fn location_id(&self, location: &str) -> Result<i32> {
        self.enums
            .storage_location(location)
            .ok_or_else(|| Error::Corrupt(format!("no imagestoragelocation row called {location}")))
    }
}

fn bytes_are_gone() -> Error {
    Error::saying(
        Code::BLOB_UPLOAD_UNKNOWN,
        "the bytes of this upload are gone; start it again",
    )
}

/// A file that is missing is the client's to know: it has to begin again.
fn bytes_missing(error: pierhead_storage::Error) -> Error {
    match error {
        pierhead_storage::Error::NotFound { .. } => bytes_are_gone(),
        error => error.into(),
    }
}

fn encode_state(hasher: &Hasher) -> Result<String> {
    let state = hasher
        .sha256_state()
        .ok_or_else(|| Error::Corrupt("a session that is not hashed with SHA-256".to_owned()))?;
    let state = ResumableSha256::from_parts(state.h(), state.buffered(), state.total_len())
        .map_err(|_| Error::Corrupt("a hash state that Quay cannot hold".to_owned()))?;
    Ok(state.encode())
}

fn decode_state(text: &str) -> Option<Hasher> {
    let state = ResumableSha256::decode(text).ok()?;
    let state = Sha256State::new(state.h(), state.buffered(), state.total_bytes()).ok()?;
    Hasher::from_sha256_state(&state).ok()
}

fn metadata_text(metadata: &Metadata) -> String {
    serde_json::to_string(metadata).unwrap_or_else(|_| "{}".to_owned())
}
