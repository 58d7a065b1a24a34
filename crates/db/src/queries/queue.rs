//! `queueitem`: the durable queues that Quay's workers share (database.md §1.7). A queue is a prefix of `queue_name`; whoever
//! changes a row gives it a new `state_id`, and takes it only under the `state_id` that it has read, so that two workers
//! never hold one item.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{
    execute, execute_of, fetch_all_of, fetch_one, fetch_optional, padded, placeholders, statements,
};

/// Items in one statement; a power of two. Bounds its text and its parameters.
const MAX_ROWS: usize = 256;

/// An item to put into a queue.
#[derive(Clone, Debug)]
pub struct NewItem<'a> {
    /// `<queue>/<part>/…/`, made by [`name`].
    pub queue_name: &'a str,
    /// JSON.
    pub body: &'a str,
    /// Not before, in UTC.
    pub available_after: NaiveDateTime,
    /// How often it may be taken.
    pub retries: i32,
    /// A new uuid4.
    pub state_id: &'a str,
}

/// An item that may be taken.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Item {
    /// `queueitem.id`.
    pub id: i32,
    /// JSON.
    pub body: String,
    /// How often it may still be taken, this time included.
    pub retries_remaining: i32,
    /// Changes with every change of the row.
    pub state_id: String,
}

statements! {
    INSERT = "INSERT INTO queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
        VALUES ($1, $2, $3, true, $4, $5) RETURNING id";
    NEXT = r"SELECT id, body, retries_remaining, state_id FROM queueitem
        WHERE queue_name LIKE $1 ESCAPE '\' AND available_after <= $2 AND (available = true OR processing_expires <= $2)
            AND retries_remaining > 0 ORDER BY id LIMIT 1";
    CLAIM = "UPDATE queueitem SET available = false, processing_expires = $3, retries_remaining = retries_remaining - 1,
            state_id = $4
        WHERE id = $1 AND state_id = $2";
    IS_ALIVE = "SELECT EXISTS (SELECT 1 FROM queueitem WHERE queue_name = $1 AND (
            (available_after <= $2 AND (available = true OR processing_expires <= $2) AND retries_remaining > 0)
            OR (available = false AND processing_expires > $2)))";
    EXTEND = "UPDATE queueitem SET processing_expires = $3 WHERE id = $1 AND state_id = $2";
    RELEASE = "UPDATE queueitem SET available = true, available_after = $2, state_id = $3 WHERE id = $1";
    DELETE = "DELETE FROM queueitem WHERE id = $1";
    DELETE_ALL = r"DELETE FROM queueitem WHERE queue_name LIKE $1 ESCAPE '\'";
    COUNT_ALIVE = r"SELECT COUNT(*) FROM queueitem WHERE queue_name LIKE $1 ESCAPE '\' AND retries_remaining > 0";
}

/// `<queue>/<part>/…/`.
pub fn name(queue: &str, parts: &[&str]) -> String {
    let mut name = String::from(queue);
    for part in parts {
        name.push('/');
        name.push_str(part);
    }
    name.push('/');
    name
}

/// Everything that begins with `prefix`, as a pattern for `LIKE … ESCAPE '\'`.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for char in prefix.chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern.push('%');
    pattern
}

/// Puts an item into a queue; returns its id.
pub async fn insert(conn: &mut Conn, item: &NewItem<'_>) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(
        conn,
        INSERT,
        item.queue_name,
        item.body,
        item.available_after,
        item.retries,
        item.state_id,
    )?;
    Ok(id)
}

/// Puts items into queues. Each statement takes a power of two of them, so that few texts are ever prepared.
pub async fn insert_all(conn: &mut Conn, items: &[NewItem<'_>]) -> Result<u64> {
    let mut inserted = 0;
    let mut rest = items;
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(MAX_ROWS.min(1 << rest.len().ilog2()));
        inserted += insert_batch(conn, batch).await?;
        rest = later;
    }
    Ok(inserted)
}

