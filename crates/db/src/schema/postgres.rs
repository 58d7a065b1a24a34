//! DDL for PostgreSQL 12 and newer.
//!
//! Each text is several statements, meant to be sent as one simple query inside a transaction: a few hundred round
//! trips become one, and a failure leaves nothing behind. `pg_trgm` must be there before.

use std::fmt::Write;

use super::table::{Column, IndexKind, Table, Type, short};
use super::{HEAD_REVISION, enum_rows, own_tables, tables};

/// Everything an empty database needs: tables, enumeration rows, indexes, foreign keys, the revision, our own tables.
pub(crate) fn create_schema() -> String {
    let mut sql = String::new();
    for table in tables() {
        create_table(&mut sql, table, "");
    }
    for rows in enum_rows() {
        sql.push_str(&rows.insert());
        // Explicit ids do not move a sequence.
        let _ = writeln!(
            sql,
            "SELECT setval('{}_id_seq', {});",
            rows.table,
            rows.names.len()
        );
    }
    for table in tables() {
        create_indexes(&mut sql, table);
    }
    // Last, because tables refer to each other in cycles.
    for table in tables() {
        for column in table.columns {
            if let Some(target) = column.references {
                let name = short(format!("fk_{}_{}_{target}", table.name, column.name));
                let _ = writeln!(
                    sql,
                    r#"ALTER TABLE "{}" ADD CONSTRAINT "{name}" FOREIGN KEY ("{}") REFERENCES "{target}" ("id");"#,
                    table.name, column.name
                );
            }
        }
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
    let kind = match column.kind {
        Type::Id => "serial PRIMARY KEY".to_owned(),
        Type::BigId => "bigserial PRIMARY KEY".to_owned(),
        Type::Integer => "integer".to_owned(),
        Type::BigInt => "bigint".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Timestamp => "timestamp without time zone".to_owned(),
        Type::Date => "date".to_owned(),
        Type::Varchar(characters) => format!("varchar({characters})"),
        Type::Text => "text".to_owned(),
    };
    let mut sql = format!(r#""{}" {kind}"#, column.name);
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    if let Some(default) = column.default {
        let _ = write!(sql, " DEFAULT {default}");
    }
    sql
}

fn create_indexes(sql: &mut String, table: &Table) {
    for index in table.all_indexes() {
        let (unique, method, class, condition) = match index.kind {
            IndexKind::Plain => ("", "btree", "", String::new()),
            IndexKind::Unique => ("UNIQUE ", "btree", "", String::new()),
            IndexKind::UniqueWhere(condition) => {
                ("UNIQUE ", "btree", "", format!(" WHERE {condition}"))
            }
            IndexKind::Trigram => ("", "gin", " gin_trgm_ops", String::new()),
        };
        let columns: Vec<String> = index
            .columns
            .iter()
            .map(|name| format!(r#""{name}"{class}"#))
            .collect();
        let _ = writeln!(
            sql,
            r#"CREATE {unique}INDEX "{}" ON "{}" USING {method} ({}){condition};"#,
            table.index_name(&index),
            table.name,
            columns.join(", ")
        );
    }
}
