//! `logentry3`: the audit log.
//!
//! Each pull writes a row, so that what a row costs here is paid on the hottest path: texts are shared and not copied, and
//! rows go in by the hundred. PostgreSQL takes a column of any length in one parameter, so one statement does for every
//! number of rows; SQLite takes a parameter for each value, and statements of few sizes that stay prepared.

use std::sync::{Arc, LazyLock};

use chrono::{Datelike as _, NaiveDateTime, Timelike as _};
use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;

use crate::conn::{Conn, EngineConn};
use crate::error::{Error, Result};
use crate::statement::{fetch_one, statements};

/// Rows in one statement.
///
/// Bounds its text and its parameters (SQLite allows 32766 of them).
pub const MAX_ROWS: usize = 256;

/// Parameters of a row.
const COLUMNS: usize = 7;

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
    pub ip: Option<Arc<str>>,
    /// A JSON object.
    pub metadata_json: Arc<str>,
}

/// What a row about a repository name belongs to, as far as it exists.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Place {
    /// `user.id` of the namespace.
    pub namespace: Option<i32>,
    /// `repository.id`.
    pub repository: Option<i32>,
    /// The smallest `user.id`: whose log has what belongs to no namespace.
    pub first_account: Option<i32>,
}

statements! {
    FIND_PLACE = "SELECT n.id AS namespace, r.id AS repository, (SELECT MIN(id) FROM \"user\") AS first_account \
        FROM (SELECT 1 AS one) b \
        LEFT JOIN \"user\" n ON n.username = $1 AND n.robot = false \
        LEFT JOIN repository r ON r.namespace_user_id = n.id AND r.name = $2";
    INSERT_POSTGRES = "INSERT INTO logentry3 \
        (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) \
        SELECT * FROM UNNEST($1::integer[], $2::integer[], $3::integer[], $4::integer[], $5::timestamp[], $6::text[], $7::text[])";
}

/// Where a row about a repository name belongs.
pub async fn find_place(conn: &mut Conn, namespace: &str, repository: &str) -> Result<Place> {
    fetch_one!(conn, FIND_PLACE, namespace, repository)
}

/// The texts for SQLite, of 1, 2, 4 … [`MAX_ROWS`] rows.
static INSERT_SQLITE: LazyLock<Vec<String>> = LazyLock::new(|| {
    (0..=MAX_ROWS.ilog2())
        .map(|power| {
            // SQLite searches the list of all names for each numbered parameter; these have none.
            let rows = vec!["(?, ?, ?, ?, ?, ?, ?)"; 1 << power].join(", ");
            format!(
                "INSERT INTO logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES {rows}"
            )
        })
        .collect()
});

/// Adds rows, at most [`MAX_ROWS`] in each statement.
pub async fn insert(conn: &mut Conn, entries: &[LogEntry]) -> Result<u64> {
    let mut inserted = 0;
    let mut rest = entries;
    while !rest.is_empty() {
        let rows = if conn.is_postgres() {
            MAX_ROWS.min(rest.len())
        } else {
            MAX_ROWS.min(1 << rest.len().ilog2())
        };
        let (batch, later) = rest.split_at(rows);
        inserted += insert_batch(conn, batch).await?;
        rest = later;
    }
    Ok(inserted)
}

async fn insert_batch(conn: &mut Conn, batch: &[LogEntry]) -> Result<u64> {
    let prepares = conn.prepares();
    match conn.statement() {
        EngineConn::Postgres(conn) => sqlx::query::<sqlx::Postgres>(INSERT_POSTGRES)
            .persistent(prepares)
            .bind(column(batch, |entry| entry.kind))
            .bind(column(batch, |entry| entry.account))
            .bind(column(batch, |entry| entry.performer))
            .bind(column(batch, |entry| entry.repository))
            .bind(column(batch, |entry| entry.datetime))
            .bind(column(batch, |entry| entry.ip.as_deref()))
            .bind(column(batch, |entry| &*entry.metadata_json))
            .execute(conn)
            .await
            .map(|done| done.rows_affected()),
        EngineConn::Sqlite(conn) => {
            let sql: &'static str = &INSERT_SQLITE[batch.len().ilog2() as usize];
            let values = values(batch).map_err(sqlx::Error::Encode)?;
            sqlx::query_with(sql, values)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        }
    }
    .map_err(Error::from)
}

/// One column of a batch.
fn column<'e, T>(batch: &'e [LogEntry], value: impl Fn(&'e LogEntry) -> T) -> Vec<T> {
    batch.iter().map(value).collect()
}

/// The parameters of a batch. Rows that were recorded in the same millisecond share the text of their time.
fn values(batch: &[LogEntry]) -> Result<SqliteArguments, BoxDynError> {
    let mut values = SqliteArguments::default();
    values.reserve(batch.len() * COLUMNS, 0);
    let mut last: Option<(NaiveDateTime, Arc<str>)> = None;
    for entry in batch {
        let datetime = match &last {
            Some((datetime, text)) if *datetime == entry.datetime => text.clone(),
            _ => {
                let text = sqlite_text(entry.datetime);
                last = Some((entry.datetime, text.clone()));
                text
            }
        };
        values.add(entry.kind)?;
        values.add(entry.account)?;
        values.add(entry.performer)?;
        values.add(entry.repository)?;
        values.add(datetime)?;
        values.add(entry.ip.clone())?;
        values.add(entry.metadata_json.clone())?;
    }
    Ok(values)
}

/// A timestamp as the SQLite driver writes it, without the formatting engine.
fn sqlite_text(datetime: NaiveDateTime) -> Arc<str> {
    let millis = datetime.nanosecond() / 1_000_000;
    if !(0..=9999).contains(&datetime.year()) || millis * 1_000_000 != datetime.nanosecond() {
        return datetime.format("%F %T%.f").to_string().into();
    }
    let mut text = *b"0000-00-00 00:00:00.000";
    let mut put = |at: usize, digits: usize, mut value: u32| {
        for place in text[at..at + digits].iter_mut().rev() {
            *place = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(0, 4, datetime.year().unsigned_abs());
    put(5, 2, datetime.month());
    put(8, 2, datetime.day());
    put(11, 2, datetime.hour());
    put(14, 2, datetime.minute());
    put(17, 2, datetime.second());
    put(20, 3, millis);
    let length = if millis == 0 { 19 } else { 23 };
    // Digits and separators.
    std::str::from_utf8(&text[..length])
        .unwrap_or_default()
        .into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_timestamp_is_written_as_the_driver_writes_it() {
        for (seconds, nanos) in [
            (0, 0),
            (1_795_630_870, 0),
            (1_795_630_870, 7_000_000),
            (1_795_630_870, 120_000_000),
            (1_795_630_870, 123_456_000),
            (951_782_399, 999_000_000),
            (-70_000_000_000, 5_000_000),
            (400_000_000_000, 0),
        ] {
            let datetime = DateTime::from_timestamp(seconds, nanos)
                .unwrap()
                .naive_utc();
            let expected = datetime.format("%F %T%.f").to_string();
            assert_eq!(&*sqlite_text(datetime), expected);
        }
    }
}