async fn insert_batch(conn: &mut Conn, batch: &[NewItem<'_>]) -> Result<u64> {
    let rows: Vec<String> = (0..batch.len())
        .map(|row| {
            let n = row * 5;
            let (retries, state) = (n + 4, n + 5);
            format!(
                "(${}, ${}, ${}, true, ${retries}, ${state})",
                n + 1,
                n + 2,
                n + 3
            )
        })
        .collect();
    let sql = sqlx::AssertSqlSafe(format!(
        "INSERT INTO queueitem (queue_name, body, available_after, available, retries_remaining, state_id) VALUES {}",
        rows.join(", ")
    ));
    execute_of!(conn, sql, |query| {
        let mut query = query;
        for item in batch {
            query = query
                .bind(item.queue_name)
                .bind(item.body)
                .bind(item.available_after)
                .bind(item.retries)
                .bind(item.state_id);
        }
        query
    })
}

/// The oldest item of a queue (`<queue>/`) that may be taken now.
pub async fn next(conn: &mut Conn, queue: &str, now: NaiveDateTime) -> Result<Option<Item>> {
    fetch_optional!(conn, NEXT, pattern(queue), now)
}

/// Takes an item until `expires`; 0 when somebody else has taken it. Counts as one of its tries.
pub async fn claim(
    conn: &mut Conn,
    item: &Item,
    expires: NaiveDateTime,
    state_id: &str,
) -> Result<u64> {
    execute!(conn, CLAIM, item.id, &item.state_id, expires, state_id)
}

/// Holds an item that was claimed with that `state_id` until `expires`; 0 when it is no longer held.
pub async fn extend(
    conn: &mut Conn,
    id: i32,
    state_id: &str,
    expires: NaiveDateTime,
) -> Result<u64> {
    execute!(conn, EXTEND, id, state_id, expires)
}

/// Gives an item back, to be taken again at `after`.
pub async fn release(
    conn: &mut Conn,
    id: i32,
    after: NaiveDateTime,
    state_id: &str,
) -> Result<u64> {
    execute!(conn, RELEASE, id, after, state_id)
}

/// Removes an item that is done or cancelled; 0 when it is gone.
pub async fn delete(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE, id)
}

/// Whether an item of exactly that name waits to be taken now, or is being worked on.
pub async fn is_alive(conn: &mut Conn, queue_name: &str, now: NaiveDateTime) -> Result<bool> {
    let (alive,): (bool,) = fetch_one!(conn, IS_ALIVE, queue_name, now)?;
    Ok(alive)
}

/// Which of these items are there and may still be taken.
pub async fn with_retries(conn: &mut Conn, ids: &[i32]) -> Result<Vec<i32>> {
    let Some(last) = ids.last() else {
        return Ok(Vec::new());
    };
    let places = placeholders(1, ids.len());
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT id FROM queueitem WHERE retries_remaining > 0 AND id IN {places}"
    ));
    let values = ids
        .iter()
        .chain(std::iter::repeat(last))
        .take(padded(ids.len()));
    let rows: Vec<(i32,)> = fetch_all_of!(conn, sql, [], values)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Removes every item whose name begins so.
pub async fn delete_all(conn: &mut Conn, prefix: &str) -> Result<u64> {
    execute!(conn, DELETE_ALL, pattern(prefix))
}

/// How many items wait or run whose name begins so.
pub async fn count_alive(conn: &mut Conn, prefix: &str) -> Result<i64> {
    let (count,): (i64,) = fetch_one!(conn, COUNT_ALIVE, pattern(prefix))?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_name_ends_with_a_slash() {
        assert_eq!(name("notification", &[]), "notification/");
        assert_eq!(
            name("dockerfilebuild", &["ann", "app"]),
            "dockerfilebuild/ann/app/"
        );
    }

    #[test]
    fn a_name_is_no_pattern() {
        assert_eq!(pattern(r"q/a_b%\/"), r"q/a\_b\%\\/%");
    }
}
