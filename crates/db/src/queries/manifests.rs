//! `manifest`, `manifestblob`, `manifestchild` and `manifestsecuritystatus`.
//!
//! A manifest is *alive* while a tag, visible or hidden, points to it or to an index above it.

use std::collections::BTreeSet;

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{BlobId, ManifestId, RepositoryId};
use crate::statement::{
    execute, execute_of, fetch_all, fetch_all_of, fetch_one, fetch_optional, padded, placeholders,
    statements,
};

/// A manifest with its text.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ManifestRow {
    /// `manifest.id`.
    pub id: ManifestId,
    /// The digest as text.
    pub digest: String,
    /// `mediatype.id`.
    pub media_type_id: i32,
    /// The bytes as pushed; empty for a placeholder.
    pub manifest_bytes: String,
    /// Whether a tag keeps it alive.
    pub alive: bool,
}

/// A manifest as views show it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ViewedManifest {
    /// `manifest.id`.
    pub id: ManifestId,
    /// The digest as text.
    pub digest: String,
    /// `mediatype.id`.
    pub media_type_id: i32,
    /// The bytes as pushed; empty for a placeholder.
    pub manifest_bytes: String,
    /// `config.mediaType`.
    pub config_media_type: Option<String>,
    /// Sum of the layers' sizes in bytes.
    pub layers_compressed_size: Option<i64>,
    /// Whether a visible tag keeps it alive.
    pub visible: bool,
}

/// A manifest that is pushed again.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PushedRow {
    /// `manifest.id`.
    pub id: ManifestId,
    /// Whether it has no text yet.
    pub is_placeholder: bool,
    /// Its label `quay.expires-after`.
    pub expires_after: Option<String>,
    /// Its label `quay.immutable`.
    pub immutable: Option<String>,
}

/// A manifest that refers to another one.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ReferrerRow {
    /// `manifest.id`.
    pub id: ManifestId,
    /// The digest as text.
    pub digest: String,
    /// `mediatype.id`.
    pub media_type_id: i32,
    /// The bytes as pushed.
    pub manifest_bytes: String,
    /// How many there are on this page and beyond it, counted as far as one beyond the most rows.
    pub listed: i64,
}

/// Which referrers to find.
#[derive(Clone, Copy, Debug)]
pub struct WantedReferrers<'w> {
    /// The repository.
    pub repository: RepositoryId,
    /// The digest that they refer to.
    pub subject: &'w str,
    /// Only those of this type.
    pub artifact_type: Option<&'w str>,
    /// Only those after this one.
    pub last: ManifestId,
    /// Most rows.
    pub most_rows: i64,
    /// Most characters of their texts together; the first comes whatever it has.
    pub most_characters: i64,
}

/// A manifest that an index may name.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ChildRow {
    /// `manifest.id`.
    pub id: ManifestId,
    /// The digest as text.
    pub digest: String,
    /// `mediatype.id`.
    pub media_type_id: i32,
    /// Length of its text in bytes.
    pub size: i64,
}

/// A manifest to be inserted.
#[derive(Clone, Debug)]
pub struct NewManifest {
    /// The repository.
    pub repository: RepositoryId,
    /// The digest as text.
    pub digest: String,
    /// `mediatype.id`.
    pub media_type_id: i32,
    /// The bytes as pushed.
    pub bytes: String,
    /// `config.mediaType`.
    pub config_media_type: Option<String>,
    /// Sum of the layers' sizes.
    pub layers_compressed_size: Option<i64>,
    /// Digest of the subject.
    pub subject: Option<String>,
    /// Top-level `artifactType`.
    pub artifact_type: Option<String>,
}

