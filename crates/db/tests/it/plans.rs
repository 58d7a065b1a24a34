//! How the engines would read the rows that a statement asks for, among many others.

use std::path::Path;

use pierhead_db::migrate::migrate;
use pierhead_db::{OWN_INDEXES, ensure_own_index};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use crate::databases;

/// A PostgreSQL database with every index, these rows, and statistics about them.
pub(crate) async fn postgres(rows: &[String]) -> PgConnection {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    for index in OWN_INDEXES {
        ensure_own_index(&db, *index).await.unwrap();
    }
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    for sql in rows
        .iter()
        .map(String::as_str)
        .chain(["SET default_statistics_target = 1000", "ANALYZE"])
    {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    }
    conn
}

/// An empty SQLite database: its plans do not depend on the rows.
pub(crate) async fn sqlite(folder: &Path) -> SqliteConnection {
    migrate(&databases::sqlite(folder).await).await.unwrap();
    let path = folder.join("registry.db");
    SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap()
}

/// The statement with its values in the text.
pub(crate) fn filled(sql: &str, values: &[&str]) -> String {
    let mut sql = sql.to_owned();
    // From the last on, so that `$1` is not taken for the beginning of `$10`.
    for (number, value) in values.iter().enumerate().rev() {
        sql = sql.replace(&format!("${}", number + 1), value);
    }
    sql
}

/// What PostgreSQL did, step by step, with how many rows.
pub(crate) async fn of_postgres(conn: &mut PgConnection, sql: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) {sql}"));
    let rows = sqlx::raw_sql(explain).fetch_all(conn).await.unwrap();
    let steps: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    steps.join("\n")
}

/// What SQLite would do, step by step.
pub(crate) async fn of_sqlite(conn: &mut SqliteConnection, sql: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::raw_sql(explain).fetch_all(conn).await.unwrap();
    let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    steps.join("\n")
}

/// Rows that a step of PostgreSQL's plan gave.
pub(crate) fn rows_given(step: &str) -> usize {
    number_after(step, "(actual rows=")
}

/// Rows that a step of PostgreSQL's plan read for nothing.
pub(crate) fn rows_left_out(step: &str) -> usize {
    number_after(step, "Rows Removed by Filter: ")
}

fn number_after(step: &str, text: &str) -> usize {
    step.split_once(text)
        .and_then(|(_, rest)| rest.split([' ', ')']).next())
        .map_or(0, |number| number.parse::<f64>().unwrap() as usize)
}
