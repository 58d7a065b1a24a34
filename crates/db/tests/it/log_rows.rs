//! The three tables of audit logs read as one log, a page at a time, through indexes.

use chrono::{NaiveDate, NaiveDateTime};
use pierhead_db::migrate::migrate;
use pierhead_db::queries::log_pages::{self, LogPlace, Scope};
use pierhead_db::{Database, RepositoryId, UserId, queries};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use crate::databases;

/// Ann's log: rows of all three tables, several of them at one time; a row of somebody else's log.
const ROWS: &str = "
INSERT INTO \"user\" (id, uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login, \
    enabled) VALUES \
    (1, 'u1', 'ann', 'ann@example.com', true, false, false, false, '2026-01-01 00:00:00', true), \
    (2, 'u2', 'ann+ci', 'r', false, false, true, false, '2026-01-01 00:00:00', true);
INSERT INTO logentry3 (id, kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES \
    (1, 14, 1, 1, 7, '2026-08-01 10:00:00', '10.0.0.1', '{}'), \
    (2, 41, 1, 2, 7, '2026-08-02 10:00:00.500', NULL, '{}'), \
    (3, 41, 1, 2, 7, '2026-08-02 10:00:00.500', NULL, '{}'), \
    (4, 48, 1, 1, NULL, '2026-08-02 11:00:00', NULL, '{}'), \
    (5, 41, 9, 1, 8, '2026-08-02 12:00:00', NULL, '{}');
INSERT INTO logentry2 (id, kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES \
    (2, 41, 1, 1, 7, '2026-08-02 10:00:00.500', NULL, '{}'), \
    (7, 41, 1, 99, 7, '2026-07-01 10:00:00', NULL, '{}');
INSERT INTO logentry (id, kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES \
    (2, 41, 1, 1, 7, '2026-08-02 10:00:00.500', NULL, '{}');
";

const ANN: Scope = Scope::Account {
    account: UserId(1),
    performer: None,
    without: None,
};

fn at(month: u32, day: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, month, day)
        .unwrap()
        .and_hms_opt(0, 0, 0)
        .unwrap()
}

/// Everything between two times, in pages of `limit` rows, as (table, id), with the statements that it cost.
async fn pages(db: &Database, scope: Scope, limit: i64) -> Vec<(i32, i64)> {
    let mut conn = db.read().await.unwrap();
    let mut rows = Vec::new();
    let mut after: Option<LogPlace> = None;
    loop {
        let before = db.statements();
        let page = log_pages::page(&mut conn, scope, at(7, 1), at(8, 3), after, limit)
            .await
            .unwrap();
        assert_eq!(db.statements() - before, 1);
        assert!(page.len() <= limit as usize);
        let Some(last) = page.last() else {
            return rows;
        };
        after = Some(last.place());
        rows.extend(page.iter().map(|row| (row.source, row.id)));
    }
}

async fn exported(db: &Database, repository: Option<RepositoryId>) -> Vec<(i32, i64)> {
    let mut conn = db.read().await.unwrap();
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let ann = UserId(1);
        let page = log_pages::export(&mut conn, ann, repository, at(7, 1), at(8, 3), after, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else {
            return rows;
        };
        after = Some(last.place());
        rows.extend(page.iter().map(|row| (row.source, row.id)));
    }
}

async fn check(db: &Database) {
    let all = vec![(3, 4), (3, 3), (3, 2), (2, 2), (1, 2), (3, 1), (2, 7)];
    for limit in 1..=8 {
        assert_eq!(pages(db, ANN, limit).await, all, "pages of {limit}");
    }
    let backwards = |rows: &[(i32, i64)]| -> Vec<(i32, i64)> {
        let mut rows = rows.to_vec();
        rows.reverse();
        rows
    };
    assert_eq!(exported(db, None).await, backwards(&all));
    assert_eq!(
        exported(db, Some(RepositoryId(7))).await,
        backwards(&all[1..])
    );

    assert_eq!(
        pages(db, Scope::Repository(RepositoryId(7)), 3).await,
        all[1..]
    );
    assert_eq!(pages(db, Scope::All, 3).await[0], (3, 5));
    let by_ci = Scope::Account {
        account: UserId(1),
        performer: Some(UserId(2)),
        without: None,
    };
    assert_eq!(pages(db, by_ci, 3).await, [(3, 3), (3, 2)]);
    let without = Some([48, 48, 48, 48, 48, 14]);
    let some_kinds = Scope::Account {
        account: UserId(1),
        performer: None,
        without,
    };
    assert_eq!(
        pages(db, some_kinds, 2).await,
        [(3, 3), (3, 2), (2, 2), (1, 2), (2, 7)]
    );
    let some_kinds_by_ann = Scope::Account {
        account: UserId(1),
        performer: Some(UserId(1)),
        without,
    };
    assert_eq!(pages(db, some_kinds_by_ann, 2).await, [(2, 2), (1, 2)]);

    let mut conn = db.read().await.unwrap();
    let counts = |counts: Vec<log_pages::LogCount>| -> Vec<(i32, String, i64)> {
        counts
            .into_iter()
            .map(|count| (count.kind, count.day, count.count))
            .collect()
    };
    let of_ann = log_pages::count(&mut conn, ANN, at(8, 1), at(8, 3)).await;
    assert_eq!(
        counts(of_ann.unwrap()),
        [
            (14, "2026-08-01".to_owned(), 1),
            (41, "2026-08-02".to_owned(), 4),
            (48, "2026-08-02".to_owned(), 1),
        ]
    );
    for (scope, total) in [
        (Scope::All, 8),
        (Scope::Repository(RepositoryId(7)), 6),
        (by_ci, 2),
        (some_kinds, 5),
        (some_kinds_by_ann, 2),
    ] {
        let counted = log_pages::count(&mut conn, scope, at(7, 1), at(8, 3)).await;
        let sum: i64 = counted.unwrap().iter().map(|count| count.count).sum();
        assert_eq!(sum, total, "{scope:?}");
    }

    let newest = log_pages::page(&mut conn, Scope::All, at(7, 1), at(8, 3), None, 2)
        .await
        .unwrap();
    let names = |row: &log_pages::LogRow| (row.performer.clone(), row.account.clone());
    assert_eq!(names(&newest[0]), (Some("ann".to_owned()), None));
    assert_eq!(
        names(&newest[1]),
        (Some("ann".to_owned()), Some("ann".to_owned()))
    );
}

#[tokio::test]
async fn sqlite_reads_three_tables_as_one_log() {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    migrate(&db).await.unwrap();
    let path = folder.path().join("registry.db");
    let mut conn = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    sqlx::raw_sql(ROWS).execute(&mut conn).await.unwrap();
    check(&db).await;

    for (name, sql) in statements() {
        let plan = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        for step in plan {
            let step: String = step.get("detail");
            let table = step.strip_prefix("SCAN ").unwrap_or_default();
            assert!(!table.starts_with("logentry"), "{name}: {step}");
        }
    }
}

#[tokio::test]
async fn postgresql_reads_three_tables_as_one_log() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(ROWS).execute(&mut conn).await.unwrap();
    check(&db).await;

    // The tables are nearly empty: without this every plan would read them whole.
    let forced = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(forced).execute(&mut conn).await.unwrap();
    for (number, (name, sql)) in statements().enumerate() {
        let prepare = format!("PREPARE l{number} AS {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare))
            .execute(&mut conn)
            .await
            .unwrap();
        let places = (1..=14)
            .take_while(|n| sql.contains(&format!("${n}")))
            .count();
        let values = vec!["NULL"; places].join(", ");
        let explain = format!("EXPLAIN EXECUTE l{number} ({values})");
        let plan = sqlx::raw_sql(AssertSqlSafe(explain))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        for step in plan {
            let step: String = step.get(0);
            assert!(!step.contains("Seq Scan on logentry"), "{name}: {step}");
        }
    }
}

fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    queries::statements()
        .into_iter()
        .filter(|(module, ..)| *module == "log_pages")
        .map(|(_, name, sql)| (name, sql))
}
