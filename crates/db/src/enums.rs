//! Ids of the rows of Quay's enumeration tables, by name.
//!
//! Why: ids differ between installations (Quay's own migrations number some media types at random, and login
//! services and storage locations are added while it runs), so every id is looked up by name (database.md §0.6). The
//! tables are small and read once at start, in one statement; a lookup costs a hash. When a name is not there that
//! another instance may have added (a login service, a storage location), load again.
//!
//! Invariant: every name that a typed enumeration of [`names`] has is in the database, or loading fails; so
//! [`Enums::id`] always has an answer.

use std::collections::HashMap;
use std::fmt::Write;

use sqlx::{AssertSqlSafe, FromRow};

use crate::conn::{Conn, EngineConn};
use crate::database::{Database, Durability};
use crate::error::{Error, Result as DbResult};
use crate::statement::execute;

mod names;

pub use names::{
    AccessTokenKind, LabelSource, LoginService, Named, QuotaType, RepositoryKind, Role, TagKind,
    TeamRole, Visibility,
};

/// An enumeration table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnumTable {
    /// `accesstokenkind`
    AccessTokenKind,
    /// `buildtriggerservice`
    BuildTriggerService,
    /// `disablereason`
    DisableReason,
    /// `externalnotificationevent`
    NotificationEvent,
    /// `externalnotificationmethod`
    NotificationMethod,
    /// `imagestoragelocation`: the storage engines; grows with the configuration.
    StorageLocation,
    /// `labelsourcetype`
    LabelSource,
    /// `logentrykind`
    LogKind,
    /// `loginservice`: grows with configured identity providers.
    LoginService,
    /// `mediatype`: of manifests, labels and messages.
    MediaType,
    /// `notificationkind`: of notifications inside the console.
    NotificationKind,
    /// `quotatype`
    QuotaType,
    /// `repositorykind`
    RepositoryKind,
    /// `role`
    Role,
    /// `tagkind`
    TagKind,
    /// `teamrole`
    TeamRole,
    /// `userpromptkind`
    UserPromptKind,
    /// `visibility`
    Visibility,
}

impl EnumTable {
    /// Every table, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::AccessTokenKind,
        Self::BuildTriggerService,
        Self::DisableReason,
        Self::NotificationEvent,
        Self::NotificationMethod,
        Self::StorageLocation,
        Self::LabelSource,
        Self::LogKind,
        Self::LoginService,
        Self::MediaType,
        Self::NotificationKind,
        Self::QuotaType,
        Self::RepositoryKind,
        Self::Role,
        Self::TagKind,
        Self::TeamRole,
        Self::UserPromptKind,
        Self::Visibility,
    ];

    /// The table's name in the database.
    pub fn table_name(self) -> &'static str {
        match self {
            Self::AccessTokenKind => "accesstokenkind",
            Self::BuildTriggerService => "buildtriggerservice",
            Self::DisableReason => "disablereason",
            Self::NotificationEvent => "externalnotificationevent",
            Self::NotificationMethod => "externalnotificationmethod",
            Self::StorageLocation => "imagestoragelocation",
            Self::LabelSource => "labelsourcetype",
            Self::LogKind => "logentrykind",
            Self::LoginService => "loginservice",
            Self::MediaType => "mediatype",
            Self::NotificationKind => "notificationkind",
            Self::QuotaType => "quotatype",
            Self::RepositoryKind => "repositorykind",
            Self::Role => "role",
            Self::TagKind => "tagkind",
            Self::TeamRole => "teamrole",
            Self::UserPromptKind => "userpromptkind",
            Self::Visibility => "visibility",
        }
    }

    /// Names that must be there, in the order of the typed enumeration's variants.
    fn typed_names(self) -> &'static [&'static str] {
        match self {
            Self::AccessTokenKind => AccessTokenKind::NAMES,
            Self::LabelSource => LabelSource::NAMES,
            Self::LoginService => LoginService::NAMES,
            Self::QuotaType => QuotaType::NAMES,
            Self::RepositoryKind => RepositoryKind::NAMES,
            Self::Role => Role::NAMES,
            Self::TagKind => TagKind::NAMES,
            Self::TeamRole => TeamRole::NAMES,
            Self::Visibility => Visibility::NAMES,
            Self::BuildTriggerService
            | Self::DisableReason
            | Self::NotificationEvent
            | Self::NotificationMethod
            | Self::StorageLocation
            | Self::LogKind
            | Self::MediaType
            | Self::NotificationKind
            | Self::UserPromptKind => &[],
        }
    }
}