/// Whether a tag that lives at `$now` keeps a manifest alive, itself or through any index above it. The first question is
/// answered by one index, and is enough for most manifests.
macro_rules! alive {
    ($manifest:literal, $now:literal) => {
        concat!(
            "(EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = ",
            $manifest,
            " AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > ",
            $now,
            ")) OR EXISTS (WITH RECURSIVE up (id) AS ( \
                SELECT c.manifest_id FROM manifestchild c WHERE c.child_manifest_id = ",
            $manifest,
            " UNION SELECT c.manifest_id FROM manifestchild c JOIN up ON c.child_manifest_id = up.id) \
                SELECT 1 FROM up JOIN tag t ON t.manifest_id = up.id \
                WHERE t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > ",
            $now,
            "))"
        )
    };
}
pub(crate) use alive;

statements! {
    /// `$1` repository, `$2` digest, `$3` now.
    FIND_BY_DIGEST = "WITH RECURSIVE up (id) AS ( \
            SELECT id FROM manifest WHERE repository_id = $1 AND digest = $2 \
            UNION SELECT c.manifest_id FROM manifestchild c JOIN up ON c.child_manifest_id = up.id) \
        SELECT m.id, m.digest, m.media_type_id, m.manifest_bytes, \
            EXISTS (SELECT 1 FROM tag t JOIN up ON t.manifest_id = up.id \
                WHERE t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > $3) AS alive \
        FROM manifest m WHERE m.repository_id = $1 AND m.digest = $2";
    /// The same, where only visible tags count, with the columns of views.
    FIND_VISIBLE = "WITH RECURSIVE up (id) AS ( \
            SELECT id FROM manifest WHERE repository_id = $1 AND digest = $2 \
            UNION SELECT c.manifest_id FROM manifestchild c JOIN up ON c.child_manifest_id = up.id) \
        SELECT m.id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, \
            EXISTS (SELECT 1 FROM tag t JOIN up ON t.manifest_id = up.id \
                WHERE t.hidden = false AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > $3)) AS visible \
        FROM manifest m WHERE m.repository_id = $1 AND m.digest = $2";
    /// `manifestsecuritystatus.index_status`.
    SECURITY_STATUS = "SELECT index_status FROM manifestsecuritystatus WHERE manifest_id = $1";
    CHILDREN = "SELECT child_manifest_id FROM manifestchild WHERE manifest_id = $1 ORDER BY id";
    FIND_BY_ID = "SELECT m.id, m.digest, m.media_type_id, m.manifest_bytes, true AS alive FROM manifest m WHERE m.id = $1";
    INSERT = "INSERT INTO manifest (repository_id, digest, media_type_id, manifest_bytes, config_media_type, \
            layers_compressed_size, subject, subject_backfilled, artifact_type, artifact_type_backfilled) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8, true) \
        ON CONFLICT (repository_id, digest) DO NOTHING RETURNING id";
    FILL_PLACEHOLDER = "UPDATE manifest SET manifest_bytes = $2, config_media_type = $3, layers_compressed_size = $4, \
            subject = $5, subject_backfilled = true, artifact_type = $6, artifact_type_backfilled = true \
        WHERE id = $1 AND manifest_bytes = ''";
    INSERT_SECURITY_STATUS = "INSERT INTO manifestsecuritystatus (manifest_id, repository_id, index_status, error_json, \
            last_indexed, indexer_hash, indexer_version, metadata_json) \
        VALUES ($1, $2, 0, '{}', $3, '', 4, '{}') ON CONFLICT DO NOTHING";
    /// `$1` repository, `$2` subject, `$3` now, `$4` artifact type or null, `$5` the last id seen, `$6` most rows, `$7` most
    /// characters of their texts, of which the first row may have more.
    FIND_REFERRERS = concat!("WITH listed AS ( \
            SELECT m.id, LENGTH(m.manifest_bytes) AS size FROM manifest m \
            WHERE m.repository_id = $1 AND m.subject = $2 AND m.id > $5 \
              AND (CAST($4 AS TEXT) IS NULL OR COALESCE(NULLIF(m.artifact_type, ''), m.config_media_type) = $4) \
              AND ", alive!("m.id", "$3"), " ORDER BY m.id LIMIT $6 + 1), \
        sized AS (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place, SUM(size) OVER (ORDER BY id) AS through, \
            COUNT(*) OVER () AS listed FROM listed) \
        SELECT m.id, m.digest, m.media_type_id, m.manifest_bytes, s.listed FROM sized s JOIN manifest m ON m.id = s.id \
        WHERE s.place = 1 OR (s.place <= $6 AND s.through <= $7) ORDER BY m.id");
    /// An index that is kept alive by a tag and names the manifest.
    HOLDING_INDEX = "WITH RECURSIVE up (id) AS ( \
            SELECT manifest_id FROM manifestchild WHERE child_manifest_id = $1 \
            UNION SELECT c.manifest_id FROM manifestchild c JOIN up ON c.child_manifest_id = up.id) \
        SELECT m.digest FROM manifest m JOIN up ON up.id = m.id \
        WHERE EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id \
            AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > $2)) \
        LIMIT 1";
    /// `$1` repository, `$2` digest.
    FIND_PUSHED = "SELECT m.id, m.manifest_bytes = '' AS is_placeholder, \
            (SELECT l.value FROM manifestlabel b JOIN label l ON l.id = b.label_id \
                WHERE b.manifest_id = m.id AND l.key = 'quay.expires-after' ORDER BY l.id LIMIT 1) AS expires_after, \
            (SELECT l.value FROM manifestlabel b JOIN label l ON l.id = b.label_id \
                WHERE b.manifest_id = m.id AND l.key = 'quay.immutable' ORDER BY l.id LIMIT 1) AS immutable \
        FROM manifest m WHERE m.repository_id = $1 AND m.digest = $2";
    LABELS = "SELECT l.key, l.value FROM manifestlabel m JOIN label l ON l.id = m.label_id WHERE m.manifest_id = $1";
    RESET_NAMESPACE_QUOTA = "UPDATE quotanamespacesize SET size_bytes = 0, backfill_start_ms = NULL, \
        backfill_complete = false WHERE namespace_user_id = $1 AND backfill_start_ms IS NOT NULL";
    RESET_REPOSITORY_QUOTA = "UPDATE quotarepositorysize SET size_bytes = 0, backfill_start_ms = NULL, \
        backfill_complete = false WHERE repository_id = $1 AND backfill_start_ms IS NOT NULL";
}

