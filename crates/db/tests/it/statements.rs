//! Every statement is one text that both engines understand.

use pierhead_db::migrate::migrate;
use pierhead_db::queries;
use sqlx::{
    AssertSqlSafe, Connection, Executor as _, PgConnection, SqlSafeStr as _, SqliteConnection,
};

use crate::databases;

#[tokio::test]
async fn every_statement_is_understood_by_postgresql() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    for (module, name, sql) in queries::statements() {
        if name.ends_with("_SQLITE") {
            continue;
        }
        if let Err(error) = conn.prepare(AssertSqlSafe(sql).into_sql_str()).await {
            panic!("{module}::{name}: {error}\n{sql}");
        }
    }
}

#[tokio::test]
async fn every_statement_is_understood_by_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    migrate(&db).await.unwrap();
    let path = folder.path().join("registry.db");
    let mut conn = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    for (module, name, sql) in queries::statements() {
        if name.ends_with("_POSTGRES") {
            continue;
        }
        if let Err(error) = conn.prepare(AssertSqlSafe(sql).into_sql_str()).await {
            panic!("{module}::{name}: {error}\n{sql}");
        }
    }
}
