//! Our PostgreSQL schema is Quay's.

use std::collections::{BTreeMap, BTreeSet};

use pierhead_db::enums::Enums;
use pierhead_db::migrate::migrate;
use pierhead_db::schema::OWN_PREFIX;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::databases;
use crate::quay_facts::{self, Column};

async fn migrated() -> PgConnection {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    PgConnection::connect_with(&options).await.unwrap()
}

#[tokio::test]
async fn the_postgresql_schema_equals_quays() {
    let mut conn = migrated().await;

    let mut columns = columns(&mut conn).await;
    let mut expected = quay_facts::columns();
    // Quay's default is the moment of its migration.
    for tables in [&mut columns, &mut expected] {
        let created = tables
            .get_mut("blobupload")
            .unwrap()
            .iter_mut()
            .find(|column| column.name == "created")
            .unwrap();
        assert!(!std::mem::take(&mut created.default).is_empty());
    }
    for (table, expected) in &expected {
        assert_eq!(columns.get(table), Some(expected), "columns of {table}");
    }
    assert_eq!(
        columns.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );

    assert_eq!(indexes(&mut conn).await, quay_facts::indexes());
    assert_eq!(foreign_keys(&mut conn).await, quay_facts::foreign_keys());
}

#[tokio::test]
async fn the_postgresql_enumerations_equal_quays() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    Enums::load_with_locations(&db, &["default".to_owned()])
        .await
        .unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
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
    let mutable: Vec<String> = sqlx::query_scalar("SELECT name FROM labelsourcetype WHERE mutable")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    assert_eq!(mutable, ["api"]);
}

#[tokio::test]
async fn rows_inserted_after_the_migration_get_the_next_enumeration_id() {
    let mut conn = migrated().await;
    let id: i32 =
        sqlx::query_scalar("INSERT INTO loginservice (name) VALUES ('corporate') RETURNING id")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(id, 9);
}

async fn columns(conn: &mut PgConnection) -> BTreeMap<String, Vec<Column>> {
    type Row = (String, String, String, Option<i32>, String, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text, character_maximum_length::int,
                is_nullable::text, column_default::text
         FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for (table, name, kind, length, nullable, default) in rows {
        if table.starts_with(OWN_PREFIX) {
            continue;
        }
        let kind = match (kind.as_str(), length) {
            ("character varying", Some(length)) => format!("varchar({length})"),
            ("timestamp without time zone", _) => "timestamp".to_owned(),
            _ => kind,
        };
        let column = Column {
            name,
            kind,
            nullable: nullable == "YES",
            default: default.unwrap_or_default(),
        };
        tables.entry(table).or_default().push(column);
    }
    tables
}

async fn indexes(conn: &mut PgConnection) -> Vec<(String, String, String)> {
    let rows: Vec<(String, bool, String)> = sqlx::query_as(
        "SELECT t.relname::text, i.indisunique, pg_get_indexdef(i.indexrelid)
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
         WHERE t.relnamespace = 'public'::regnamespace",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    let mut indexes: Vec<_> = rows
        .into_iter()
        .filter(|(table, ..)| !table.starts_with(OWN_PREFIX))
        .map(|(table, unique, definition)| {
            let (_, key) = definition.split_once(" USING ").unwrap();
            (
                table,
                if unique { "unique" } else { "index" }.to_owned(),
                key.to_owned(),
            )
        })
        .collect();
    indexes.sort();
    indexes
}

async fn foreign_keys(conn: &mut PgConnection) -> Vec<(String, String, String)> {
    let mut keys: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT t.relname::text, a.attname::text, r.relname::text
         FROM pg_constraint k
         JOIN pg_class t ON t.oid = k.conrelid
         JOIN pg_class r ON r.oid = k.confrelid
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.conkey[1]
         WHERE k.contype = 'f' AND cardinality(k.conkey) = 1",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    keys.sort();
    keys
}