/// The manifest of that digest, with whether it is alive at `now_ms`.
pub async fn find_by_digest(
    conn: &mut Conn,
    repository: RepositoryId,
    digest: &str,
    now_ms: i64,
) -> Result<Option<ManifestRow>> {
    fetch_optional!(conn, FIND_BY_DIGEST, repository, digest, now_ms)
}

/// The manifest of that digest, with whether a visible tag keeps it alive at `now_ms`.
pub async fn find_visible(
    conn: &mut Conn,
    repository: RepositoryId,
    digest: &str,
    now_ms: i64,
) -> Result<Option<ViewedManifest>> {
    fetch_optional!(conn, FIND_VISIBLE, repository, digest, now_ms)
}

/// How far a manifest was scanned, as `manifestsecuritystatus` numbers it; `None` if it never was.
pub async fn security_status(conn: &mut Conn, manifest: ManifestId) -> Result<Option<i32>> {
    let row: Option<(i32,)> = fetch_optional!(conn, SECURITY_STATUS, manifest)?;
    Ok(row.map(|(status,)| status))
}

/// The manifests that an index names and the repository has.
pub async fn children(conn: &mut Conn, index: ManifestId) -> Result<Vec<ManifestId>> {
    let rows: Vec<(ManifestId,)> = fetch_all!(conn, CHILDREN, index)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The manifest of that digest for another push of it.
pub async fn find_pushed(
    conn: &mut Conn,
    repository: RepositoryId,
    digest: &str,
) -> Result<Option<PushedRow>> {
    fetch_optional!(conn, FIND_PUSHED, repository, digest)
}

/// The manifest of that id, which the caller knows to be alive.
pub async fn find_by_id(conn: &mut Conn, id: ManifestId) -> Result<Option<ManifestRow>> {
    fetch_optional!(conn, FIND_BY_ID, id)
}

/// Inserts a manifest. `None` if the repository has its digest already.
pub async fn insert(conn: &mut Conn, new: &NewManifest) -> Result<Option<ManifestId>> {
    let row: Option<(ManifestId,)> = fetch_optional!(
        conn,
        INSERT,
        new.repository,
        &new.digest,
        new.media_type_id,
        &new.bytes,
        &new.config_media_type,
        new.layers_compressed_size,
        &new.subject,
        &new.artifact_type
    )?;
    Ok(row.map(|(id,)| id))
}

/// Gives a placeholder its text.
pub async fn fill_placeholder(conn: &mut Conn, id: ManifestId, new: &NewManifest) -> Result<u64> {
    execute!(
        conn,
        FILL_PLACEHOLDER,
        id,
        &new.bytes,
        &new.config_media_type,
        new.layers_compressed_size,
        &new.subject,
        &new.artifact_type
    )
}

/// Links a manifest to its blobs.
pub async fn insert_blobs(
    conn: &mut Conn,
    repository: RepositoryId,
    manifest: ManifestId,
    blobs: &[BlobId],
) -> Result<u64> {
    let Some(last) = blobs.last() else {
        return Ok(0);
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "INSERT INTO manifestblob (repository_id, manifest_id, blob_id) \
         SELECT $1, $2, s.id FROM imagestorage s WHERE s.id IN {} ON CONFLICT DO NOTHING",
        placeholders(3, blobs.len())
    ));
    let filler = std::iter::repeat_n(last, padded(blobs.len()) - blobs.len());
    execute_of!(
        conn,
        sql,
        [repository, manifest],
        blobs.iter().chain(filler)
    )
}