/// Why the enumerations could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnumsError {
    /// A row that every Quay database has is missing.
    #[error(
        "the table {table} has no row named {name:?}, which every Quay 3.18 database has: the database was changed by \
         hand or not restored completely"
    )]
    Missing {
        /// The table.
        table: &'static str,
        /// The name that must be there.
        name: &'static str,
    },
    /// The database answered with an error.
    #[error("the enumeration tables could not be read or extended")]
    Failed(#[from] Error),
}

/// Names and ids of all enumeration tables, as they were when they were loaded.
#[derive(Debug, Clone)]
pub struct Enums {
    /// By [`EnumTable`] as a number.
    tables: Vec<Names>,
}

#[derive(Debug, Clone, Default)]
struct Names {
    by_name: HashMap<String, i32>,
    by_id: HashMap<i32, String>,
    /// Ids of the typed enumeration's variants, by variant as a number.
    typed: Vec<i32>,
}

impl Enums {
    /// The statement that reads everything: rows of table name, id and name. The same text on both engines.
    fn statement() -> String {
        let mut sql = String::new();
        for table in EnumTable::ALL.map(EnumTable::table_name) {
            let union = if sql.is_empty() { "" } else { " UNION ALL " };
            // Writing into a `String` cannot fail.
            let _ = write!(sql, "{union}SELECT '{table}', id, name FROM {table}");
        }
        sql.push_str(" ORDER BY 2");
        sql
    }

    /// Loads all tables by one statement.
    ///
    /// # Errors
    /// When the database fails or lacks a row that must be there.
    pub async fn load(conn: &mut Conn) -> Result<Self, EnumsError> {
        // Nothing is prepared: it runs once in a while, and its text is long.
        let statement = sqlx::raw_sql(AssertSqlSafe(Self::statement()));
        let rows: Result<Vec<(String, i32, String)>, sqlx::Error> = match conn.statement() {
            EngineConn::Postgres(conn) => {
                let rows = statement.fetch_all(conn).await;
                rows.and_then(|rows| rows.iter().map(FromRow::from_row).collect())
            }
            EngineConn::Sqlite(conn) => {
                let rows = statement.fetch_all(conn).await;
                rows.and_then(|rows| rows.iter().map(FromRow::from_row).collect())
            }
        };
        Self::from_rows(rows.map_err(Error::from)?)
    }

    /// Loads all tables and adds the storage locations that `imagestoragelocation` does not know yet, as Quay does at
    /// start for every key of `DISTRIBUTED_STORAGE_CONFIG`. Nothing is written when all are known.
    ///
    /// # Errors
    /// When the database fails or lacks a row that must be there.
    pub async fn load_with_locations(
        db: &Database,
        locations: &[String],
    ) -> Result<Self, EnumsError> {
        let enums = Self::load(&mut db.read().await?).await?;
        let missing: Vec<String> = locations
            .iter()
            .filter(|name| enums.storage_location(name).is_none())
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(enums);
        }
        db.write(Durability::Full, |conn| {
            Box::pin(async move {
                for name in &missing {
                    add_storage_location(conn, name).await?;
                }
                Self::load(conn).await
            })
        })
        .await
    }

    /// From the rows that [`Enums::statement`] gives: table, id, name.
    ///
    /// # Errors
    /// When a row is missing that must be there.
    fn from_rows(
        rows: impl IntoIterator<Item = (String, i32, String)>,
    ) -> Result<Self, EnumsError> {
        let mut tables: HashMap<String, Names> = HashMap::new();
        for (table, id, name) in rows {
            let table = tables.entry(table).or_default();
            // Some tables have no unique index: of two rows with one name the older counts, as in Quay.
            table.by_name.entry(name.clone()).or_insert(id);
            table.by_id.insert(id, name);
        }
        let tables = EnumTable::ALL.map(|table| {
            let mut names = tables.remove(table.table_name()).unwrap_or_default();
            for name in table.typed_names() {
                let missing = EnumsError::Missing {
                    table: table.table_name(),
                    name,
                };
                names.typed.push(*names.by_name.get(*name).ok_or(missing)?);
            }
            Ok(names)
        });
        Ok(Self {
            tables: tables.into_iter().collect::<Result<_, EnumsError>>()?,
        })
    }

    /// The id of a name that every database has.
    pub fn id<T: Named>(&self, value: T) -> i32 {
        // Loading has put one id for each variant.
        self.names(T::TABLE).typed[value.number()]
    }

    /// The typed name of an id; `None` for an id that has none.
    pub fn value<T: Named>(&self, id: i32) -> Option<T> {
        let number = self
            .names(T::TABLE)
            .typed
            .iter()
            .position(|known| *known == id)?;
        T::ALL.get(number).copied()
    }

    /// The id of a name, if the table has it.
    pub fn find(&self, table: EnumTable, name: &str) -> Option<i32> {
        self.names(table).by_name.get(name).copied()
    }

    /// The name of an id, if the table has it.
    pub fn name(&self, table: EnumTable, id: i32) -> Option<&str> {
        self.names(table).by_id.get(&id).map(String::as_str)
    }

    /// The id of a media type of manifests, labels or messages. Media types of blobs have none.
    pub fn media_type(&self, name: &str) -> Option<i32> {
        self.find(EnumTable::MediaType, name)
    }

    /// The media type with this id.
    pub fn media_type_name(&self, id: i32) -> Option<&str> {
        self.name(EnumTable::MediaType, id)
    }

    /// The id of a kind of audit log row.
    pub fn log_kind(&self, name: &str) -> Option<i32> {
        self.find(EnumTable::LogKind, name)
    }

    /// The id of a configured storage location.
    pub fn storage_location(&self, name: &str) -> Option<i32> {
        self.find(EnumTable::StorageLocation, name)
    }

    /// The name of a storage location.
    pub fn storage_location_name(&self, id: i32) -> Option<&str> {
        self.name(EnumTable::StorageLocation, id)
    }

    fn names(&self, table: EnumTable) -> &Names {
        // One entry for each table, in this order.
        &self.tables[table as usize]
    }
}

