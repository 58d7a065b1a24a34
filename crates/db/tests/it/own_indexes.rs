//! Lists in the order of the bytes of names read an index, not the whole table.

use pierhead_db::migrate::migrate;
use pierhead_db::{OWN_INDEXES, OwnIndexState, ensure_own_index, queries};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _};

use crate::databases;

/// How a statement of that module runs on PostgreSQL with these arguments.
async fn plan(conn: &mut PgConnection, module: &str, name: &str, arguments: &[&str]) -> String {
    let (_, _, statement) = queries::statements()
        .into_iter()
        .find(|(in_module, statement, _)| (*in_module, *statement) == (module, name))
        .unwrap();
    let mut explain = format!("EXPLAIN {statement}");
    for (index, argument) in arguments.iter().enumerate() {
        explain = explain.replace(&format!("${}", index + 1), argument);
    }
    let rows = sqlx::query(AssertSqlSafe(explain))
        .fetch_all(conn)
        .await
        .unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

#[tokio::test]
async fn our_indexes_are_built_once_and_used_for_lists() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    for index in OWN_INDEXES {
        let ensure = || ensure_own_index(&db, *index);
        assert_eq!(ensure().await.unwrap(), OwnIndexState::Built, "{index:?}");
        assert_eq!(ensure().await.unwrap(), OwnIndexState::Present, "{index:?}");
    }
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query("SET enable_seqscan = off")
        .execute(&mut conn)
        .await
        .unwrap();
    let arguments = ["1", "1", "'v'", "101"];
    let tags = plan(&mut conn, "tags", "LIST_POSTGRES", &arguments).await;
    assert!(tags.contains("pierhead_tag_name"), "{tags}");
    assert!(!tags.contains("Sort"), "{tags}");
    let page = ["'acme+'", "'acme,'", "10", "1"];
    for (module, name) in [
        ("account_refs", "PEOPLE_POSTGRES"),
        ("account_refs", "ROBOTS_POSTGRES"),
        ("robot_details", "LIST_POSTGRES"),
        ("robot_details", "REPOSITORIES_POSTGRES"),
        ("robot_details", "TEAMS_POSTGRES"),
    ] {
        let robots = plan(&mut conn, module, name, &page).await;
        assert!(
            robots.contains("pierhead_user_username"),
            "{name}: {robots}"
        );
    }
}
