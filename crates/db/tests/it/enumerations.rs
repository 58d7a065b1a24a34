//! Enumerations are read from both engines by the same statement.

use pierhead_db::enums::{EnumTable, Enums, LoginService, Role, Visibility};
use pierhead_db::migrate::{postgres, sqlite};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::postgres_server::empty_database;

fn check(enums: &Enums) {
    assert_eq!(
        (
            enums.id(Role::Admin),
            enums.id(Role::Write),
            enums.id(Role::Read)
        ),
        (1, 2, 3)
    );
    assert_eq!(enums.id(Visibility::Private), 2);
    assert_eq!(enums.id(LoginService::QuayRobot), 2);
    assert_eq!(enums.log_kind("reset_namespace_notification"), Some(146));
    assert_eq!(enums.storage_location("default"), Some(9));
    assert_eq!(enums.storage_location_name(9), Some("default"));
    assert_eq!(
        enums.find(EnumTable::NotificationKind, "assigned_authorization"),
        Some(19)
    );
    assert!(
        enums
            .media_type("application/vnd.oci.image.index.v1+json")
            .is_some()
    );
}

#[tokio::test]
async fn enumerations_are_loaded_from_postgresql() {
    let mut conn = PgConnection::connect_with(&empty_database().await)
        .await
        .unwrap();
    postgres::migrate(&mut conn).await.unwrap();
    postgres::add_storage_locations(&mut conn, &["default"])
        .await
        .unwrap();
    check(&Enums::load_postgres(&mut conn).await.unwrap());
}

#[tokio::test]
async fn enumerations_are_loaded_from_sqlite() {
    let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlite::migrate(&mut conn).await.unwrap();
    sqlite::add_storage_locations(&mut conn, &["default"])
        .await
        .unwrap();
    check(&Enums::load_sqlite(&mut conn).await.unwrap());
}