/// Links an index to its children.
pub async fn insert_children(
    conn: &mut Conn,
    repository: RepositoryId,
    manifest: ManifestId,
    children: &[ManifestId],
) -> Result<u64> {
    let Some(last) = children.last() else {
        return Ok(0);
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "INSERT INTO manifestchild (repository_id, manifest_id, child_manifest_id) \
         SELECT $1, $2, m.id FROM manifest m WHERE m.id IN {} ON CONFLICT DO NOTHING",
        placeholders(3, children.len())
    ));
    let filler = std::iter::repeat_n(last, padded(children.len()) - children.len());
    execute_of!(
        conn,
        sql,
        [repository, manifest],
        children.iter().chain(filler)
    )
}

/// Those of the digests that are manifests of the repository, not placeholders, and alive at `now_ms`.
pub async fn find_children(
    conn: &mut Conn,
    repository: RepositoryId,
    now_ms: i64,
    digests: &[String],
) -> Result<Vec<ChildRow>> {
    let Some(last) = digests.last() else {
        return Ok(Vec::new());
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT m.id, m.digest, m.media_type_id, CAST({} AS BIGINT) AS size FROM manifest m \
         WHERE m.repository_id = $1 AND m.manifest_bytes <> '' AND m.digest IN {} AND {}",
        // Length in bytes: `octet_length` is younger than some SQLite versions.
        if conn.is_postgres() {
            "octet_length(m.manifest_bytes)"
        } else {
            "length(CAST(m.manifest_bytes AS BLOB))"
        },
        placeholders(3, digests.len()),
        alive!("m.id", "$2")
    ));
    let filler = std::iter::repeat_n(last, padded(digests.len()) - digests.len());
    fetch_all_of!(
        conn,
        sql,
        [repository, now_ms],
        digests.iter().chain(filler)
    )
}