/// Adds a storage location unless another instance has just done so.
async fn add_storage_location(conn: &mut Conn, name: &str) -> DbResult<u64> {
    execute!(
        conn,
        "INSERT INTO imagestoragelocation (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
        name
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::schema::enum_rows;

    /// Rows as a fresh database has them, with ids moved to show that nothing relies on them.
    fn rows() -> Vec<(String, i32, String)> {
        enum_rows()
            .iter()
            .flat_map(|rows| {
                let names = rows.names.iter().enumerate();
                names.map(|(index, name)| {
                    (
                        rows.table.to_owned(),
                        500 - index as i32,
                        (*name).to_owned(),
                    )
                })
            })
            .collect()
    }

    #[test]
    fn tables_are_listed_in_the_order_of_their_numbers() {
        for (number, table) in EnumTable::ALL.into_iter().enumerate() {
            assert_eq!(table as usize, number, "{table:?}");
        }
    }

    #[test]
    fn ids_are_found_by_name_wherever_they_are() {
        let enums = Enums::from_rows(rows()).unwrap();
        assert_eq!(enums.id(Role::Admin), 500);
        assert_eq!(enums.id(Role::Read), 498);
        assert_eq!(enums.value::<Role>(499), Some(Role::Write));
        assert_eq!(enums.value::<Role>(1), None);
        assert_eq!(enums.media_type("application/json"), Some(499));
        assert_eq!(enums.media_type_name(499), Some("application/json"));
        assert_eq!(enums.media_type("application/x-tar"), None);
        assert_eq!(enums.log_kind("pull_repo"), Some(460));
    }

    #[test]
    fn every_typed_name_goes_there_and_back() {
        fn check<T: Named>(enums: &Enums) {
            for value in T::ALL {
                assert_eq!(enums.value(enums.id(*value)), Some(*value));
                assert_eq!(enums.find(T::TABLE, value.name()), Some(enums.id(*value)));
                assert_eq!(T::from_name(value.name()), Some(*value));
            }
        }
        let enums = Enums::from_rows(rows()).unwrap();
        check::<AccessTokenKind>(&enums);
        check::<LabelSource>(&enums);
        check::<LoginService>(&enums);
        check::<QuotaType>(&enums);
        check::<RepositoryKind>(&enums);
        check::<Role>(&enums);
        check::<TagKind>(&enums);
        check::<TeamRole>(&enums);
        check::<Visibility>(&enums);
    }

    #[test]
    fn of_two_rows_with_one_name_the_older_counts() {
        let mut rows = rows();
        rows.push(("quotatype".to_owned(), 900, "Reject".to_owned()));
        assert_eq!(Enums::from_rows(rows).unwrap().id(QuotaType::Reject), 499);
    }

    #[test]
    fn a_database_without_a_needed_row_is_refused() {
        let rows = rows()
            .into_iter()
            .filter(|(table, _, name)| table != "role" || name != "write");
        let error = Enums::from_rows(rows).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(r#"the table role has no row named "write""#),
            "{error}"
        );
    }
}
