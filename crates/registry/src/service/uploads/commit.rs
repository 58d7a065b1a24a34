//! The end of an upload: its bytes become the content of a digest.
//!
//! Publish the file under its digest and sync (`Storage::publish`), then one transaction (content, placement, lease, end of
//! the session), then remove the upload's own name, then answer. A crash between them leaves a session that can be ended
//! again, or a second name of the file, which the clean-up removes.

use pierhead_db::queries::{blobs, uploads};
use pierhead_db::{BlobId, Durability, RepositoryId, UploadId};
use pierhead_oci::{Digest, Hasher};
use pierhead_storage::{ContentPath, UploadName};

use super::{Receiving, bytes_missing};
use crate::error::{Code, Error, Result};
use crate::state::Registry;
use crate::uninterrupted::uninterrupted;

/// An upload that has received everything.
struct FinishedUpload {
    repository: RepositoryId,
    name: UploadName,
    location: String,
    session: Option<UploadId>,
}

impl Registry {
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
}
