//! Our SQLite schema has Quay's tables, columns, nullability, indexes and foreign keys.

use std::collections::BTreeSet;

use pierhead_db::enums::Enums;
use pierhead_db::migrate::migrate;
use pierhead_db::schema::OWN_PREFIX;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::{databases, quay_facts};

/// A connection to a migrated database, and the folder that it is in.
async fn migrated() -> (SqliteConnection, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    migrate(&db).await.unwrap();
    Enums::load_with_locations(&db, &["default".to_owned()])
        .await
        .unwrap();
    let conn = SqliteConnectOptions::new()
        .filename(folder.path().join("registry.db"))
        .connect()
        .await
        .unwrap();
    (conn, folder)
}

/// The declared type of a column of Quay's, in SQLite's words.
fn declared(kind: &str) -> String {
    kind.to_uppercase()
}

#[tokio::test]
async fn the_sqlite_tables_and_columns_equal_quays() {
    let (mut conn, _folder) = migrated().await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    let quays: Vec<String> = tables
        .into_iter()
        .filter(|name| !name.starts_with(OWN_PREFIX) && !name.starts_with("sqlite_"))
        .collect();
    let expected = quay_facts::columns();
    assert_eq!(quays, expected.keys().cloned().collect::<Vec<_>>());

    for (table, expected) in expected {
        let columns: Vec<(String, String, bool, Option<String>)> = sqlx::query_as(
            r#"SELECT name, type, "notnull", dflt_value FROM pragma_table_info($1) ORDER BY cid"#,
        )
        .bind(&table)
        .fetch_all(&mut conn)
        .await
        .unwrap();
        assert_eq!(columns.len(), expected.len(), "{table}");
        for ((name, kind, not_null, default), expected) in columns.into_iter().zip(expected) {
            let at = format!("{table}.{name}");
            assert_eq!(name, expected.name, "{at}");
            assert_eq!(not_null, !expected.nullable, "{at}");
            if name == "id" {
                assert_eq!(kind, "INTEGER", "{at}");
                continue;
            }
            assert_eq!(kind, declared(&expected.kind), "{at}");
            if at != "blobupload.created" {
                let sql = expected.default.split("::").next().unwrap();
                assert_eq!(default.unwrap_or_default(), sql, "{at}");
            }
        }
    }
}

#[tokio::test]
async fn the_sqlite_indexes_equal_quays_without_the_two_for_substrings() {
    let (mut conn, _folder) = migrated().await;
    let mut indexes = Vec::new();
    for table in quay_facts::columns().into_keys() {
        let listed: Vec<(String, bool)> =
            sqlx::query_as(r#"SELECT name, "unique" FROM pragma_index_list($1)"#)
                .bind(&table)
                .fetch_all(&mut conn)
                .await
                .unwrap();
        for (name, unique) in listed {
            let columns: Vec<String> =
                sqlx::query_scalar("SELECT name FROM pragma_index_info($1) ORDER BY seqno")
                    .bind(&name)
                    .fetch_all(&mut conn)
                    .await
                    .unwrap();
            let sql: Option<String> =
                sqlx::query_scalar("SELECT sql FROM sqlite_master WHERE name = $1")
                    .bind(&name)
                    .fetch_one(&mut conn)
                    .await
                    .unwrap();
            let condition = match sql.as_deref().and_then(|sql| sql.split_once(" WHERE ")) {
                Some((_, condition)) => format!(" WHERE ({condition})"),
                None => String::new(),
            };
            let kind = if unique { "unique" } else { "index" }.to_owned();
            indexes.push((
                table.clone(),
                kind,
                format!("btree ({}){condition}", columns.join(", ")),
            ));
        }
    }
    indexes.sort();
    let mut expected = quay_facts::indexes();
    // An id is the row's own key and needs no index.
    expected.retain(|(_, _, key)| key != "btree (id)" && !key.starts_with("gin "));
    assert_eq!(indexes, expected);
}

#[tokio::test]
async fn the_sqlite_foreign_keys_equal_quays() {
    let (mut conn, _folder) = migrated().await;
    let mut keys = Vec::new();
    for table in quay_facts::columns().into_keys() {
        let found: Vec<(String, String)> = sqlx::query_as(
            r#"SELECT "from", "table" FROM pragma_foreign_key_list($1) WHERE "to" = 'id'"#,
        )
        .bind(&table)
        .fetch_all(&mut conn)
        .await
        .unwrap();
        keys.extend(
            found
                .into_iter()
                .map(|(column, target)| (table.clone(), column, target)),
        );
    }
    keys.sort();
    assert_eq!(keys, quay_facts::foreign_keys());
}

#[tokio::test]
async fn the_sqlite_enumerations_equal_quays() {
    let (mut conn, _folder) = migrated().await;
    for (table, expected) in quay_facts::enum_names() {
        let names: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(format!("SELECT name FROM {table}")))
                .fetch_all(&mut conn)
                .await
                .unwrap();
        assert_eq!(names.len(), expected.len(), "{table}");
        assert_eq!(
            names.into_iter().collect::<BTreeSet<_>>(),
            expected,
            "{table}"
        );
    }
}

#[tokio::test]
async fn sqlite_never_gives_an_id_twice() {
    let (mut conn, _folder) = migrated().await;
    let insert = "INSERT INTO loginservice (name) VALUES ('corporate') RETURNING id";
    let first: i64 = sqlx::query_scalar(insert)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    sqlx::query("DELETE FROM loginservice WHERE id = $1")
        .bind(first)
        .execute(&mut conn)
        .await
        .unwrap();
    let second: i64 = sqlx::query_scalar(insert)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!((first, second), (9, 10));
}
