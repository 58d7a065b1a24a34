//! Listing tags in the order of their bytes reads an index, not the whole repository.

use pierhead_db::migrate::migrate;
use pierhead_db::{OWN_INDEXES, OwnIndexState, ensure_own_index, queries};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _};

use crate::databases;

#[tokio::test]
async fn the_index_of_tag_names_is_built_once_and_used_for_a_page() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    for index in OWN_INDEXES {
        let ensure = || ensure_own_index(&db, *index);
        assert_eq!(ensure().await.unwrap(), OwnIndexState::Built, "{index:?}");
        assert_eq!(ensure().await.unwrap(), OwnIndexState::Present, "{index:?}");
    }
    let (_, _, list) = queries::statements()
        .into_iter()
        .find(|(module, name, _)| (*module, *name) == ("tags", "LIST_POSTGRES"))
        .unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query("SET enable_seqscan = off")
        .execute(&mut conn)
        .await
        .unwrap();
    let explain = list
        .replace("$1", "1")
        .replace("$2", "1")
        .replace("$3", "'v'")
        .replace("$4", "101");
    let plan: Vec<String> = sqlx::query(AssertSqlSafe(format!("EXPLAIN {explain}")))
        .fetch_all(&mut conn)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let plan = plan.join("\n");
    assert!(plan.contains("pierhead_tag_name"), "{plan}");
    assert!(!plan.contains("Sort"), "{plan}");
}
