//! `imagestorage`, `imagestorageplacement`, `uploadedblob`, and our own `pierhead_deleted_blob`.
//!
//! A blob is in a repository if a lease (`uploadedblob`) or a manifest (`manifestblob`) says so, and it was not deleted from
//! it since. Several `imagestorage` rows may name one digest: Quay's index on `content_checksum` is not unique.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{BlobId, RepositoryId};
use crate::queries::manifests::alive;
use crate::statement::{
    execute, fetch_all, fetch_all_of, fetch_one, fetch_optional, padded, placeholders, statements,
};

/// A blob of a repository, in one of its locations.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PlacedBlob {
    /// `imagestorage.id`.
    pub id: BlobId,
    /// `imagestorage.uuid`: part of the path if `cas_path` is false.
    pub uuid: String,
    /// Size in bytes, unknown on some old rows.
    pub image_size: Option<i64>,
    /// Whether the path is made of the digest.
    pub cas_path: bool,
    /// Name of a location that has it.
    pub location: String,
}

/// A blob that a manifest may name.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LinkedBlob {
    /// `imagestorage.id`.
    pub id: BlobId,
    /// The digest as text.
    pub digest: String,
    /// Size in bytes, unknown on some old rows.
    pub image_size: Option<i64>,
}

/// That the content `s` is linked to the repository `$1`.
macro_rules! linked {
    () => {
        "(EXISTS (SELECT 1 FROM uploadedblob u WHERE u.blob_id = s.id AND u.repository_id = $1) \
            OR EXISTS (SELECT 1 FROM manifestblob m WHERE m.repository_id = $1 AND m.blob_id = s.id))"
    };
}

/// That it was not deleted from there. Where Quay's tables are alone, nothing was ever deleted in our sense.
macro_rules! not_deleted {
    () => {
        " AND NOT EXISTS (SELECT 1 FROM pierhead_deleted_blob d WHERE d.repository_id = $1 AND d.blob_id = s.id)"
    };
}

/// Where the content of the digest `$2` lies that is linked to the repository `$1`, under a further condition.
macro_rules! find_in_repository {
    ($condition:expr) => {
        concat!(
            "SELECT s.id, s.uuid, s.image_size, s.cas_path, l.name AS location \
                FROM imagestorage s \
                JOIN imagestorageplacement p ON p.storage_id = s.id \
                JOIN imagestoragelocation l ON l.id = p.location_id \
                WHERE s.content_checksum = $2 AND ",
            linked!(),
            $condition,
            " ORDER BY s.id"
        )
    };
}

statements! {
    FIND_IN_REPOSITORY = find_in_repository!(not_deleted!());
    FIND_IN_QUAYS_REPOSITORY = find_in_repository!("");
    FIND_STORED = "SELECT s.id, s.uuid, s.image_size, s.cas_path, l.name AS location \
        FROM imagestorage s \
        JOIN imagestorageplacement p ON p.storage_id = s.id \
        JOIN imagestoragelocation l ON l.id = p.location_id \
        WHERE s.content_checksum = $1 ORDER BY s.id";
    INSERT_STORAGE = "INSERT INTO imagestorage (uuid, image_size, uncompressed_size, uploading, cas_path, content_checksum) \
        VALUES ($1, $2, $3, false, true, $4) RETURNING id";
    INSERT_PLACEMENT = "INSERT INTO imagestorageplacement (storage_id, location_id) VALUES ($1, $2) \
        ON CONFLICT DO NOTHING";
    INSERT_LEASE = "INSERT INTO uploadedblob (repository_id, blob_id, uploaded_at, expires_at) VALUES ($1, $2, $3, $4)";
    DELETE_LEASES = "DELETE FROM uploadedblob WHERE repository_id = $1 AND blob_id = $2";
    /// Remembered only while a manifest row (of a deleted tag that can be restored) still names the blob.
    MARK_DELETED = "INSERT INTO pierhead_deleted_blob (repository_id, blob_id, deleted_at) \
        SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM manifestblob m WHERE m.repository_id = $1 AND m.blob_id = $2) \
        ON CONFLICT DO NOTHING";
    UNMARK_DELETED = "DELETE FROM pierhead_deleted_blob WHERE repository_id = $1 AND blob_id = $2";
    /// `$1` digest, `$2` limit.
    HOLDERS = "SELECT n.username, r.name FROM repository r JOIN \"user\" n ON n.id = r.namespace_user_id \
        WHERE r.state <> 3 AND r.id IN ( \
            SELECT u.repository_id FROM imagestorage s JOIN uploadedblob u ON u.blob_id = s.id WHERE s.content_checksum = $1 \
            UNION SELECT m.repository_id FROM imagestorage s JOIN manifestblob m ON m.blob_id = s.id \
                WHERE s.content_checksum = $1) \
        ORDER BY r.id DESC LIMIT $2";
    /// A manifest that holds the blob and is alive.
    HOLDING_MANIFEST = concat!("SELECT m.digest FROM manifestblob b JOIN manifest m ON m.id = b.manifest_id \
        WHERE b.repository_id = $1 AND b.blob_id = $2 AND ", alive!("m.id", "$3"), " LIMIT 1");
}

