//! Uploads: sessions, chunks, and the commit of a blob.
//!
//! A session is a `blobupload` row and a file. The row says how many bytes were acknowledged and holds the hash state over
//! them (Quay's encoding, so that either program can go on). A request locks the file, so a session has one writer; bytes
//! behind the acknowledged ones are cut off. What a session is, is in `session`; its end is in `commit`.
//!
//! Cost: beginning a session one statement; a chunk two (session, progress) and one append; ending it six (session, content,
//! and in the transaction content, placement, lease, session; five if the content is known), one append, one publish and
//! one discard. A blob in one request needs no session: four statements, three if the content is known.

mod commit;
mod hash_state;
mod session;

use bytes::Bytes;
use pierhead_db::queries::uploads;
use pierhead_db::{Durability, RepositoryId};
use pierhead_oci::digest::Algorithm;
use pierhead_oci::{ContentRange, Hasher};
use pierhead_storage::{UploadName, UploadWriter};

use crate::error::{Code, Error, Result};
use crate::state::Registry;
use crate::uninterrupted::uninterrupted;

pub(crate) use session::Session;

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
        let state = hash_state::encode(&written.hasher)?;
        let id = session.id;
        let metadata = session.metadata_of_this_boot();
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
