//! Facts read from a PostgreSQL database that Quay 3.18 migrated: `tests/data/quay-3.18`.

use std::collections::{BTreeMap, BTreeSet};

/// One column as Quay's database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// `integer`, `varchar(255)`, `timestamp` …
    pub(crate) kind: String,
    pub(crate) nullable: bool,
    /// As PostgreSQL prints it; empty without a default.
    pub(crate) default: String,
}

/// Columns in order, by table.
pub(crate) fn columns() -> BTreeMap<String, Vec<Column>> {
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for [table, name, kind, nullable, default] in
        lines(include_str!("../data/quay-3.18/columns.tsv"))
    {
        tables.entry(table.to_owned()).or_default().push(Column {
            name: name.to_owned(),
            kind: kind.to_owned(),
            nullable: nullable == "YES",
            default: default.to_owned(),
        });
    }
    tables
}

/// Indexes as (table, `unique` or `index`, method and key), sorted.
pub(crate) fn indexes() -> Vec<(String, String, String)> {
    let mut indexes: Vec<_> = lines(include_str!("../data/quay-3.18/indexes.tsv"))
        .map(|fields: [&str; 3]| fields.map(str::to_owned).into())
        .collect();
    indexes.sort();
    indexes
}

/// Foreign keys as (table, column, referenced table), sorted.
pub(crate) fn foreign_keys() -> Vec<(String, String, String)> {
    let mut keys: Vec<_> = lines(include_str!("../data/quay-3.18/foreign-keys.tsv"))
        .map(|[table, column, target]: [&str; 3]| {
            (table.to_owned(), column.to_owned(), target.replace('"', ""))
        })
        .collect();
    keys.sort();
    keys
}

/// Names of the enumeration rows, by table. The installation had one configured storage location, `default`.
pub(crate) fn enum_names() -> BTreeMap<String, BTreeSet<String>> {
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut table = "";
    for line in include_str!("../data/quay-3.18/enum-rows.txt").lines() {
        if let Some(name) = line.strip_prefix("== ") {
            table = name;
        } else if table != "alembic_version" && !line.starts_with("id\t") {
            let name = line.split('\t').nth(1).unwrap();
            tables
                .entry(table.to_owned())
                .or_default()
                .insert(name.to_owned());
        }
    }
    tables
}

fn lines<const N: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    text.lines().map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        fields
            .try_into()
            .unwrap_or_else(|_| panic!("a line without {N} fields: {line}"))
    })
}
