//! Collects uploads that nobody finished: the row and the file of a session, the file of a request that died, and content
//! that was published but never got its row (Quay's `blobuploadcleanupworker`).
//!
//! Cost: proportional to what is left over and to the uploads under way, never to the content that is stored.

use std::time::Duration;

use pierhead_db::queries::{blobs, uploads};
use pierhead_db::{Database, Durability};
use pierhead_oci::digest::Algorithm;
use pierhead_storage::{ContentPath, Storage, UploadName};
use tokio_util::sync::CancellationToken;

/// Leftovers handled in one go.
const BATCH: usize = 100;

/// When leftovers are collected.
#[derive(Clone, Copy, Debug)]
pub struct UploadCleanup {
    /// `BLOBUPLOAD_CLEANUP_FREQUENCY`: pause between two rounds.
    pub every: Duration,
    /// `BLOBUPLOAD_DELETION_DATE_THRESHOLD`: age of an upload that nobody goes on with.
    pub age: Duration,
}

/// What a round collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Sessions ended.
    pub sessions: usize,
    /// Files removed that had no session.
    pub files: usize,
    /// Contents removed that no row ever named.
    pub contents: usize,
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] pierhead_storage::Error),
}

impl UploadCleanup {
    /// Collects now, and then again after each pause, until `stop` is cancelled.
    pub async fn run(self, db: Database, storage: Storage, stop: CancellationToken) {
        let db = db.in_background();
        loop {
            match self.round(&db, &storage, &stop).await {
                Ok(collected) if collected == Collected::default() => {}
                Ok(collected) => tracing::info!(
                    sessions = collected.sessions,
                    files = collected.files,
                    contents = collected.contents,
                    "collected unfinished uploads"
                ),
                Err(error) => {
                    tracing::warn!(%error, "collecting unfinished uploads failed; it goes on later");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One round.
    pub async fn round(
        self,
        db: &Database,
        storage: &Storage,
        stop: &CancellationToken,
    ) -> Result<Collected, Error> {
        let mut collected = Collected::default();
        let age = chrono::TimeDelta::from_std(self.age).unwrap_or(chrono::TimeDelta::MAX);
        let before = chrono::Utc::now().naive_utc() - age;
        while !stop.is_cancelled() {
            let stale = {
                let mut conn = db.read().await?;
                uploads::find_stale(&mut conn, before, BATCH as i64).await?
            };
            let sessions = collected.sessions;
            for upload in stale {
                let removed = match UploadName::parse(&upload.uuid) {
                    Some(name) if storage.location_ids().any(|id| id == upload.location) => {
                        remove_file(db, storage, &upload.location, &name).await
                    }
                    _ => Ok(Removed::Nothing),
                };
                if !collected.count(removed, &upload.uuid)? {
                    continue;
                }
                let id = upload.id;
                db.write(Durability::Relaxed, move |conn| {
                    Box::pin(async move { uploads::delete(conn, id).await })
                })
                .await?;
                collected.sessions += 1;
            }
            // Nothing is left but uploads that stay for now.
            if collected.sessions == sessions {
                break;
            }
        }
        self.files_without_session(db, storage, stop, &mut collected)
            .await?;
        Ok(collected)
    }

    async fn files_without_session(
        self,
        db: &Database,
        storage: &Storage,
        stop: &CancellationToken,
        collected: &mut Collected,
    ) -> Result<(), Error> {
        let location = storage.write_location().to_owned();
        let age = self.age.as_secs();
        let stale = storage.stale_uploads(&location, age, usize::MAX).await?;
        for name in stale {
            if stop.is_cancelled() {
                break;
            }
            let in_use = {
                let mut conn = db.read().await?;
                uploads::exists(&mut conn, name.as_str()).await?
            };
            if !in_use {
                let removed = remove_file(db, storage, &location, &name).await;
                collected.files += usize::from(collected.count(removed, name.as_str())?);
            }
        }
        Ok(())
    }
}

/// What became of the file of an upload.
enum Removed {
    /// There is none.
    Nothing,
    /// It was removed.
    File,
    /// It was removed, and the content that was published from it.
    FileAndContent,
    /// A request is writing to it.
    InUse,
}

impl Collected {
    /// Counts content. Returns whether the upload is gone. An upload that cannot be removed is left for the next round, so
    /// that it does not keep all others.
    fn count(&mut self, removed: Result<Removed, Error>, upload: &str) -> Result<bool, Error> {
        match removed {
            Ok(Removed::Nothing | Removed::File) => Ok(true),
            Ok(Removed::FileAndContent) => {
                self.contents += 1;
                Ok(true)
            }
            Ok(Removed::InUse) => Ok(false),
            Err(Error::Storage(error)) => {
                tracing::warn!(%error, upload, "an unfinished upload could not be removed");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Removes the file of an upload, and with it the content that was published from it if no row names that.
async fn remove_file(
    db: &Database,
    storage: &Storage,
    location: &str,
    name: &UploadName,
) -> Result<Removed, Error> {
    // Locked to the end: meanwhile nobody goes on with the upload, or is between publishing it and writing its row.
    let _locked = match storage.append(location, name, false).await {
        Err(pierhead_storage::Error::NotFound { .. }) => return Ok(Removed::Nothing),
        Err(pierhead_storage::Error::Busy { .. }) => return Ok(Removed::InUse),
        locked => locked?,
    };
    let mut removed = Removed::File;
    if storage.is_published(location, name).await? {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let hashed = storage.hash_upload(location, name, None, algorithm).await?;
            let Some(digest) = hashed.map(pierhead_oci::Hasher::finish) else {
                continue;
            };
            let known = {
                let mut conn = db.read().await?;
                !blobs::find_stored(&mut conn, &digest.to_string())
                    .await?
                    .is_empty()
            };
            let path = ContentPath::of_digest(&digest);
            if !known && storage.unpublish(location, name, &path).await? {
                removed = Removed::FileAndContent;
            }
        }
    }
    storage.discard(location, name).await?;
    Ok(removed)
}