/// The blob if it is in the repository: one row for each location that has it.
pub async fn find_in_repository(
    conn: &mut Conn,
    repository: RepositoryId,
    digest: &str,
) -> Result<Vec<PlacedBlob>> {
    let sql = if conn.lacks_own_tables() {
        FIND_IN_QUAYS_REPOSITORY
    } else {
        FIND_IN_REPOSITORY
    };
    fetch_all!(conn, sql, repository, digest)
}

/// The content wherever it is linked: one row for each location that has it.
pub async fn find_stored(conn: &mut Conn, digest: &str) -> Result<Vec<PlacedBlob>> {
    fetch_all!(conn, FIND_STORED, digest)
}

/// Those of the digests that are in the repository.
pub async fn find_linked(
    conn: &mut Conn,
    repository: RepositoryId,
    digests: &[String],
) -> Result<Vec<LinkedBlob>> {
    let Some(last) = digests.last() else {
        return Ok(Vec::new());
    };
    let places = placeholders(2, digests.len());
    let not_deleted = if conn.lacks_own_tables() {
        ""
    } else {
        not_deleted!()
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT s.id, s.content_checksum AS digest, s.image_size FROM imagestorage s \
         WHERE s.content_checksum IN {places} AND {}{not_deleted} ORDER BY s.id",
        linked!()
    ));
    let filler = std::iter::repeat_n(last, padded(digests.len()) - digests.len());
    let values = digests.iter().chain(filler);
    fetch_all_of!(conn, sql, [repository], values)
}

/// Adds content that no row names yet.
pub async fn insert_storage(
    conn: &mut Conn,
    uuid: &str,
    size: i64,
    uncompressed_size: Option<i64>,
    digest: &str,
) -> Result<BlobId> {
    let (id,) = fetch_one!(conn, INSERT_STORAGE, uuid, size, uncompressed_size, digest)?;
    Ok(id)
}

/// Says that the content is in the location.
pub async fn insert_placement(conn: &mut Conn, blob: BlobId, location: i32) -> Result<u64> {
    execute!(conn, INSERT_PLACEMENT, blob, location)
}

/// Links the content to the repository until `expires_at` (UTC), or until a manifest does.
pub async fn insert_lease(
    conn: &mut Conn,
    repository: RepositoryId,
    blob: BlobId,
    uploaded_at: NaiveDateTime,
    expires_at: NaiveDateTime,
) -> Result<u64> {
    execute!(
        conn,
        INSERT_LEASE,
        repository,
        blob,
        uploaded_at,
        expires_at
    )
}

/// Takes every lease of the blob in the repository away.
pub async fn delete_leases(conn: &mut Conn, repository: RepositoryId, blob: BlobId) -> Result<u64> {
    execute!(conn, DELETE_LEASES, repository, blob)
}

/// Remembers that the blob was deleted from the repository, if a manifest row still names it.
pub async fn mark_deleted(
    conn: &mut Conn,
    repository: RepositoryId,
    blob: BlobId,
    now: NaiveDateTime,
) -> Result<u64> {
    execute!(conn, MARK_DELETED, repository, blob, now)
}

/// Forgets that the blob was deleted from the repository.
pub async fn unmark_deleted(
    conn: &mut Conn,
    repository: RepositoryId,
    blob: BlobId,
) -> Result<u64> {
    execute!(conn, UNMARK_DELETED, repository, blob)
}

/// Namespace and name of repositories that hold the content, the youngest first.
pub async fn holders(conn: &mut Conn, digest: &str, limit: i64) -> Result<Vec<(String, String)>> {
    fetch_all!(conn, HOLDERS, digest, limit)
}

/// The digest of a manifest that is alive at `now_ms` and holds the blob.
pub async fn holding_manifest(
    conn: &mut Conn,
    repository: RepositoryId,
    blob: BlobId,
    now_ms: i64,
) -> Result<Option<String>> {
    let row: Option<(String,)> = fetch_optional!(conn, HOLDING_MANIFEST, repository, blob, now_ms)?;
    Ok(row.map(|(digest,)| digest))
}
