//! DDL for SQLite.
//!
//! Differences from PostgreSQL that the engine asks for:
//!
//! * ids are `INTEGER PRIMARY KEY AUTOINCREMENT`: like a sequence, an id is never used twice, which caches keyed by
//!   id rely on;
//! * foreign keys are declared in the table (SQLite checks the target only when rows are written, so cycles do not
//!   matter) and are enforced when the connection says `PRAGMA foreign_keys = ON`;
//! * the two trigram indexes are left out: substring search scans.

use std::fmt::Write;

use super::table::{Column, IndexKind, Table, Type};
use super::{HEAD_REVISION, enum_rows, own_tables, tables};

/// Everything an empty database needs: tables, enumeration rows, indexes, the revision, our own tables. One text of
/// many statements, to be run inside one transaction.
pub(crate) fn create_schema() -> String {
    let mut sql = String::new();
    for table in tables() {
        create_table(&mut sql, table, "");
        create_indexes(&mut sql, table);
    }
    for rows in enum_rows() {
        sql.push_str(&rows.insert());
    }
    let _ = writeln!(
        sql,
        "INSERT INTO alembic_version (version_num) VALUES ('{HEAD_REVISION}');"
    );
    sql.push_str(&create_own_tables());
    sql
}

/// Makes those of our own tables that are missing.
pub(crate) fn create_own_tables() -> String {
    let mut sql = String::new();
    for table in own_tables() {
        create_table(&mut sql, table, "IF NOT EXISTS ");
    }
    sql
}

// Writing into a `String` cannot fail, so the results of `writeln!` carry nothing.
fn create_table(sql: &mut String, table: &Table, condition: &str) {
    let mut parts: Vec<String> = table.columns.iter().map(column).collect();
    let primary_key = table.declared_primary_key();
    if !primary_key.is_empty() {
        parts.push(format!(
            r#"PRIMARY KEY ("{}")"#,
            primary_key.join(r#"", ""#)
        ));
    }
    let _ = writeln!(
        sql,
        r#"CREATE TABLE {condition}"{}" ({});"#,
        table.name,
        parts.join(", ")
    );
}

fn column(column: &Column) -> String {
    let mut sql = format!(r#""{}" "#, column.name);
    match column.kind {
        Type::Id | Type::BigId => sql.push_str("INTEGER PRIMARY KEY AUTOINCREMENT"),
        Type::Integer => sql.push_str("INTEGER"),
        Type::BigInt => sql.push_str("BIGINT"),
        Type::Boolean => sql.push_str("BOOLEAN"),
        Type::Timestamp => sql.push_str("TIMESTAMP"),
        Type::Date => sql.push_str("DATE"),
        Type::Varchar(characters) => {
            let _ = write!(sql, "VARCHAR({characters})");
        }
        Type::Text => sql.push_str("TEXT"),
    }
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    if let Some(default) = column.default {
        let _ = write!(sql, " DEFAULT {default}");
    }
    if let Some(target) = column.references {
        let _ = write!(sql, r#" REFERENCES "{target}" ("id")"#);
    }
    sql
}

fn create_indexes(sql: &mut String, table: &Table) {
    for index in table.all_indexes() {
        let (unique, condition) = match index.kind {
            IndexKind::Plain => ("", String::new()),
            IndexKind::Unique => ("UNIQUE ", String::new()),
            IndexKind::UniqueWhere(condition) => ("UNIQUE ", format!(" WHERE {condition}")),
            IndexKind::Trigram => continue,
        };
        let _ = writeln!(
            sql,
            r#"CREATE {unique}INDEX "{}" ON "{}" ("{}"){condition};"#,
            table.index_name(&index),
            table.name,
            index.columns.join(r#"", ""#)
        );
    }
}
