//! Pages of a repository's tags, living and dead, newest first; and which parts of an index a repository holds.
//!
//! A page is walked along Quay's index on `(repository_id, lifetime_start_ms)`: its cost is that of the rows on it and of
//! the rows that are skipped before it, and not of the repository. Callers remember places in the list ([`place`]), and how
//! far they have moved since ([`changes`]), so that few rows are skipped.

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{ManifestId, RepositoryId, TagId};
use crate::statement::{
    fetch_all, fetch_all_of, fetch_one, fetch_optional, padded, placeholders, statements,
};

/// Most values of one `IN` list.
const LIST: usize = 1024;

/// One interval of a tag with what it points to.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TagRow {
    /// `tag.id`.
    pub id: TagId,
    /// Its name.
    pub name: String,
    /// Whether the interval began as a restoration.
    pub reversion: bool,
    /// Whether it may be neither moved nor deleted.
    pub immutable: bool,
    /// Epoch milliseconds.
    pub lifetime_start_ms: i64,
    /// Epoch milliseconds; `None` is forever.
    pub lifetime_end_ms: Option<i64>,
    /// `manifest.id`.
    pub manifest_id: ManifestId,
    /// The manifest's digest as text.
    pub digest: String,
    /// `mediatype.id`.
    pub media_type_id: i32,
    /// Sum of the layers' sizes in bytes; unknown for an index.
    pub layers_compressed_size: Option<i64>,
}

/// Which rows to find, and from where on.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// The repository.
    pub repository: RepositoryId,
    /// Only those that live at this time.
    pub alive_at: Option<i64>,
    /// Only those whose name, in lower case, matches this `LIKE` pattern (`!` escapes).
    pub like: Option<&'w str>,
    /// Only those after this row in the order of the listing.
    pub after: Option<After<'w>>,
    /// How many to leave out.
    pub offset: i64,
    /// Most rows.
    pub limit: i64,
}

/// A row's place in the order of the listing.
#[derive(Clone, Copy, Debug)]
pub struct After<'a> {
    /// Epoch milliseconds.
    pub lifetime_start_ms: i64,
    /// Its name.
    pub name: &'a str,
    /// `tag.id`.
    pub id: TagId,
}

/// A row's place, to be remembered.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Place {
    /// Epoch milliseconds.
    pub lifetime_start_ms: i64,
    /// Its name.
    pub name: Box<str>,
    /// `tag.id`.
    pub id: TagId,
}

impl Place {
    /// To list what comes after it.
    pub fn after(&self) -> After<'_> {
        After {
            lifetime_start_ms: self.lifetime_start_ms,
            name: &self.name,
            id: self.id,
        }
    }
}

/// A row that came into a list or went out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Change {
    /// When the interval began, in epoch milliseconds.
    pub lifetime_start_ms: i64,
    /// Whether it came.
    pub came: bool,
}

/// What to compare a list with.
#[derive(Clone, Copy, Debug)]
pub struct Since<'s> {
    /// The repository.
    pub repository: RepositoryId,
    /// When the newest interval began that was there, in epoch milliseconds.
    pub newest_ms: i64,
    /// For a list of living tags, since when and until when to look for those that ended, in epoch milliseconds.
    pub alive: Option<(i64, i64)>,
    /// Only names that match this `LIKE` pattern in lower case.
    pub like: Option<&'s str>,
    /// Most changes.
    pub limit: i64,
}

/// The text of a manifest.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ManifestText {
    /// `manifest.id`.
    pub id: ManifestId,
    /// The bytes as pushed.
    pub manifest_bytes: String,
}

macro_rules! columns {
    () => {
        "SELECT t.id, t.name, t.reversion, t.immutable, t.lifetime_start_ms, t.lifetime_end_ms, t.manifest_id, m.digest, \
            m.media_type_id, m.layers_compressed_size "
    };
}

/// The rows of a list in its order: `$1` repository, `$2` alive at or null, `$3` pattern or null, `$4` to `$6` start, name and
/// id of the row before.
macro_rules! rows {
    () => {
        "FROM tag WHERE repository_id = $1 AND hidden = false AND manifest_id IS NOT NULL \
            AND (CAST($2 AS BIGINT) IS NULL OR lifetime_end_ms IS NULL OR lifetime_end_ms > $2) \
            AND (CAST($3 AS TEXT) IS NULL OR LOWER(name) LIKE $3 ESCAPE '!') \
            AND lifetime_start_ms <= $4 \
            AND (lifetime_start_ms < $4 OR name > $5 OR (name = $5 AND id > $6)) \
            ORDER BY lifetime_start_ms DESC, name, id "
    };
}

