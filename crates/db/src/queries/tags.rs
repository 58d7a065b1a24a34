//! `tag`: the history of tags as intervals `[lifetime_start_ms, lifetime_end_ms)`. A row is never changed but for its end.
//!
//! A tag is *alive* at a time inside its interval, and *visible* if it is not hidden. The index on
//! `(repository_id, name, lifetime_end_ms)` finds the living row of a tag without touching its dead ones.

use sha2::Digest as _;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{ManifestId, RepositoryId, TagId};
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};

/// The living row of a tag.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AliveTag {
    /// `tag.id`.
    pub id: TagId,
    /// The manifest it points to.
    pub manifest_id: ManifestId,
    /// The manifest's digest as text.
    pub digest: String,
    /// Epoch milliseconds.
    pub lifetime_start_ms: i64,
    /// Epoch milliseconds; `None` is forever.
    pub lifetime_end_ms: Option<i64>,
    /// Whether it may be neither moved nor deleted.
    pub immutable: bool,
}

/// A tag to be inserted.
#[derive(Clone, Debug)]
pub struct NewTag {
    /// The repository.
    pub repository: RepositoryId,
    /// Its name.
    pub name: String,
    /// The manifest it points to.
    pub manifest: ManifestId,
    /// Epoch milliseconds.
    pub lifetime_start_ms: i64,
    /// Epoch milliseconds; `None` is forever.
    pub lifetime_end_ms: Option<i64>,
    /// Whether listings leave it out.
    pub hidden: bool,
    /// Whether it restores what the tag pointed to before.
    pub reversion: bool,
    /// Whether it may be neither moved nor deleted.
    pub immutable: bool,
    /// `tagkind.id`.
    pub kind: i32,
}

statements! {
    /// `$1` repository, `$2` name, `$3` now.
    FIND_ALIVE = "SELECT t.id, t.manifest_id, m.digest, t.lifetime_start_ms, t.lifetime_end_ms, t.immutable \
        FROM tag t JOIN manifest m ON m.id = t.manifest_id \
        WHERE t.repository_id = $1 AND t.name = $2 AND t.lifetime_end_ms IS NULL AND t.hidden = false \
        UNION ALL \
        SELECT t.id, t.manifest_id, m.digest, t.lifetime_start_ms, t.lifetime_end_ms, t.immutable \
        FROM tag t JOIN manifest m ON m.id = t.manifest_id \
        WHERE t.repository_id = $1 AND t.name = $2 AND t.lifetime_end_ms > $3 AND t.hidden = false \
        LIMIT 1";
    INSERT = "INSERT INTO tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, \
            tag_kind_id, immutable) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        RETURNING id, (SELECT string_agg(n.uuid, ',') FROM repositorynotification n \
            WHERE n.repository_id = $2 AND n.event_id = $10)";
    /// Only if nobody else ended it meanwhile.
    END = "UPDATE tag SET lifetime_end_ms = $2 WHERE id = $1 AND (lifetime_end_ms IS NULL OR lifetime_end_ms > $2)";
    FORGET_EXPIRY_NOTICES = "DELETE FROM tagnotificationsuccess WHERE tag_id = $1";
    /// Every living row of a manifest, visible or hidden.
    FIND_ALIVE_OF_MANIFEST = "SELECT id, name, hidden, immutable, lifetime_start_ms FROM tag \
        WHERE manifest_id = $1 AND (lifetime_end_ms IS NULL OR lifetime_end_ms > $2)";
    LAST_END_OF_MANIFEST = "SELECT COALESCE(MAX(COALESCE(lifetime_end_ms, 9223372036854775807)), 0) \
        FROM tag WHERE manifest_id = $1 AND (lifetime_end_ms IS NULL OR lifetime_end_ms > $2)";
    EXISTED = "SELECT EXISTS (SELECT 1 FROM tag WHERE repository_id = $1 AND name = $2 AND hidden = false)";
    DELETE_PULL_STATISTICS = "DELETE FROM tagpullstatistics WHERE repository_id = $1 AND tag_name = $2";
    /// A transaction that moves tags of a repository takes the same lock in Quay.
    LOCK_POSTGRES = "SELECT pg_advisory_xact_lock($1)";
    LIST_POSTGRES = "SELECT DISTINCT name COLLATE \"C\" AS name FROM tag \
        WHERE repository_id = $1 AND hidden = false AND (lifetime_end_ms IS NULL OR lifetime_end_ms > $2) \
          AND name COLLATE \"C\" > $3 \
        ORDER BY name COLLATE \"C\" LIMIT $4";
    LIST_SQLITE = "SELECT DISTINCT name FROM tag \
        WHERE repository_id = $1 AND hidden = false AND (lifetime_end_ms IS NULL OR lifetime_end_ms > $2) \
          AND name > $3 \
        ORDER BY name LIMIT $4";
}

