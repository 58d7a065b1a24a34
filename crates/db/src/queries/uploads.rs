//! `blobupload`: uploads under way.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{RepositoryId, UploadId};
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};

/// An upload session.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Upload {
    /// `blobupload.id`.
    pub id: UploadId,
    /// Its public name, and that of its file.
    pub uuid: String,
    /// Bytes acknowledged.
    pub byte_count: i64,
    /// The hash state over them, in Quay's encoding.
    pub sha_state: Option<String>,
    /// JSON of the storage driver.
    pub storage_metadata: Option<String>,
    /// Requests that brought bytes.
    pub chunk_count: i32,
    /// Name of the location that its bytes are in.
    pub location: String,
}

statements! {
    INSERT = "INSERT INTO blobupload (repository_id, uuid, byte_count, sha_state, location_id, storage_metadata, \
        chunk_count, created) VALUES ($1, $2, 0, $3, $4, $5, 0, $6) RETURNING id";
    FIND = "SELECT b.id, b.uuid, b.byte_count, b.sha_state, b.storage_metadata, b.chunk_count, l.name AS location \
        FROM blobupload b JOIN imagestoragelocation l ON l.id = b.location_id \
        WHERE b.uuid = $1 AND b.repository_id = $2";
    /// Only if nobody else advanced it meanwhile.
    ADVANCE = "UPDATE blobupload SET byte_count = $3, sha_state = $4, storage_metadata = $5, \
        chunk_count = chunk_count + 1 WHERE id = $1 AND byte_count = $2";
    DELETE = "DELETE FROM blobupload WHERE id = $1";
    FIND_STALE = "SELECT b.id, b.uuid, b.byte_count, b.sha_state, b.storage_metadata, b.chunk_count, l.name AS location \
        FROM blobupload b JOIN imagestoragelocation l ON l.id = b.location_id \
        WHERE b.created <= $1 ORDER BY b.created LIMIT $2";
    EXISTS = "SELECT EXISTS (SELECT 1 FROM blobupload WHERE uuid = $1)";
}

/// Begins a session at `created` (UTC).
pub async fn insert(
    conn: &mut Conn,
    repository: RepositoryId,
    uuid: &str,
    sha_state: &str,
    location: i32,
    storage_metadata: &str,
    created: NaiveDateTime,
) -> Result<UploadId> {
    let (id,) = fetch_one!(
        conn,
        INSERT,
        repository,
        uuid,
        sha_state,
        location,
        storage_metadata,
        created
    )?;
    Ok(id)
}

/// The session of that name in that repository.
pub async fn find(conn: &mut Conn, repository: RepositoryId, uuid: &str) -> Result<Option<Upload>> {
    fetch_optional!(conn, FIND, uuid, repository)
}

/// Acknowledges bytes up to `byte_count`. No row changes if the session no longer stands at `from`.
pub async fn advance(
    conn: &mut Conn,
    upload: UploadId,
    from: i64,
    byte_count: i64,
    sha_state: &str,
    storage_metadata: &str,
) -> Result<u64> {
    execute!(
        conn,
        ADVANCE,
        upload,
        from,
        byte_count,
        sha_state,
        storage_metadata
    )
}

/// Ends a session.
pub async fn delete(conn: &mut Conn, upload: UploadId) -> Result<u64> {
    execute!(conn, DELETE, upload)
}

/// Sessions begun at or before `created` (UTC), the oldest first.
pub async fn find_stale(
    conn: &mut Conn,
    created: NaiveDateTime,
    limit: i64,
) -> Result<Vec<Upload>> {
    fetch_all!(conn, FIND_STALE, created, limit)
}

/// Whether a session of that name exists, in whatever repository.
pub async fn exists(conn: &mut Conn, uuid: &str) -> Result<bool> {
    let (exists,) = fetch_one!(conn, EXISTS, uuid)?;
    Ok(exists)
}
