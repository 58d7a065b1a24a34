//! What the management API changes about tags beside moving and ending them.

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{ManifestId, RepositoryId, TagId};
use crate::statement::{execute, fetch_all, fetch_one, statements};

/// Dead intervals of a tag that can still be restored.
#[derive(Clone, Copy, Debug)]
pub struct Restorable<'a> {
    /// The repository.
    pub repository: RepositoryId,
    /// The tag's name.
    pub name: &'a str,
    /// What they point to.
    pub manifest: ManifestId,
    /// They ended before now, in epoch milliseconds,
    pub now_ms: i64,
    /// and after the beginning of the time machine's window.
    pub window_start_ms: i64,
    /// Those that may be neither moved nor deleted are left out.
    pub only_mutable: bool,
}

/// A tag that belongs to a manifest by its name, as cosign makes them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sibling {
    /// `tag.id`.
    pub id: TagId,
    /// Its name.
    pub name: String,
    /// Epoch milliseconds.
    pub lifetime_start_ms: i64,
}

statements! {
    /// `$1` tag, `$2` new end, `$3` the end as it was read.
    SET_END = "UPDATE tag SET lifetime_end_ms = $2 \
        WHERE id = $1 AND COALESCE(lifetime_end_ms, -1) = COALESCE(CAST($3 AS BIGINT), -1)";
    MOVE_END = "UPDATE tag SET lifetime_end_ms = $2 WHERE id = $1";
    SET_IMMUTABLE = "UPDATE tag SET immutable = $2 WHERE id = $1";
    WINDOW = "SELECT n.removed_tag_expiration_s FROM repository r JOIN \"user\" n ON n.id = r.namespace_user_id \
        WHERE r.id = $1";
    /// `$1` repository, `$2` name, `$3` manifest, `$4` now, `$5` the beginning of the time machine's window, `$6` whether only
    /// mutable ones count, `$7` the end of the first of them; each other one ends a millisecond before the one before it.
    MOVE_ENDS = "UPDATE tag SET lifetime_end_ms = moved.end_ms FROM ( \
          SELECT id AS moved_id, CAST($7 AS BIGINT) + 1 - ROW_NUMBER() OVER (ORDER BY id) AS end_ms FROM tag \
          WHERE repository_id = $1 AND name = $2 AND manifest_id = $3 AND lifetime_end_ms <= $4 AND lifetime_end_ms > $5 \
            AND (immutable = false OR $6 = false) \
        ) AS moved WHERE tag.id = moved.moved_id";
    EARLIEST_END = "SELECT COALESCE(MIN(lifetime_end_ms), 9223372036854775807) FROM tag \
        WHERE repository_id = $1 AND name = $2";
    /// `$1` repository, `$2` to `$4` names, `$5` now, `$6` manifest, `$7` the tag that ends. None if another visible tag that
    /// is no signature keeps the manifest.
    SIBLINGS = "SELECT id, name, lifetime_start_ms FROM tag \
        WHERE repository_id = $1 AND name IN ($2, $3, $4) AND immutable = false \
          AND (lifetime_end_ms IS NULL OR lifetime_end_ms > $5) \
          AND NOT EXISTS (SELECT 1 FROM tag o WHERE o.manifest_id = $6 AND o.id <> $7 AND o.hidden = false \
            AND (o.lifetime_end_ms IS NULL OR o.lifetime_end_ms > $5) \
            AND NOT (LENGTH(o.name) IN (75, 76) AND SUBSTR(o.name, 1, 7) = 'sha256-' \
              AND SUBSTR(o.name, 72) IN ('.sig', '.att', '.sbom')))";
    /// `$1` repository, `$2` index, `$3` end.
    END_CHILDREN = "UPDATE tag SET lifetime_end_ms = $3 \
        WHERE repository_id = $1 AND hidden = true AND SUBSTR(name, 1, 6) = '$temp-' AND lifetime_end_ms > $3 \
          AND manifest_id IN (SELECT child_manifest_id FROM manifestchild WHERE manifest_id = $2)";
}

/// Sets the end of an interval, if it still is what the caller read; 0 if somebody changed it meanwhile.
pub async fn set_end(
    conn: &mut Conn,
    tag: TagId,
    end_ms: Option<i64>,
    was_ms: Option<i64>,
) -> Result<u64> {
    execute!(conn, SET_END, tag, end_ms, was_ms)
}

/// Sets the end of an interval, whatever it was.
pub async fn move_end(conn: &mut Conn, tag: TagId, end_ms: i64) -> Result<u64> {
    execute!(conn, MOVE_END, tag, end_ms)
}

/// Sets whether a tag may be moved and deleted.
pub async fn set_immutable(conn: &mut Conn, tag: TagId, immutable: bool) -> Result<u64> {
    execute!(conn, SET_IMMUTABLE, tag, immutable)
}

/// How long dead tags of the repository can be restored, in seconds.
pub async fn time_machine_window(conn: &mut Conn, repository: RepositoryId) -> Result<i64> {
    // `bigint` in the schema.
    let (seconds,) = fetch_one!(conn, WINDOW, repository)?;
    Ok(seconds)
}

/// Moves the ends of dead intervals to `end_ms` and the milliseconds before it; returns how many there were. No two intervals
/// of a name may end together, so `end_ms` must be before every other end.
pub async fn move_ends(conn: &mut Conn, dead: &Restorable<'_>, end_ms: i64) -> Result<u64> {
    execute!(
        conn,
        MOVE_ENDS,
        dead.repository,
        dead.name,
        dead.manifest,
        dead.now_ms,
        dead.window_start_ms,
        dead.only_mutable,
        end_ms,
    )
}

/// The earliest end of any interval of a tag; `i64::MAX` if none has ended. No two intervals of a name may end together.
pub async fn earliest_end(conn: &mut Conn, repository: RepositoryId, name: &str) -> Result<i64> {
    let (end,) = fetch_one!(conn, EARLIEST_END, repository, name)?;
    Ok(end)
}

/// Living, mutable tags of these names, unless a visible tag beside `ending` keeps the manifest.
pub async fn siblings(
    conn: &mut Conn,
    repository: RepositoryId,
    names: &[String; 3],
    now_ms: i64,
    manifest: ManifestId,
    ending: TagId,
) -> Result<Vec<Sibling>> {
    let [first, second, third] = names;
    fetch_all!(
        conn, SIBLINGS, repository, first, second, third, now_ms, manifest, ending
    )
}

/// Ends the temporary tags of an index's children.
pub async fn end_children(
    conn: &mut Conn,
    repository: RepositoryId,
    index: ManifestId,
    end_ms: i64,
) -> Result<u64> {
    execute!(conn, END_CHILDREN, repository, index, end_ms)
}
