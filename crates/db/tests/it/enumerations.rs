//! Enumerations are read from both engines by the same statement.

use std::collections::BTreeSet;

use pierhead_db::Database;
use pierhead_db::enums::{EnumTable, Enums, LoginService, Role, Visibility};
use pierhead_db::migrate::migrate;

use crate::databases;

/// Loads twice with the locations of the installation that the facts come from.
async fn check(db: &Database) {
    migrate(db).await.unwrap();
    let locations = ["default".to_owned(), "local".to_owned()];
    let before = db.statements();
    let enums = Enums::load_with_locations(db, &locations).await.unwrap();
    assert_eq!(db.statements() - before, 3, "load, add one, load");
    let enums_again = Enums::load_with_locations(db, &locations).await.unwrap();
    assert_eq!(db.statements() - before, 4, "load only");

    for enums in [enums, enums_again] {
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
        assert_eq!(enums.storage_location("local"), Some(7));
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
}

#[tokio::test]
async fn enumerations_are_loaded_from_postgresql() {
    check(&databases::postgres().await.0).await;
}

#[tokio::test]
async fn enumerations_are_loaded_from_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    check(&databases::sqlite(folder.path()).await).await;
}

#[tokio::test]
async fn locations_of_two_instances_that_start_together_are_added_once() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    let locations: Vec<String> = ["default", "europe", "asia"].map(str::to_owned).to_vec();
    let other = databases::connect(options).await;
    let (first, second) = tokio::join!(
        Enums::load_with_locations(&db, &locations),
        Enums::load_with_locations(&other, &locations)
    );
    let ids = |enums: &Enums| -> BTreeSet<i32> {
        locations
            .iter()
            .map(|name| enums.storage_location(name).unwrap())
            .collect()
    };
    assert_eq!(ids(&first.unwrap()), ids(&second.unwrap()));
}
