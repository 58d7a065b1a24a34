//! Tests of the database room against real engines: SQLite in temporary files, PostgreSQL 15 started here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access_plans;
mod access_rows;
mod databases;
mod encrypted_columns;
mod enumerations;
mod list_plans;
mod log_entries;
mod log_rows;
mod migration_postgres;
mod migration_sqlite;
mod name_plans;
mod own_indexes;
mod plans;
mod postgres_server;
mod quay_facts;
mod queue_rows;
mod schema_postgres;
mod schema_sqlite;
mod search_rows;
mod statements;
mod writer;
