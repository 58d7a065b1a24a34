//! Quay 3.18's schema, described once, and the DDL of both engines made from it.
//!
//! Why one description: PostgreSQL and SQLite must have the same tables, columns, nullability and unique indexes,
//! or a query that one engine proves is not proven for the other. The description is constant Rust data, one file
//! for each group of tables, so that a wrong type or modifier does not compile.
//!
//! Invariants:
//!
//! * On PostgreSQL the result equals what Quay's own migrations leave (revision [`HEAD_REVISION`]): a test compares
//!   the catalog with facts read from a Quay installation. Uniqueness is always a unique *index*, never a
//!   constraint; names of indexes and foreign keys follow Quay's pattern but mean nothing.
//! * Tables of our own start with [`OWN_PREFIX`]. They are additive: no foreign key points from them into Quay's
//!   tables, so that Quay never trips on them when it deletes rows.
//! * The application supplies every NOT NULL column itself; the few server defaults are only those that Quay has.

mod accounts;
mod builds;
mod content;
mod legacy;
mod logs;
mod own;
mod policies;
mod postgres;
mod repositories;
mod rows;
mod sqlite;
mod table;
mod tokens;

pub(crate) use postgres::{
    create_own_tables as postgres_own_tables, create_schema as postgres_schema,
};
pub(crate) use rows::enum_rows;
pub(crate) use sqlite::{create_own_tables as sqlite_own_tables, create_schema as sqlite_schema};
pub use table::{Column, Index, IndexKind, SingleIndex, Table, Type};

/// The revision in `alembic_version` that this schema is: the last one of Quay 3.18.
pub const HEAD_REVISION: &str = "9fa37f66a9b6";

/// How the names of tables start that are ours and that Quay does not know.
pub const OWN_PREFIX: &str = "pierhead_";

/// Quay's 105 tables.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    [
        accounts::TABLES,
        tokens::TABLES,
        repositories::TABLES,
        content::TABLES,
        policies::TABLES,
        logs::TABLES,
        builds::TABLES,
        legacy::TABLES,
    ]
    .into_iter()
    .flatten()
}

/// Our own tables beside Quay's.
pub fn own_tables() -> impl Iterator<Item = &'static Table> {
    own::TABLES.iter()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_105_tables_and_each_is_described_once() {
        let names: HashSet<_> = tables().map(|table| table.name).collect();
        assert_eq!(names.len(), 105);
        assert_eq!(tables().count(), 105);
    }

    #[test]
    fn every_foreign_key_points_to_a_table_that_exists() {
        let names: HashSet<_> = tables().map(|table| table.name).collect();
        for table in tables() {
            for column in table.columns {
                if let Some(target) = column.references {
                    assert!(
                        names.contains(target),
                        "{}.{} → {target}",
                        table.name,
                        column.name
                    );
                }
            }
        }
    }

    #[test]
    fn every_index_names_columns_of_its_table() {
        for table in tables() {
            for index in table.indexes {
                for name in index.columns {
                    assert!(
                        table.columns.iter().any(|column| column.name == *name),
                        "{}.{name}",
                        table.name
                    );
                }
            }
        }
    }

    #[test]
    fn no_two_tables_or_indexes_share_a_name() {
        let mut names = HashSet::new();
        for table in tables().chain(own_tables()) {
            assert!(names.insert(table.name.to_owned()), "{}", table.name);
            assert!(
                names.insert(format!("{}_id_seq", table.name)),
                "{}",
                table.name
            );
            for index in table.all_indexes() {
                let name = table.index_name(&index);
                assert!(name.len() <= table::MAX_NAME_BYTES, "{name}");
                assert!(names.insert(name.clone()), "{name}");
            }
        }
    }

    #[test]
    fn our_own_tables_have_our_prefix_and_no_foreign_keys() {
        for table in own_tables() {
            assert!(table.name.starts_with(OWN_PREFIX), "{}", table.name);
            assert!(
                table
                    .columns
                    .iter()
                    .all(|column| column.references.is_none()),
                "{}",
                table.name
            );
        }
    }
}
