//! The statements that decide about access reach their tables through indexes on both engines.

use pierhead_db::migrate::migrate;
use pierhead_db::queries;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use crate::databases;

/// Tables of which each request that decides about access may read every row: one row for each proxy cache.
const SMALL: &[&str] = &["proxycacheconfig"];

/// The statements that decide about access.
fn access_statements() -> impl Iterator<Item = (String, &'static str)> {
    queries::statements()
        .into_iter()
        .filter(|(module, ..)| matches!(*module, "permissions" | "principals"))
        .map(|(module, name, sql)| (format!("{module}::{name}"), sql))
}

#[tokio::test]
async fn sqlite_decides_about_access_through_indexes() {
    let folder = tempfile::tempdir().unwrap();
    migrate(&databases::sqlite(folder.path()).await)
        .await
        .unwrap();
    let mut conn = sqlite(folder.path()).await;
    for (name, sql) in access_statements() {
        let plan = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        for step in plan {
            let step: String = step.get("detail");
            // `b` is the row of constants that everything is joined to, `p` is `proxycacheconfig`.
            let scanned = step
                .strip_prefix("SCAN ")
                .and_then(|rest| rest.split(' ').next());
            let harmless = matches!(scanned, None | Some("CONSTANT" | "b" | "p"));
            assert!(harmless, "{name}: {step}");
        }
    }
}

#[tokio::test]
async fn postgresql_decides_about_access_through_indexes() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    // The tables are empty: without this every plan would read them whole.
    let forced = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(forced).execute(&mut conn).await.unwrap();
    for (number, (name, sql)) in access_statements().enumerate() {
        let prepare = format!("PREPARE s{number} AS {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare))
            .execute(&mut conn)
            .await
            .unwrap();
        let places = (1..=20)
            .take_while(|n| sql.contains(&format!("${n}")))
            .count();
        let values = vec!["NULL"; places].join(", ");
        let explain = format!("EXPLAIN EXECUTE s{number} ({values})");
        let plan = sqlx::raw_sql(AssertSqlSafe(explain))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        for step in plan {
            let step: String = step.get(0);
            let harmless = SMALL
                .iter()
                .any(|table| step.contains(&format!(" on {table} ")));
            assert!(!step.contains("Seq Scan") || harmless, "{name}: {step}");
        }
    }
}

async fn sqlite(folder: &std::path::Path) -> SqliteConnection {
    let path = folder.join("registry.db");
    SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap()
}