statements! {
    /// See `rows!`; `$7` limit, `$8` offset.
    PAGE = concat!(columns!(), "FROM (SELECT id ", rows!(), "LIMIT $7 OFFSET $8) page \
        JOIN tag t ON t.id = page.id JOIN manifest m ON m.id = t.manifest_id \
        ORDER BY t.lifetime_start_ms DESC, t.name, t.id");
    /// See `rows!`; `$7` offset.
    PLACE = concat!("SELECT lifetime_start_ms, name, id ", rows!(), "LIMIT 1 OFFSET $7");
    /// `$1` repository, `$2` newest start, `$3` alive at or null, `$4` ended after or null, `$5` pattern or null, `$6` limit.
    CHANGES = "SELECT lifetime_start_ms, true AS came FROM tag \
            WHERE repository_id = $1 AND lifetime_start_ms > $2 AND hidden = false AND manifest_id IS NOT NULL \
              AND (CAST($3 AS BIGINT) IS NULL OR lifetime_end_ms IS NULL OR lifetime_end_ms > $3) \
              AND (CAST($5 AS TEXT) IS NULL OR LOWER(name) LIKE $5 ESCAPE '!') \
        UNION ALL SELECT lifetime_start_ms, false FROM tag \
            WHERE repository_id = $1 AND lifetime_end_ms > CAST($4 AS BIGINT) AND lifetime_end_ms <= $3 \
              AND lifetime_start_ms <= $2 AND hidden = false AND manifest_id IS NOT NULL \
              AND (CAST($5 AS TEXT) IS NULL OR LOWER(name) LIKE $5 ESCAPE '!') \
        LIMIT $6";
    /// The history of one name: `$1` repository, `$2` name, `$3` alive at or null, `$4` limit, `$5` offset. The order is not
    /// that of an index on purpose: the index by name is the one to use.
    PAGE_OF_NAME = concat!(columns!(), "FROM tag t JOIN manifest m ON m.id = t.manifest_id \
        WHERE t.repository_id = $1 AND t.name = $2 AND t.hidden = false \
          AND (CAST($3 AS BIGINT) IS NULL OR t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > $3) \
        ORDER BY t.lifetime_start_ms + 0 DESC, t.id LIMIT $4 OFFSET $5");
    NEWEST_START = "SELECT COALESCE(MAX(lifetime_start_ms), 0) FROM tag WHERE repository_id = $1";
}

/// Before the first row.
const BEGINNING: After<'static> = After {
    lifetime_start_ms: i64::MAX,
    name: "",
    id: TagId(0),
};

/// Rows in the order of the listing: newest first, then by name.
pub async fn page(conn: &mut Conn, wanted: &Wanted<'_>) -> Result<Vec<TagRow>> {
    let after = wanted.after.unwrap_or(BEGINNING);
    fetch_all!(
        conn,
        PAGE,
        wanted.repository,
        wanted.alive_at,
        wanted.like,
        after.lifetime_start_ms,
        after.name,
        after.id,
        wanted.limit,
        wanted.offset
    )
}

/// The row behind `wanted.offset` others, if there are so many; `wanted.limit` does not matter.
pub async fn place(conn: &mut Conn, wanted: &Wanted<'_>) -> Result<Option<Place>> {
    let after = wanted.after.unwrap_or(BEGINNING);
    fetch_optional!(
        conn,
        PLACE,
        wanted.repository,
        wanted.alive_at,
        wanted.like,
        after.lifetime_start_ms,
        after.name,
        after.id,
        wanted.offset
    )
}

/// What came into a list and went out of it. Costs as much as there is of it.
pub async fn changes(conn: &mut Conn, since: &Since<'_>) -> Result<Vec<Change>> {
    fetch_all!(
        conn,
        CHANGES,
        since.repository,
        since.newest_ms,
        since.alive.map(|(_, now_ms)| now_ms),
        since.alive.map(|(since_ms, _)| since_ms),
        since.like,
        since.limit
    )
}

/// Rows of one name, newest first.
pub async fn page_of_name(
    conn: &mut Conn,
    repository: RepositoryId,
    name: &str,
    alive_at: Option<i64>,
    limit: i64,
    offset: i64,
) -> Result<Vec<TagRow>> {
    fetch_all!(
        conn,
        PAGE_OF_NAME,
        repository,
        name,
        alive_at,
        limit,
        offset
    )
}

/// When the newest interval of any tag of the repository began: epoch milliseconds, 0 if there is none.
pub async fn newest_start(conn: &mut Conn, repository: RepositoryId) -> Result<i64> {
    let (start,) = fetch_one!(conn, NEWEST_START, repository)?;
    Ok(start)
}

/// The texts of manifests.
pub async fn texts(conn: &mut Conn, manifests: &[ManifestId]) -> Result<Vec<ManifestText>> {
    let mut texts = Vec::with_capacity(manifests.len());
    for part in manifests.chunks(LIST) {
        let Some(last) = part.last() else { continue };
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT id, manifest_bytes FROM manifest WHERE id IN {}",
            placeholders(1, part.len())
        ));
        let filler = std::iter::repeat_n(last, padded(part.len()) - part.len());
        let rows: Vec<ManifestText> = fetch_all_of!(conn, sql, [], part.iter().chain(filler))?;
        texts.extend(rows);
    }
    Ok(texts)
}

/// Those of the digests whose manifests the repository holds with their text.
pub async fn present(
    conn: &mut Conn,
    repository: RepositoryId,
    digests: &[String],
) -> Result<Vec<String>> {
    let mut present = Vec::with_capacity(digests.len());
    for part in digests.chunks(LIST) {
        let Some(last) = part.last() else { continue };
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT digest FROM manifest WHERE repository_id = $1 AND manifest_bytes <> '' AND digest IN {}",
            placeholders(2, part.len())
        ));
        let filler = std::iter::repeat_n(last, padded(part.len()) - part.len());
        let rows: Vec<(String,)> =
            fetch_all_of!(conn, sql, [repository], part.iter().chain(filler))?;
        present.extend(rows.into_iter().map(|(digest,)| digest));
    }
    Ok(present)
}
