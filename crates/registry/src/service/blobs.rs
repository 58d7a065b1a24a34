//! Reading and deleting the blobs of a repository.
//!
//! Cost of a pull: the link check, one statement when it is not remembered; one call to the storage, none for a small blob
//! that is remembered.

use std::sync::Arc;

use bytes::Bytes;
use pierhead_db::queries::{blobs, tags};
use pierhead_db::{Durability, RepositoryId};
use pierhead_oci::Digest;
use pierhead_storage::{Content, ContentPath};

use crate::error::{Code, Error, Result};
use crate::state::Registry;
use crate::stored::{LinkedBlob, SMALL_BLOB};
use crate::uninterrupted::uninterrupted;

/// The content of a blob.
#[derive(Debug)]
pub enum BlobContent {
    /// In memory.
    Memory(Bytes),
    /// In a file of that size.
    File(Arc<std::fs::File>, u64),
}

impl BlobContent {
    /// Size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }
}

impl Registry {
    /// The blob, if the repository has it.
    pub async fn find_blob(
        &self,
        repository: RepositoryId,
        digest: Digest,
    ) -> Result<Option<Arc<LinkedBlob>>> {
        if let Some(blob) = self.caches.link(repository, digest) {
            return Ok(Some(blob));
        }
        let generation = self.caches.link_generation(repository);
        let rows = {
            let mut conn = self.db.read().await?;
            blobs::find_in_repository(&mut conn, repository, &digest.to_string()).await?
        };
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let path = if first.cas_path {
            ContentPath::of_digest(&digest)
        } else {
            ContentPath::of_legacy_storage(&first.uuid).ok_or_else(|| {
                Error::Corrupt(format!("imagestorage {} with a malformed uuid", first.id))
            })?
        };
        let blob = Arc::new(LinkedBlob {
            id: first.id,
            size: first.image_size.and_then(|size| u64::try_from(size).ok()),
            path,
            placements: rows
                .iter()
                .filter(|row| row.id == first.id)
                .map(|row| row.location.clone())
                .collect(),
        });
        self.caches.keep_link(repository, digest, generation, &blob);
        Ok(Some(blob))
    }

    /// The content of a blob that the repository has.
    pub async fn open_blob(&self, blob: &LinkedBlob, digest: Digest) -> Result<BlobContent> {
        if let Some(bytes) = self.caches.small_blob(&digest) {
            return Ok(BlobContent::Memory(bytes));
        }
        let content = match self.storage.open(&blob.placements, &blob.path).await {
            // Quay writes no object for an empty blob on object stores, but does write its rows.
            Err(pierhead_storage::Error::NotFound { .. }) if blob.size == Some(0) => {
                return Ok(BlobContent::Memory(Bytes::new()));
            }
            content => content?,
        };
        let Content::File { file, size } = content;
        if blob.size.is_some_and(|expected| expected != size) {
            return Err(Error::Corrupt(format!(
                "{} bytes for {digest} where the storage has {size}",
                blob.size.unwrap_or_default()
            )));
        }
        if size > SMALL_BLOB {
            return Ok(BlobContent::File(file, size));
        }
        let bytes = tokio::task::spawn_blocking(move || read_all(&file, size))
            .await
            .map_err(|_| pierhead_storage::Error::Cancelled)?
            .map_err(|error| Error::Corrupt(format!("unreadable content {digest}: {error}")))?;
        self.caches.keep_small_blob(digest, bytes.clone());
        Ok(BlobContent::Memory(bytes))
    }

    /// The whole content of a blob; `None` if it is longer than `most` bytes.
    pub(crate) async fn read_blob(
        &self,
        blob: &LinkedBlob,
        digest: Digest,
        most: u64,
    ) -> Result<Option<Bytes>> {
        let content = self.open_blob(blob, digest).await?;
        if content.size() > most {
            return Ok(None);
        }
        match content {
            BlobContent::Memory(bytes) => Ok(Some(bytes)),
            BlobContent::File(file, size) => {
                let bytes = tokio::task::spawn_blocking(move || read_all(&file, size))
                    .await
                    .map_err(|_| pierhead_storage::Error::Cancelled)?
                    .map_err(|error| {
                        Error::Corrupt(format!("unreadable content {digest}: {error}"))
                    })?;
                Ok(Some(bytes))
            }
        }
    }

    /// Takes a blob away from the repository. Its content stays while anything else holds it, and until it is collected.
    pub async fn delete_blob(&self, repository: RepositoryId, digest: Digest) -> Result<()> {
        let now_ms = self.clock.now_ms();
        let now = self.clock.utc();
        let text = digest.to_string();
        let registry = self.clone();
        uninterrupted(async move {
            let outcome = registry
                .db
                .write(Durability::Full, move |conn| {
                    Box::pin(async move {
                        // No manifest that names the blob may come in between.
                        tags::lock_repository(conn, repository).await?;
                        let rows = blobs::find_in_repository(conn, repository, &text).await?;
                        if rows.is_empty() {
                            return Err(Error::from(Code::BLOB_UNKNOWN));
                        }
                        for row in &rows {
                            let holder =
                                blobs::holding_manifest(conn, repository, row.id, now_ms).await?;
                            if let Some(manifest) = holder {
                                return Err(Error::saying(
                                    Code::UNSUPPORTED,
                                    format!("manifest {manifest} uses the blob; delete it first"),
                                ));
                            }
                            blobs::delete_leases(conn, repository, row.id).await?;
                            blobs::mark_deleted(conn, repository, row.id, now).await?;
                        }
                        Ok(())
                    })
                })
                .await;
            registry.caches.links_changed(repository);
            outcome
        })
        .await
    }
}

fn read_all(file: &std::fs::File, size: u64) -> std::io::Result<Bytes> {
    use std::os::unix::fs::FileExt as _;
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes.into())
}
