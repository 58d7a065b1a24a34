//! Why a migration does not happen, in words for the person who runs the registry.

use crate::error::Error;
use crate::schema::HEAD_REVISION;

/// Why a database is refused or a migration failed. In every case the database is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database belongs to an older Quay.
    #[error(
        "the database is at revision {revision}, which belongs to Quay {release}; this version of Pierhead serves \
         revision {HEAD_REVISION} (Quay 3.18). Upgrade the database with Quay first (run the Quay 3.18 image once \
         with `migrate head`), then start Pierhead again"
    )]
    Older {
        /// The revision found.
        revision: String,
        /// The Quay release whose migrations contain it.
        release: &'static str,
    },
    /// The revision is in no release known here.
    #[error(
        "the database is at revision {revision}, which no Quay release up to 3.18 has; this version of Pierhead \
         serves revision {HEAD_REVISION} (Quay 3.18). If a newer Quay has upgraded the database, use a Pierhead that \
         knows that release; otherwise check that the configuration names the right database"
    )]
    Unknown {
        /// The revision found.
        revision: String,
    },
    /// `alembic_version` must have exactly one row.
    #[error(
        "the table alembic_version has {found} rows instead of one, so the revision of the database is not known. \
         Restore the database from a backup; or, if it holds nothing, drop its tables and start again"
    )]
    RevisionRows {
        /// How many rows it has.
        found: usize,
    },
    /// There are tables, but not Quay's.
    #[error(
        "the database has tables ({}) but no alembic_version: it is neither empty nor a Quay database. Name an empty \
         database or a Quay 3.18 database in the configuration", some_names(.tables)
    )]
    Foreign {
        /// The tables found, sorted.
        tables: Vec<String>,
    },
    /// The revision says 3.18, but tables are missing.
    #[error(
        "the database is at revision {HEAD_REVISION} but lacks tables ({}): it was not restored completely. Restore \
         it from a backup", some_names(.tables)
    )]
    Incomplete {
        /// The missing tables, sorted.
        tables: Vec<String>,
    },
    /// PostgreSQL does not give us `pg_trgm`.
    #[error(
        "the PostgreSQL extension pg_trgm is missing and could not be created. Install PostgreSQL's contrib package \
         on its server if it lacks it, and run `CREATE EXTENSION pg_trgm` in this database as a superuser"
    )]
    Trigrams {
        /// What PostgreSQL answered.
        source: sqlx::Error,
    },
    /// The database answered with an error.
    #[error("the database failed while {doing}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        source: Error,
    },
}

impl From<Error> for MigrateError {
    fn from(source: Error) -> Self {
        Self::failed("beginning or ending the migration")(source)
    }
}

impl MigrateError {
    /// For `map_err`: keeps the cause and says what was being done.
    pub(super) fn failed<E: Into<Error>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Failed {
            doing,
            source: source.into(),
        }
    }
}

/// Names of tables for a message, at most this many.
const NAMES_SHOWN: usize = 5;

fn some_names(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(NAMES_SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
