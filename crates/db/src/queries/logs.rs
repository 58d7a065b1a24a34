//! `logentry3`: the audit log.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::execute_of;

/// Rows in one statement; a power of two.
///
/// Bounds its text and its parameters (SQLite allows 32766 of them, PostgreSQL 65535).
pub const MAX_ROWS: usize = 256;

/// A row of the audit log.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// `logentrykind.id`.
    pub kind: i32,
    /// `user.id` of the namespace it is about.
    pub account: i32,
    /// `user.id` of who did it; `None` for anonymous.
    pub performer: Option<i32>,
    /// `repository.id`.
    pub repository: Option<i32>,
    /// When, in UTC.
    pub datetime: NaiveDateTime,
    /// Address of the client.
    pub ip: Option<String>,
    /// A JSON object.
    pub metadata_json: String,
}

/// Adds rows. Each statement takes a power of two of them, at most [`MAX_ROWS`], so that few texts are ever prepared.
pub async fn insert(conn: &mut Conn, entries: &[LogEntry]) -> Result<u64> {
    let mut inserted = 0;
    let mut rest = entries;
    while !rest.is_empty() {
        let rows = MAX_ROWS.min(1 << rest.len().ilog2());
        let (batch, later) = rest.split_at(rows);
        let sql = sqlx::AssertSqlSafe(insert_text(rows, conn.is_postgres()));
        inserted += insert_batch(conn, sql, batch).await?;
        rest = later;
    }
    Ok(inserted)
}

fn insert_text(rows: usize, postgres: bool) -> String {
    use std::fmt::Write as _;
    let mut sql = String::from(
        "INSERT INTO logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES ",
    );
    for row in 0..rows {
        let separator = if row == 0 { "" } else { ", " };
        if postgres {
            let n = row * 7;
            // Writing to a string cannot fail.
            let _ = write!(
                sql,
                "{separator}(${}, ${}, ${}, ${}, ${}, ${}, ${})",
                n + 1,
                n + 2,
                n + 3,
                n + 4,
                n + 5,
                n + 6,
                n + 7
            );
        } else {
            // SQLite searches the list of all names for each numbered parameter; these have none.
            let _ = write!(sql, "{separator}(?, ?, ?, ?, ?, ?, ?)");
        }
    }
    sql
}

async fn insert_batch(
    conn: &mut Conn,
    sql: sqlx::AssertSqlSafe<String>,
    batch: &[LogEntry],
) -> Result<u64> {
    execute_of!(conn, sql, |query| {
        let mut query = query;
        for entry in batch {
            query = query
                .bind(entry.kind)
                .bind(entry.account)
                .bind(entry.performer)
                .bind(entry.repository)
                .bind(entry.datetime)
                .bind(&entry.ip)
                .bind(&entry.metadata_json);
        }
        query
    })
}
