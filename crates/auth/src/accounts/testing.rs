//! A migrated SQLite database for the tests of accounts, and a look at its rows column by column.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use pierhead_config::Secret;
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_db::enums::Enums;
use pierhead_db::{Database, SqliteOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Column as _, ConnectOptions as _, Row as _, SqliteConnection};
use tempfile::TempDir;

use crate::Clock;

use super::{
    Accounts, AccountsConfig, Actor, NewOrganization, NewRepository, NewUser, Role, Visibility,
};

/// The time of every test.
pub(super) const NOW: &str = "2026-03-04 05:06:07.089";
/// [`NOW`] in epoch milliseconds.
const NOW_MS: i64 = 1_772_600_767_089;

/// One row: every value as text, NULL as `None`.
pub(super) type Row = BTreeMap<String, Option<String>>;

pub(super) struct Fixture {
    pub(super) accounts: Accounts,
    pub(super) db: Database,
    dir: TempDir,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut AccountsConfig)) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("quay.db");
        let db = Database::sqlite(&SqliteOptions::new(&path)).await.unwrap();
        pierhead_db::migrate::migrate(&db).await.unwrap();
        let enums = Enums::load(&mut db.read().await.unwrap()).await.unwrap();
        let mut config = AccountsConfig {
            bcrypt_cost: 4,
            ..AccountsConfig::default()
        };
        change(&mut config);
        let key = || DerivedKey::from_secret("testkey").unwrap();
        let accounts = Accounts::new(
            db.clone(),
            Arc::new(enums),
            FieldCipher::new(&key()),
            PasswordCipher::new(key()),
            config,
            Clock::manual(DateTime::from_timestamp_millis(NOW_MS).unwrap()),
        );
        Self { accounts, db, dir }
    }

    /// A folder for files, which goes with the fixture.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.dir.path().join("quay.db"))
            .connect()
            .await
            .unwrap()
    }

    /// Changes rows behind the back of what is tested.
    pub(super) async fn execute(&self, sql: &'static str) {
        sqlx::query(sql)
            .execute(&mut self.connect().await)
            .await
            .unwrap();
    }

    pub(super) async fn rows(&self, sql: &'static str) -> Vec<Row> {
        let rows = sqlx::query(sql)
            .fetch_all(&mut self.connect().await)
            .await
            .unwrap();
        rows.iter()
            .map(|row| {
                row.columns()
                    .iter()
                    .map(|column| {
                        let value = row.try_get_unchecked(column.ordinal()).unwrap();
                        (column.name().to_owned(), value)
                    })
                    .collect()
            })
            .collect()
    }

    pub(super) async fn row(&self, sql: &'static str) -> Row {
        let mut rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}");
        rows.remove(0)
    }

    pub(super) async fn value(&self, sql: &'static str) -> String {
        self.row(sql).await.into_values().next().unwrap().unwrap()
    }

    /// The newest audit row without its id; its kind by name.
    pub(super) async fn audit(&self) -> Row {
        self.row(
            "SELECT logentrykind.name AS kind, account_id, performer_id, repository_id, datetime, ip, metadata_json
            FROM logentry3 JOIN logentrykind ON logentrykind.id = kind_id ORDER BY logentry3.id DESC LIMIT 1",
        )
        .await
    }

    pub(super) async fn audit_rows(&self) -> usize {
        self.value("SELECT COUNT(*) FROM logentry3")
            .await
            .parse()
            .unwrap()
    }

    pub(super) async fn user(&self, name: &str) -> pierhead_db::UserId {
        let new = NewUser {
            username: name.to_owned(),
            password: None,
            email: None,
            verified: true,
        };
        self.accounts
            .create_user(&Actor::operator(), new)
            .await
            .unwrap()
    }

    pub(super) async fn organization(&self, name: &str, owner: &str) -> super::CreatedOrganization {
        let new = NewOrganization {
            name: name.to_owned(),
            email: None,
            owner: owner.to_owned(),
        };
        self.accounts
            .create_organization(&Actor::operator(), new)
            .await
            .unwrap()
    }

    pub(super) async fn repository(&self, namespace: &str, name: &str) -> super::CreatedRepository {
        self.accounts
            .create_repository(&Actor::operator(), new_repository(namespace, name))
            .await
            .unwrap()
    }
}

pub(super) fn new_repository(namespace: &str, name: &str) -> NewRepository {
    NewRepository {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        visibility: Visibility::Private,
        description: None,
        creator: None,
        creator_role: Role::Admin,
    }
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text)
}

/// A row as the test expects it.
pub(super) fn expected(values: &[(&str, Option<&str>)]) -> Row {
    values
        .iter()
        .map(|(column, value)| ((*column).to_owned(), value.map(str::to_owned)))
        .collect()
}

/// Takes a value out of a row that differs in each run.
pub(super) fn take(row: &mut Row, column: &str) -> String {
    row.remove(column).unwrap().unwrap()
}

pub(super) fn is_uuid4(text: &str) -> bool {
    text.len() == 36
        && text.to_lowercase() == text
        && uuid::Uuid::parse_str(text).is_ok_and(|uuid| uuid.get_version_num() == 4)
}