/// Marks a manifest as not yet scanned, at `now` (UTC).
pub async fn insert_security_status(
    conn: &mut Conn,
    repository: RepositoryId,
    manifest: ManifestId,
    now: NaiveDateTime,
) -> Result<u64> {
    execute!(conn, INSERT_SECURITY_STATUS, manifest, repository, now)
}

/// Manifests alive at `now_ms` that refer to a subject, in the order of their ids.
pub async fn find_referrers(
    conn: &mut Conn,
    wanted: &WantedReferrers<'_>,
    now_ms: i64,
) -> Result<Vec<ReferrerRow>> {
    fetch_all!(
        conn,
        FIND_REFERRERS,
        wanted.repository,
        wanted.subject,
        now_ms,
        wanted.artifact_type,
        wanted.last,
        wanted.most_rows,
        wanted.most_characters
    )
}

/// The digest of an index that is alive at `now_ms` and names the manifest, directly or through another index.
pub async fn holding_index(
    conn: &mut Conn,
    manifest: ManifestId,
    now_ms: i64,
) -> Result<Option<String>> {
    let row: Option<(String,)> = fetch_optional!(conn, HOLDING_INDEX, manifest, now_ms)?;
    Ok(row.map(|(digest,)| digest))
}

/// Labels of a manifest, as key and value.
pub async fn labels(conn: &mut Conn, manifest: ManifestId) -> Result<Vec<(String, String)>> {
    fetch_all!(conn, LABELS, manifest)
}

/// Labels (key and value) that all of these manifests have, in the order they were made. One statement.
pub async fn common_labels(
    conn: &mut Conn,
    manifests: &BTreeSet<ManifestId>,
) -> Result<Vec<(String, String)>> {
    let Some(last) = manifests.last() else {
        return Ok(Vec::new());
    };
    let places = placeholders(2, manifests.len());
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT l.key, l.value FROM manifestlabel m JOIN label l ON l.id = m.label_id WHERE m.manifest_id IN {places} \
         GROUP BY l.key, l.value HAVING COUNT(DISTINCT m.manifest_id) = $1 ORDER BY MIN(l.id)"
    ));
    let count = i64::try_from(manifests.len()).unwrap_or(i64::MAX);
    let values = manifests
        .iter()
        .chain(std::iter::repeat(last))
        .take(padded(manifests.len()));
    fetch_all_of!(conn, sql, [count], values)
}

/// Inserts labels and binds them to the manifest. Each is (uuid, key, value, media type id).
pub async fn insert_labels(
    conn: &mut Conn,
    repository: RepositoryId,
    manifest: ManifestId,
    source_type: i32,
    labels: &[(String, String, String, i32)],
) -> Result<()> {
    for (uuid, key, value, media_type) in labels {
        let (label,): (i32,) = fetch_one!(
            conn,
            INSERT_LABEL,
            uuid,
            key,
            value,
            *media_type,
            source_type
        )?;
        execute!(conn, BIND_LABEL, repository, manifest, label)?;
    }
    Ok(())
}

const INSERT_LABEL: &str = "INSERT INTO label (uuid, key, value, media_type_id, source_type_id) \
    VALUES ($1, $2, $3, $4, $5) RETURNING id";
const BIND_LABEL: &str =
    "INSERT INTO manifestlabel (repository_id, manifest_id, label_id) VALUES ($1, $2, $3)";

/// Has the namespace's total counted anew by whoever counts totals, because content was added.
pub async fn reset_namespace_quota(conn: &mut Conn, namespace: i32) -> Result<u64> {
    execute!(conn, RESET_NAMESPACE_QUOTA, namespace)
}

/// Has the repository's total counted anew by whoever counts totals, because content was added.
pub async fn reset_repository_quota(conn: &mut Conn, repository: RepositoryId) -> Result<u64> {
    execute!(conn, RESET_REPOSITORY_QUOTA, repository)
}