/// A living row of a manifest, of whatever visibility.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TagOfManifest {
    /// `tag.id`.
    pub id: TagId,
    /// Its name.
    pub name: String,
    /// Whether listings leave it out.
    pub hidden: bool,
    /// Whether it may be neither moved nor deleted.
    pub immutable: bool,
    /// Epoch milliseconds.
    pub lifetime_start_ms: i64,
}

/// The living, visible row of a tag.
pub async fn find_alive(
    conn: &mut Conn,
    repository: RepositoryId,
    name: &str,
    now_ms: i64,
) -> Result<Option<AliveTag>> {
    fetch_optional!(conn, FIND_ALIVE, repository, name, now_ms)
}

/// Whether a visible tag of that name was there at any time.
pub async fn existed(conn: &mut Conn, repository: RepositoryId, name: &str) -> Result<bool> {
    let (existed,) = fetch_one!(conn, EXISTED, repository, name)?;
    Ok(existed)
}

/// Adds a row. Gives its id, and the uuid of each notification of its repository for this event
/// (`externalnotificationevent.id`): a push asks both in one statement, because few repositories have any.
pub async fn insert(conn: &mut Conn, new: &NewTag, event: i32) -> Result<(TagId, Vec<String>)> {
    let (id, hooks): (TagId, Option<String>) = fetch_one!(
        conn,
        INSERT,
        &new.name,
        new.repository,
        new.manifest,
        new.lifetime_start_ms,
        new.lifetime_end_ms,
        new.hidden,
        new.reversion,
        new.kind,
        new.immutable,
        event
    )?;
    let hooks = hooks.iter().flat_map(|hooks| hooks.split(','));
    Ok((id, hooks.map(str::to_owned).collect()))
}

/// Ends a row at `end_ms`. No row changes if it ended earlier.
pub async fn end(conn: &mut Conn, tag: TagId, end_ms: i64) -> Result<u64> {
    execute!(conn, END, tag, end_ms)
}

/// Forgets that the expiry of a row was announced.
pub async fn forget_expiry_notices(conn: &mut Conn, tag: TagId) -> Result<u64> {
    execute!(conn, FORGET_EXPIRY_NOTICES, tag)
}

/// Every living row that points to the manifest.
pub async fn find_alive_of_manifest(
    conn: &mut Conn,
    manifest: ManifestId,
    now_ms: i64,
) -> Result<Vec<TagOfManifest>> {
    fetch_all!(conn, FIND_ALIVE_OF_MANIFEST, manifest, now_ms)
}

/// Until when living rows keep the manifest: epoch milliseconds, `i64::MAX` for ever, 0 if none does.
pub async fn last_end_of_manifest(
    conn: &mut Conn,
    manifest: ManifestId,
    now_ms: i64,
) -> Result<i64> {
    let (end,) = fetch_one!(conn, LAST_END_OF_MANIFEST, manifest, now_ms)?;
    Ok(end)
}

/// Forgets the pull counter of a tag name, as Quay does when the tag is deleted.
pub async fn delete_pull_statistics(
    conn: &mut Conn,
    repository: RepositoryId,
    name: &str,
) -> Result<u64> {
    execute!(conn, DELETE_PULL_STATISTICS, repository, name)
}

/// Names of visible, living tags after `last`, in the order of their bytes.
pub async fn list(
    conn: &mut Conn,
    repository: RepositoryId,
    now_ms: i64,
    last: &str,
    limit: i64,
) -> Result<Vec<String>> {
    let sql = if conn.is_postgres() {
        LIST_POSTGRES
    } else {
        LIST_SQLITE
    };
    let rows: Vec<(String,)> = fetch_all!(conn, sql, repository, now_ms, last, limit)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Keeps every other transaction, also Quay's, from moving tags of the repository until this one ends.
///
/// SQLite needs none: it has one writer.
pub async fn lock_repository(conn: &mut Conn, repository: RepositoryId) -> Result<()> {
    if conn.is_postgres() {
        execute!(conn, LOCK_POSTGRES, lock_key(repository))?;
    }
    Ok(())
}

/// Quay's key of that advisory lock: the first eight bytes of SHA-256(`retarget_tag:<repository id>`), big-endian.
fn lock_key(repository: RepositoryId) -> i64 {
    let digest = sha2::Sha256::digest(format!("retarget_tag:{repository}"));
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_a_repository_is_quays() {
        assert_eq!(lock_key(RepositoryId(1)), 6_389_721_433_979_953_103);
        assert_eq!(lock_key(RepositoryId(42)), -7_022_194_054_569_095_283);
    }
}
