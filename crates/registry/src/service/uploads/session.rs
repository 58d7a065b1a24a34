//! Upload sessions: rows of `blobupload`. A session belongs to its repository and to the principal that began it.

use std::sync::LazyLock;

use pierhead_db::queries::uploads;
use pierhead_db::{Durability, RepositoryId, UploadId};
use pierhead_oci::Hasher;
use pierhead_oci::digest::Algorithm;
use pierhead_storage::UploadName;
use serde::{Deserialize, Serialize};

use super::hash_state;
use crate::error::{Code, Error, Result};
use crate::state::Registry;

/// Identifies the running kernel: bytes that were acknowledged without a sync are trusted only while it runs.
static BOOT_ID: LazyLock<String> = LazyLock::new(|| {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(
        |_| uuid::Uuid::new_v4().to_string(),
        |id| id.trim().to_owned(),
    )
});

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
    pub(super) id: UploadId,
    /// Its public name.
    pub name: UploadName,
    /// Bytes acknowledged.
    pub received: u64,
    pub(super) location: String,
    metadata: Metadata,
    /// The hash over the acknowledged bytes, in Quay's encoding.
    pub(super) sha_state: Option<String>,
}

impl Session {
    /// Whether its bytes were acknowledged under this kernel, so that none of them can be lost.
    pub(super) fn is_of_this_boot(&self) -> bool {
        let notes = self.metadata.pierhead.as_ref();
        notes.is_some_and(|notes| notes.boot == *BOOT_ID)
    }

    /// The text of its metadata once more bytes are acknowledged now.
    pub(super) fn metadata_of_this_boot(mut self) -> String {
        if let Some(notes) = &mut self.metadata.pierhead {
            notes.boot.clone_from(&BOOT_ID);
        }
        metadata_text(&self.metadata)
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
        let state = hash_state::encode(&Hasher::new(Algorithm::Sha256))?;
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
}

fn metadata_text(metadata: &Metadata) -> String {
    serde_json::to_string(metadata).unwrap_or_else(|_| "{}".to_owned())
}
