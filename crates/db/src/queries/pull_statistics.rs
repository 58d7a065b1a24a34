//! `tagpullstatistics` and `manifestpullstatistics`: how often, and when last, a tag or a manifest was pulled.
//!
//! Counts are added to what is there, so that several instances (and Quay's own worker) may write. A repository that is gone
//! by now gets no row.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::RepositoryId;
use crate::statement::{execute, fetch_optional, statements};

/// Pulls of something since they were last written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulls {
    /// How many.
    pub count: i64,
    /// When last, in UTC, in whole seconds as Quay has it.
    pub last: NaiveDateTime,
}

/// What is known of the pulls of a tag or manifest.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KnownPulls {
    /// How many.
    pub count: i64,
    /// The last one, in UTC.
    pub last: NaiveDateTime,
    /// For a tag, what it pointed to then.
    pub digest: Option<String>,
}

/// The statement for a tag. PostgreSQL takes the type of a selected parameter from a cast; SQLite has no such type.
macro_rules! add_tag {
    ($count:literal, $last:literal) => {
        concat!(
            "INSERT INTO tagpullstatistics \
                (repository_id, tag_name, tag_pull_count, last_tag_pull_date, current_manifest_digest) \
             SELECT id, $2, ",
            $count,
            ", ",
            $last,
            ", $5 FROM repository WHERE id = $1 \
             ON CONFLICT (repository_id, tag_name) DO UPDATE SET \
               tag_pull_count = tagpullstatistics.tag_pull_count + excluded.tag_pull_count, \
               current_manifest_digest = CASE WHEN excluded.last_tag_pull_date >= tagpullstatistics.last_tag_pull_date \
                 THEN excluded.current_manifest_digest ELSE tagpullstatistics.current_manifest_digest END, \
               last_tag_pull_date = CASE WHEN excluded.last_tag_pull_date >= tagpullstatistics.last_tag_pull_date \
                 THEN excluded.last_tag_pull_date ELSE tagpullstatistics.last_tag_pull_date END"
        )
    };
}

/// The statement for a manifest.
macro_rules! add_manifest {
    ($count:literal, $last:literal) => {
        concat!(
            "INSERT INTO manifestpullstatistics \
                (repository_id, manifest_digest, manifest_pull_count, last_manifest_pull_date) \
             SELECT id, $2, ",
            $count,
            ", ",
            $last,
            " FROM repository WHERE id = $1 \
             ON CONFLICT (repository_id, manifest_digest) DO UPDATE SET \
               manifest_pull_count = manifestpullstatistics.manifest_pull_count + excluded.manifest_pull_count, \
               last_manifest_pull_date = CASE \
                 WHEN excluded.last_manifest_pull_date >= manifestpullstatistics.last_manifest_pull_date \
                 THEN excluded.last_manifest_pull_date ELSE manifestpullstatistics.last_manifest_pull_date END"
        )
    };
}

statements! {
    OF_TAG = "SELECT tag_pull_count AS count, last_tag_pull_date AS last, current_manifest_digest AS digest \
        FROM tagpullstatistics WHERE repository_id = $1 AND tag_name = $2";
    OF_MANIFEST = "SELECT manifest_pull_count AS count, last_manifest_pull_date AS last, manifest_digest AS digest \
        FROM manifestpullstatistics WHERE repository_id = $1 AND manifest_digest = $2";
    ADD_TAG_POSTGRES = add_tag!("CAST($3 AS BIGINT)", "CAST($4 AS TIMESTAMP)");
    ADD_TAG_SQLITE = add_tag!("$3", "$4");
    ADD_MANIFEST_POSTGRES = add_manifest!("CAST($3 AS BIGINT)", "CAST($4 AS TIMESTAMP)");
    ADD_MANIFEST_SQLITE = add_manifest!("$3", "$4");
}

/// Adds pulls of a tag, the last of which was of the manifest with `digest`.
pub async fn add_tag(
    conn: &mut Conn,
    repository: RepositoryId,
    tag: &str,
    pulls: Pulls,
    digest: &str,
) -> Result<u64> {
    let sql = if conn.is_postgres() {
        ADD_TAG_POSTGRES
    } else {
        ADD_TAG_SQLITE
    };
    execute!(conn, sql, repository, tag, pulls.count, pulls.last, digest)
}

/// Adds pulls of a manifest, by whatever name.
pub async fn add_manifest(
    conn: &mut Conn,
    repository: RepositoryId,
    digest: &str,
    pulls: Pulls,
) -> Result<u64> {
    let sql = if conn.is_postgres() {
        ADD_MANIFEST_POSTGRES
    } else {
        ADD_MANIFEST_SQLITE
    };
    execute!(conn, sql, repository, digest, pulls.count, pulls.last)
}

/// Pulls of a tag name.
pub async fn of_tag(
    conn: &mut Conn,
    repository: RepositoryId,
    name: &str,
) -> Result<Option<KnownPulls>> {
    fetch_optional!(conn, OF_TAG, repository, name)
}

/// Pulls of a digest.
pub async fn of_manifest(
    conn: &mut Conn,
    repository: RepositoryId,
    digest: &str,
) -> Result<Option<KnownPulls>> {
    fetch_optional!(conn, OF_MANIFEST, repository, digest)
}
