//! Bringing a database to the schema that this version serves, or refusing it with a reason.
//!
//! The rule (database.md §0.10, §3): an empty database gets everything in one transaction; a database that Quay 3.18
//! made, or that was made here, is served as it is and gets at most the missing tables of our own; everything else is
//! refused without a change, naming what was found and what to do. Quay runs `alembic upgrade head` on the same
//! database when it comes back, so `alembic_version` always tells the truth.
//!
//! Instances that start together migrate once: the decision is made again under a lock (an advisory lock that ends
//! with the transaction on PostgreSQL, the write lock of `BEGIN IMMEDIATE` on SQLite), and whoever comes second finds
//! the work done. A database that needs nothing is only read, so a role without write access can start.
//!
//! Statements here go by the simple protocol (`raw_sql`) or inside a transaction: nothing depends on which server
//! connection pgBouncer lends between transactions.

use std::collections::HashSet;

use crate::schema::{self, HEAD_REVISION, OWN_PREFIX};

pub mod postgres;
mod revisions;
pub mod sqlite;

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The database was empty and has everything now.
    Created,
    /// The database had Quay's schema and got missing tables of our own.
    OwnTablesAdded,
    /// Nothing was to be done, and nothing was written.
    Current,
}

/// What a database that can be served was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Without tables.
    Empty,
    /// At the head revision, but without some table of our own.
    WithoutOwnTables,
    /// At the head revision with everything.
    Current,
}

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
    Sql {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        source: sqlx::Error,
    },
}

impl MigrateError {
    /// For `map_err`: keeps the cause and says what was being done.
    fn sql(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Sql { doing, source }
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

/// The rule: what a database with these tables and these rows of `alembic_version` is.
fn judge(tables: &HashSet<String>, revisions: &[String]) -> Result<Found, MigrateError> {
    const REVISION_TABLE: &str = "alembic_version";
    if !tables.contains(REVISION_TABLE) {
        let foreign = sorted(tables.iter().filter(|name| !name.starts_with(OWN_PREFIX)));
        return if foreign.is_empty() {
            Ok(Found::Empty)
        } else {
            Err(MigrateError::Foreign { tables: foreign })
        };
    }
    let [revision] = revisions else {
        return Err(MigrateError::RevisionRows {
            found: revisions.len(),
        });
    };
    if revision != HEAD_REVISION {
        return Err(match revisions::release_of(revision) {
            Some(release) => MigrateError::Older {
                revision: revision.clone(),
                release,
            },
            None => MigrateError::Unknown {
                revision: revision.clone(),
            },
        });
    }
    let missing = sorted(
        schema::tables()
            .map(|table| table.name)
            .filter(|name| !tables.contains(*name)),
    );
    if !missing.is_empty() {
        return Err(MigrateError::Incomplete { tables: missing });
    }
    if schema::own_tables().all(|table| tables.contains(table.name)) {
        Ok(Found::Current)
    } else {
        Ok(Found::WithoutOwnTables)
    }
}

fn sorted(names: impl Iterator<Item = impl Into<String>>) -> Vec<String> {
    let mut names: Vec<String> = names.map(Into::into).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn quay_tables() -> HashSet<String> {
        schema::tables()
            .map(|table| table.name.to_owned())
            .collect()
    }

    #[test]
    fn tables_without_a_revision_are_refused_and_named() {
        let tables = HashSet::from(["invoices".to_owned(), "customers".to_owned()]);
        let error = judge(&tables, &[]).unwrap_err();
        assert!(
            error.to_string().contains("(customers, invoices)"),
            "{error}"
        );
    }

    #[test]
    fn a_database_with_only_our_own_tables_counts_as_empty() {
        let tables = HashSet::from(["pierhead_deleted_blob".to_owned()]);
        assert_eq!(judge(&tables, &[]).unwrap(), Found::Empty);
    }

    #[test]
    fn a_revision_table_without_rows_is_refused() {
        let tables = HashSet::from(["alembic_version".to_owned()]);
        assert!(matches!(
            judge(&tables, &[]),
            Err(MigrateError::RevisionRows { found: 0 })
        ));
    }

    #[test]
    fn an_older_revision_is_refused_with_its_release() {
        let error = judge(&quay_tables(), &["7078c84d14e8".to_owned()]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("revision 7078c84d14e8, which belongs to Quay 3.16;"),
            "{error}"
        );
    }

    #[test]
    fn a_revision_of_the_future_is_refused_as_unknown() {
        let error = judge(&quay_tables(), &["0123456789ab".to_owned()]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("revision 0123456789ab, which no Quay release"),
            "{error}"
        );
    }

    #[test]
    fn a_database_at_head_that_lacks_a_table_is_refused() {
        let mut tables = quay_tables();
        tables.remove("manifestblob");
        let error = judge(&tables, &[HEAD_REVISION.to_owned()]).unwrap_err();
        assert!(
            error.to_string().contains("lacks tables (manifestblob)"),
            "{error}"
        );
    }

    #[test]
    fn quays_tables_at_head_only_lack_our_own() {
        let tables = quay_tables();
        assert_eq!(
            judge(&tables, &[HEAD_REVISION.to_owned()]).unwrap(),
            Found::WithoutOwnTables
        );
    }
}
